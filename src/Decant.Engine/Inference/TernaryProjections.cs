using Decant.Core.Architectures;
using Decant.Core.Formats;
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

    // What the reference divides by at least.
    private const float SmallestDivisor = 1e-5f;

    /// <summary>The matrix of −s, 0 and s for s the mean of absolute values.</summary>
    public static TensorData Round(TensorData weight)
    {
        int length = checked((int)weight.Info.Shape.RowLength);
        float[] row = new float[length];
        double sum = 0;
        for (long i = 0; i < weight.Info.Shape.RowCount; i++)
        {
            weight.ReadRows(i, 1, row);
            foreach (float value in row)
                sum += Math.Abs(value);
        }
        float scale = 1 / MathF.Max((float)(sum / weight.Info.Shape.ElementCount), SmallestDivisor);
        float[] rounded = new float[weight.Info.Shape.ElementCount];
        for (long i = 0; i < weight.Info.Shape.RowCount; i++)
        {
            Span<float> target = rounded.AsSpan(checked((int)(i * length)), length);
            weight.ReadRows(i, 1, target);
            foreach (ref float value in target)
                value = Math.Clamp(MathF.Round(value * scale), -1, 1) / scale;
        }
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
        float scale = Largest / MathF.Max(largest, SmallestDivisor);
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
