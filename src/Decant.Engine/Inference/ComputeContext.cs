using Decant.Core.Tensors;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference;

/// <summary>What every step of a decoder needs: threads, instructions, memory per thread, the observer.</summary>
internal sealed unsafe class ComputeContext : IDisposable
{
    private readonly Scratch[] scratch;

    /// <summary>Starts the threads.</summary>
    public ComputeContext(int threadCount, InstructionSet instructions, IDecoderObserver? observer)
    {
        Pool = new WorkerPool(threadCount);
        Instructions = instructions;
        Arithmetic = instructions.Arithmetic;
        Observer = observer;
        scratch = [.. Enumerable.Range(0, Pool.ThreadCount).Select(_ => new Scratch())];
    }

    /// <summary>The threads.</summary>
    public WorkerPool Pool { get; }

    /// <summary>The instructions that kernels may use.</summary>
    public InstructionSet Instructions { get; }

    /// <summary>Functions on those instructions.</summary>
    public FloatArithmetic Arithmetic { get; }

    /// <summary>Told about inputs and hidden states, or null.</summary>
    public IDecoderObserver? Observer { get; }

    /// <summary>Rows of a product's input that belong to a text and are shown to the observer; those behind are padding.</summary>
    public int ObservedRowCount { get; set; } = int.MaxValue;

    /// <summary>The input of the product that is running; one for all products, so that its memory is held once.</summary>
    public ProductInput Input { get; } = new();

    /// <summary>Stops the call that is running; looked at between tiles and ranges of rows.</summary>
    public CancellationToken CancellationToken { get; set; }

    /// <summary>
    /// Memory of the thread that asks, from within a part of a job. A thread of another pool, which runs jobs of this one alone, takes any.
    /// </summary>
    public Scratch ThreadScratch => scratch[WorkerPool.CurrentThread is var thread && thread < scratch.Length ? thread : 0];

    /// <summary>Makes sure that no thread's memory will have to grow to so many elements.</summary>
    public void ReserveScratch(long count)
    {
        foreach (Scratch own in scratch)
            _ = own.Floats(count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pool.Dispose();
        Input.Dispose();
        foreach (Scratch own in scratch)
            own.Dispose();
    }
}
