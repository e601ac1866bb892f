using Decant.Core.Errors;
using Decant.Engine.Kernels;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// Threads, instructions and working memory of linear algebra. Memory grows to the largest request and is kept, so one workspace should serve many
/// operations; it runs one operation at a time.
/// </summary>
public sealed unsafe class Workspace : IDisposable
{
    private readonly bool ownsPool;
    private readonly AlignedBuffer?[] partBuffers;
    private readonly Workspace?[] serial;
    private AlignedBuffer? sharedBuffer;

    /// <summary>Starts threads of its own.</summary>
    /// <param name="threadCount">1 to <see cref="WorkerPool.MaximumThreadCount"/>, or 0 for all processors.</param>
    /// <param name="level">Null for the best instructions, or the name of a set: <c>avx512</c>, <c>avx2</c>, <c>vector128</c>, <c>scalar</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is outside that range.</exception>
    /// <exception cref="UsageException">There is no such set, or the processor lacks it.</exception>
    public Workspace(int threadCount = 0, string? level = null)
        : this(InstructionSet.Find(level), new WorkerPool(threadCount), ownsPool: true)
    {
    }

    /// <summary>Uses threads that someone else owns.</summary>
    /// <param name="pool">The threads.</param>
    /// <param name="level">As above.</param>
    /// <exception cref="UsageException">There is no such set, or the processor lacks it.</exception>
    public Workspace(WorkerPool pool, string? level = null)
        : this(InstructionSet.Find(level), pool, ownsPool: false)
    {
    }

    private Workspace(InstructionSet instructions, WorkerPool pool, bool ownsPool)
    {
        ArgumentNullException.ThrowIfNull(pool);
        Instructions = instructions;
        Pool = pool;
        this.ownsPool = ownsPool;
        partBuffers = new AlignedBuffer?[pool.ThreadCount];
        serial = new Workspace?[pool.ThreadCount];
    }

    /// <summary>The threads.</summary>
    public WorkerPool Pool { get; }

    /// <summary>The instructions.</summary>
    internal InstructionSet Instructions { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        sharedBuffer?.Dispose();
        foreach (AlignedBuffer? buffer in partBuffers)
            buffer?.Dispose();
        foreach (Workspace? workspace in serial)
            workspace?.Dispose();
        if (ownsPool)
            Pool.Dispose();
    }

    /// <summary>The functions on matrices of this precision.</summary>
    internal MatrixArithmetic<T> Arithmetic<T>()
        where T : unmanaged => MatrixArithmetic<T>.For(Instructions);

    /// <summary>Memory that all threads of a product read; the next request may overwrite it.</summary>
    internal T* Shared<T>(long count)
        where T : unmanaged => (T*)Reserve(ref sharedBuffer, count * sizeof(T));

    /// <summary>Memory of one part of a job that has at most as many parts as there are threads.</summary>
    internal T* OfPart<T>(int part, long count)
        where T : unmanaged => (T*)Reserve(ref partBuffers[part], count * sizeof(T));

    /// <summary>A workspace of one thread, for a part of a job that runs whole operations.</summary>
    internal Workspace Serial(int part) => serial[part] ??= new Workspace(Instructions, new WorkerPool(1), ownsPool: true);

    private static byte* Reserve(ref AlignedBuffer? buffer, long byteCount) =>
        AlignedBuffer.Reserve(ref buffer, byteCount, "Working memory of linear algebra", "Use fewer threads.");
}
