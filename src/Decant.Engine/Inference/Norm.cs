using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>A normalisation with its weights.</summary>
internal sealed unsafe class Norm : IDisposable
{
    private readonly NormSpec spec;
    private readonly AlignedBuffer weight;
    private readonly AlignedBuffer? bias;
    private readonly int width;
    private readonly int weightRowCount;

    /// <summary>Loads a norm.</summary>
    /// <param name="model">Where the tensors are.</param>
    /// <param name="id">Its weight.</param>
    /// <param name="spec">The formula.</param>
    /// <param name="width">Elements that are normalised together.</param>
    /// <param name="weightRowCount">1, or the number of weight rows that take turns (a weight per head).</param>
    public Norm(Model model, TensorId id, NormSpec spec, int width, int weightRowCount = 1)
    {
        this.spec = spec;
        this.width = width;
        this.weightRowCount = weightRowCount;
        weight = SmallTensor.Load(model, model.Get(id), id, checked(width * weightRowCount));
        bias = spec.Kind == NormKind.Layer && model.Find(id.Bias) is { } tensor
            ? SmallTensor.Load(model, tensor, id.Bias, checked(width * weightRowCount))
            : null;
    }

    /// <summary>Normalises rows that lie one after another; y may be x.</summary>
    public void Apply(ComputeContext context, float* x, float* y, long rowCount)
    {
        // A few thousand elements are done sooner than another thread is told.
        const long ElementsWorthThreads = 1 << 14;
        int parts = rowCount * width < ElementsWorthThreads ? 1 : context.Pool.ThreadCount;
        context.Pool.Run(parts, new Work(this, context, (nint)x, (nint)y, rowCount, parts));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        weight.Dispose();
        bias?.Dispose();
    }

    private void ApplyRows(ComputeContext context, float* x, float* y, long first, long end)
    {
        for (long row = first; row < end; row++)
        {
            long weightOffset = row % weightRowCount * width;
            float* source = x + row * width;
            float* target = y + row * width;
            if (spec.Kind == NormKind.RootMeanSquare)
                context.Arithmetic.RootMeanSquareNorm(source, weight.Floats + weightOffset, spec.Epsilon, target, width);
            else
                context.Arithmetic.LayerNorm(source, weight.Floats + weightOffset, bias is null ? null : bias.Floats + weightOffset, spec.Epsilon, target, width);
        }
    }

    private readonly struct Work(Norm norm, ComputeContext context, nint x, nint y, long rowCount, int parts) : IParallelWork
    {
        public void Run(int part) =>
            norm.ApplyRows(context, (float*)x, (float*)y, rowCount * part / parts, rowCount * (part + 1) / parts);
    }
}
