using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>
/// A recurrent model ready to run: weights that sessions share. They stay where the checkpoint has them (a memory map), or are copied where they are read
/// faster (<see cref="DecoderOptions.Weights"/>); the model's source must live as long. Several sessions may be used from several threads; their calls take
/// turns. Of the options, <see cref="DecoderOptions.KeyValueFormat"/> and <see cref="DecoderOptions.WarmsUp"/> have no meaning here: a text's memory is a
/// state of fixed size in single precision.
/// </summary>
public sealed class RecurrentDecoder : ILanguageModel
{
    private readonly RecurrentWeights weights;
    private readonly ComputeContext context;
    private readonly WeightCopies? copies;
    private bool disposed;

    private RecurrentDecoder(Model<RecurrentSpec> model, RecurrentWeights weights, DecoderOptions options, KernelSelection kernels, CancellationToken cancellationToken)
    {
        this.weights = weights;
        Model = model;
        ForcedKernels = kernels.Forced;
        BatchLength = options.BatchLength;
        context = new ComputeContext(options.ThreadCount, kernels.Level, options.Observer);
        try
        {
            copies = WeightCopies.Create(weights.Matrices(), options, context.Pool, cancellationToken);
        }
        catch
        {
            // A constructor that fails leaves nobody to dispose what it took.
            context.Dispose();
            throw;
        }
        Pass = new RecurrentPass(weights, context);
    }

    /// <summary>The model as data.</summary>
    public RecurrentSpec Spec => weights.Spec;

    /// <inheritdoc/>
    public int VocabularySize => Spec.VocabularySize;

    /// <summary>No text is too long for a state; what it makes of one longer than <see cref="ModelSpec.ContextLength"/> is another matter.</summary>
    public int MaximumLength => int.MaxValue;

    /// <summary>The kernel level in use: <c>avx512</c>, <c>avx2</c>, <c>vector128</c> or <c>scalar</c>.</summary>
    public string KernelName => context.Instructions.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> ForcedKernels { get; }

    /// <inheritdoc/>
    public WeightWork WeightWork => weights.Work;

    /// <summary>False: a state is remembered.</summary>
    public bool ComputesWholeText => false;

    /// <summary>Threads in use.</summary>
    public int ThreadCount => context.Pool.ThreadCount;

    /// <summary>The most tokens computed at once: <see cref="DecoderOptions.BatchLength"/>.</summary>
    public int BatchLength { get; }

    /// <summary>Memory of a text's state, however long the text.</summary>
    public long StateByteCount => (long)weights.StateLength * sizeof(float);

    /// <summary>Private memory that weights were copied to, in bytes; 0 if they stayed in the map.</summary>
    public long CopiedWeightByteCount => copies?.ByteCount ?? 0;

    /// <summary>The model.</summary>
    internal Model<RecurrentSpec> Model { get; }

    /// <summary>Runs positions; used under <see cref="Gate"/>.</summary>
    internal RecurrentPass Pass { get; }

    /// <summary>Elements of a text's state.</summary>
    internal int StateLength => weights.StateLength;

    /// <summary>True while a call runs: the gate lets its own thread in again.</summary>
    internal bool IsRunning { get; set; }

    /// <summary>One call at a time.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Prepares a model. Checks every tensor's shape, chooses kernels, starts threads.</summary>
    /// <param name="model">The bound model; its source must outlive the decoder.</param>
    /// <param name="options">How to run it, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops loading.</param>
    /// <exception cref="BadFileException">A tensor is missing or has the wrong shape.</exception>
    /// <exception cref="UsageException">An option is out of range, or the processor lacks the kernel asked for.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public static RecurrentDecoder Load(Model<RecurrentSpec> model, DecoderOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new DecoderOptions();
        options.RequireValid();
        cancellationToken.ThrowIfCancellationRequested();
        var kernels = new KernelSelection(options.Kernel, options.Arithmetic);
        var weights = new RecurrentWeights(model, kernels, cancellationToken);
        try
        {
            kernels.RequireAllUsed(model.Source.Location);
            return new RecurrentDecoder(model, weights, options, kernels, cancellationToken);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Starts an empty text.</summary>
    /// <param name="capacity">The most tokens it can grow to; costs no memory.</param>
    /// <exception cref="UsageException">The capacity is 0 or less.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory; the message says how much is needed.</exception>
    public RecurrentSession StartSession(int capacity = int.MaxValue)
    {
        if (capacity < 1)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"A context of {capacity} tokens holds nothing; ask for at least 1."));
        lock (Gate)
        {
            ThrowIfDisposed();
            return new RecurrentSession(this, capacity);
        }
    }

    ILanguageModelSession ILanguageModel.StartSession(int capacity) => StartSession(capacity);

    /// <summary>Frees working memory and stops the threads. Sessions can no longer be used.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            if (disposed)
                return;
            disposed = true;
            Pass.Dispose();
            context.Dispose();
            weights.Dispose();
            copies?.Dispose();
        }
    }

    /// <summary>Throws if the decoder was disposed.</summary>
    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(disposed, this);
}
