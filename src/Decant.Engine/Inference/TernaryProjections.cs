using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>
/// BitNet's rounding (<see cref="ProjectionKind.Ternary"/>): of weights when they are loaded, of activations before every product. Both stay in single
/// precision, as in transformers' <c>AutoBitLinear</c>.
/// </summary>
internal static unsafe class TernaryProjections
{
    private const float Largest = 127;

    /// <summary>The matrix of −s, 0 and s (<see cref="TernaryTensor"/>), computed.</summary>
    public static TensorData Round(TensorData weight)
    {
        var ternary = new TernaryTensor(weight);
        int length = checked((int)weight.Info.Shape.RowLength);
        float[] rounded = new float[weight.Info.Shape.ElementCount];
        for (long i = 0; i < weight.Info.Shape.RowCount; i++)
            ternary.ReadRows(i, 1, rounded.AsSpan(checked((int)(i * length)), length));
        return MemoryTensor.FromValues(weight.Info.Name, weight.Info.Shape, rounded);
    }

    /// <summary>Rounds the activations of each token in place: to 127 steps on either side of zero, the largest of which is its largest activation.</summary>
    public static void RoundActivations(ComputeContext context, float* rows, int tokenCount, int width)
    {
        int parts = (long)tokenCount * width < 1 << 13 ? 1 : context.Pool.ThreadCount;
        context.Pool.Run(parts, new Work((nint)rows, tokenCount, width, parts));
    }

    private static void RoundRow(Span<float> row)
    {
        float largest = 0;
        foreach (float value in row)
            largest = MathF.Max(largest, MathF.Abs(value));
        float scale = Largest / MathF.Max(largest, TernaryTensor.SmallestScale);
        foreach (ref float value in row)
            value = Math.Clamp(MathF.Round(value * scale), -Largest - 1, Largest) / scale;
    }

    private readonly struct Work(nint rows, int tokenCount, int width, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int end = WorkerPool.Boundary(tokenCount, 1, part + 1, parts);
            for (int token = WorkerPool.Boundary(tokenCount, 1, part, parts); token < end; token++)
                RoundRow(new Span<float>((float*)rows + (long)token * width, width));
        }
    }
}
