using Decant.Core.Tensors;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference;

/// <summary>What every step of a decoder needs: threads, instructions, memory per thread, the observer.</summary>
internal sealed class ComputeContext : IDisposable
{
    /// <summary>Starts the threads.</summary>
    public ComputeContext(int threadCount, InstructionSet instructions, IDecoderObserver? observer)
    {
        Pool = new WorkerPool(threadCount);
        Instructions = instructions;
        Observer = observer;
        Scratch = new Scratch[Pool.ThreadCount];
        for (int i = 0; i < Scratch.Length; i++)
            Scratch[i] = new Scratch();
    }

    /// <summary>The threads.</summary>
    public WorkerPool Pool { get; }

    /// <summary>The instructions that kernels may use.</summary>
    public InstructionSet Instructions { get; }

    /// <summary>Functions on those instructions.</summary>
    public FloatArithmetic Arithmetic => Instructions.Arithmetic;

    /// <summary>Told about inputs and hidden states, or null.</summary>
    public IDecoderObserver? Observer { get; }

    /// <summary>The input of the product that is running; one for all products, so that its memory is held once.</summary>
    public ProductInput Input { get; } = new();

    /// <summary>Memory of part i of a job that has as many parts as there are threads.</summary>
    public Scratch[] Scratch { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pool.Dispose();
        Input.Dispose();
        foreach (Scratch scratch in Scratch)
            scratch.Dispose();
    }
}
