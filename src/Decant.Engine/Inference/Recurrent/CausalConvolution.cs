using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>
/// A depthwise convolution over the positions up to the current one, with its activation. Its state is what it will read again: the inputs of the last
/// width − 1 positions, oldest first.
/// </summary>
internal sealed unsafe class CausalConvolution : IDisposable
{
    private readonly ConvolutionSpec spec;
    private readonly int channels;
    private readonly AlignedBuffer weights;
    private readonly AlignedBuffer? bias;

    /// <summary>Loads a convolution.</summary>
    public CausalConvolution(MixerLoader loader, ConvolutionSpec spec, int channels)
    {
        this.spec = spec;
        this.channels = channels;
        weights = loader.Transposed(TensorRole.Convolution, channels, spec.Width);
        bias = spec.Bias ? loader.Bias(TensorRole.Convolution, channels) : null;
    }

    /// <summary>Elements of its state.</summary>
    public int StateLength => (spec.Width - 1) * channels;

    /// <summary>Convolves consecutive positions.</summary>
    /// <param name="context">Threads.</param>
    /// <param name="x">[positions, channels].</param>
    /// <param name="count">Positions.</param>
    /// <param name="state">[<see cref="StateLength"/>]; updated.</param>
    /// <param name="y">[positions, channels]; not <paramref name="x"/>.</param>
    public void Apply(ComputeContext context, float* x, int count, float* state, float* y)
    {
        int parts = context.Pool.PartCount((long)count * channels * spec.Width, 1 << 14, 1 << 15);
        context.Pool.Run(parts, new Work(this, context, (nint)x, count, (nint)state, (nint)y, parts));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        weights.Dispose();
        bias?.Dispose();
    }

    private void ApplyTo(ComputeContext context, float* x, int count, float* state, float* y, int first, int length)
    {
        int kept = spec.Width - 1;
        // The input of a position before these is in the state, [kept] rows before the first.
        float* Input(int position) => (position >= 0 ? x + (long)position * channels : state + (long)(kept + position) * channels) + first;
        for (int position = 0; position < count; position++)
        {
            float* row = y + (long)position * channels + first;
            if (bias is null)
                new Span<float>(row, length).Clear();
            else
                new ReadOnlySpan<float>(bias.Floats + first, length).CopyTo(new Span<float>(row, length));
            for (int j = 0; j < spec.Width; j++)
                context.Arithmetic.AddProducts(row, Input(position - kept + j), weights.Floats + (long)j * channels + first, length);
            context.Arithmetic.Activate(spec.Activation, row, null, length);
        }
        // Oldest first: a row is overwritten only after those before it have moved.
        for (int j = 0; j < kept; j++)
            new ReadOnlySpan<float>(Input(count - kept + j), length).CopyTo(new Span<float>(state + (long)j * channels + first, length));
    }

    private readonly struct Work(CausalConvolution convolution, ComputeContext context, nint x, int count, nint state, nint y, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int first = WorkerPool.Boundary(convolution.channels, 16, part, parts);
            int length = WorkerPool.Boundary(convolution.channels, 16, part + 1, parts) - first;
            if (length > 0)
                convolution.ApplyTo(context, (float*)x, count, (float*)state, (float*)y, first, length);
        }
    }
}
