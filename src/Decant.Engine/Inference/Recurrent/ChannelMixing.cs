using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>An interpreter of <see cref="ChannelMixingSpec"/>. State: the last position.</summary>
internal sealed unsafe class ChannelMixing : SequenceMixer
{
    private readonly int width;
    private readonly int hidden;
    private readonly PositionShift shift;
    private readonly AlignedBuffer keyShift;
    private readonly AlignedBuffer receptanceShift;
    private readonly LinearGroup up;
    private readonly LinearGroup down;
    private readonly LinearGroup receptance;

    /// <summary>Loads a block's channel mixing.</summary>
    public ChannelMixing(MixerLoader loader, ChannelMixingSpec spec)
    {
        width = spec.Width;
        hidden = loader.HiddenSize;
        shift = new PositionShift(hidden);
        keyShift = Own(loader.Vector(TensorRole.ChannelKeyShift, hidden));
        receptanceShift = Own(loader.Vector(TensorRole.ChannelReceptanceShift, hidden));
        up = Own(new LinearGroup(loader.Linear(TensorRole.Up, width, hidden)));
        receptance = Own(new LinearGroup(loader.Linear(TensorRole.ChannelReceptance, hidden, hidden)));
        down = Own(new LinearGroup(loader.Linear(TensorRole.Down, hidden, width)));
    }

    /// <inheritdoc/>
    public override int StateLength => shift.StateLength;

    /// <inheritdoc/>
    public override int ScratchWidth => checked(2 * hidden + width);

    /// <inheritdoc/>
    public override IEnumerable<LinearGroup> Groups => [up, receptance, down];

    /// <inheritdoc/>
    public override void Run(ComputeContext context, float* input, int count, float* scratch, float* state, float* output)
    {
        float* mean = scratch, results = mean + (long)count * hidden, units = results + (long)count * hidden;
        shift.Apply(context, input, count, state, keyShift, mean);
        up.Multiply(context, mean, count, (nint)units);
        Activate(context, Activation.ReluSquared, units, null, (long)count * width);
        down.Multiply(context, units, count, (nint)results);
        shift.Apply(context, input, count, state, receptanceShift, mean);
        receptance.Multiply(context, mean, count, (nint)output);
        shift.Keep(input, count, state);
        Activate(context, Activation.Sigmoid, output, results, (long)count * hidden);
    }

    private static void Activate(ComputeContext context, Activation activation, float* x, float* factor, long count)
    {
        int parts = context.Pool.PartCount(count, LeastSharedWork, LeastPart);
        context.Pool.Run(parts, new Work(context, activation, (nint)x, (nint)factor, checked((int)count), parts));
    }

    private readonly struct Work(ComputeContext context, Activation activation, nint x, nint factor, int count, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int first = WorkerPool.Boundary(count, 16, part, parts);
            int length = WorkerPool.Boundary(count, 16, part + 1, parts) - first;
            context.Arithmetic.Activate(activation, (float*)x + first, factor == 0 ? null : (float*)factor + first, length);
        }
    }
}
