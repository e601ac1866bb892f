using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>Means of each position and the one before it, element by element with a share of its own. The state is the last position.</summary>
/// <param name="width">Elements of a position.</param>
internal sealed unsafe class PositionShift(int width)
{
    /// <summary>Elements of the state.</summary>
    public int StateLength => width;

    /// <summary>Means of consecutive positions with some shares; the state is read only.</summary>
    public void Apply(ComputeContext context, float* x, int count, float* state, AlignedBuffer shares, float* y)
    {
        int parts = context.Pool.PartCount((long)count * width, 1 << 14, 1 << 14);
        context.Pool.Run(parts, new Work(context, (nint)x, count, (nint)state, (nint)shares.Floats, (nint)y, width, parts));
    }

    /// <summary>Keeps the last position.</summary>
    public void Keep(float* x, int count, float* state) =>
        new ReadOnlySpan<float>(x + (long)(count - 1) * width, width).CopyTo(new Span<float>(state, width));

    private readonly struct Work(ComputeContext context, nint x, int count, nint state, nint shares, nint y, int width, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int end = WorkerPool.Boundary(count, 1, part + 1, parts);
            for (int position = WorkerPool.Boundary(count, 1, part, parts); position < end; position++)
            {
                float* row = (float*)x + (long)position * width;
                context.Arithmetic.Interpolate(row, position == 0 ? (float*)state : row - width, (float*)shares, (float*)y + (long)position * width, width);
            }
        }
    }
}
