using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>
/// One branch of a recurrent block: reads the rows of consecutive positions of one text and the state that earlier positions left, and brings the state up
/// to date. How the positions are cut into calls does not change what is computed but for the order of sums in products.
/// </summary>
internal abstract unsafe class SequenceMixer : IDisposable
{
    // Channels that one scan goes through all positions with: their states and rates stay in the first-level cache.
    private protected const int ChannelsAtOnce = 64;

    // Less work than this is done sooner than another thread is told.
    private protected const long LeastSharedWork = 1 << 13;
    private protected const long LeastPart = 1 << 14;

    private readonly List<IDisposable> owned = [];

    /// <summary>Elements of the state.</summary>
    public abstract int StateLength { get; }

    /// <summary>Elements of working memory for each position.</summary>
    public abstract int ScratchWidth { get; }

    /// <summary>Its products.</summary>
    public abstract IEnumerable<LinearGroup> Groups { get; }

    /// <summary>Brings a state, which is all zeros, to what it is in front of the first position.</summary>
    public virtual void Reset(float* state)
    {
    }

    /// <summary>Computes a branch.</summary>
    /// <param name="context">Threads and memory.</param>
    /// <param name="input">Normalised rows [positions, hidden].</param>
    /// <param name="count">Positions.</param>
    /// <param name="scratch">Working memory [positions · <see cref="ScratchWidth"/>].</param>
    /// <param name="state">[<see cref="StateLength"/>]; updated.</param>
    /// <param name="output">[positions, hidden]; not <paramref name="input"/>.</param>
    public abstract void Run(ComputeContext context, float* input, int count, float* scratch, float* state, float* output);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable item in owned)
            item.Dispose();
    }

    /// <summary>Remembers what to dispose.</summary>
    private protected T Own<T>(T item)
        where T : IDisposable
    {
        owned.Add(item);
        return item;
    }
}
