using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>An interpreter of <see cref="TimeMixingSpec"/>. State: the last position, then sums, weights and exponents of the channels.</summary>
internal sealed unsafe class TimeMixing : SequenceMixer
{
    // Below every exponent, so that the first position forgets it; its difference from any is still finite.
    private const float LeastExponent = -1e38f;

    private readonly int width;
    private readonly PositionShift shift;
    private readonly AlignedBuffer keyShift;
    private readonly AlignedBuffer valueShift;
    private readonly AlignedBuffer receptanceShift;
    private readonly AlignedBuffer bonus;
    private readonly AlignedBuffer rates;
    private readonly LinearGroup key;
    private readonly LinearGroup value;
    private readonly LinearGroup receptance;
    private readonly LinearGroup output;
    private readonly int hidden;

    /// <summary>Loads a block's mixer.</summary>
    public TimeMixing(MixerLoader loader, TimeMixingSpec spec)
    {
        width = spec.Width;
        hidden = loader.HiddenSize;
        shift = new PositionShift(hidden);
        keyShift = Own(loader.Vector(TensorRole.KeyShift, hidden));
        valueShift = Own(loader.Vector(TensorRole.ValueShift, hidden));
        receptanceShift = Own(loader.Vector(TensorRole.ReceptanceShift, hidden));
        bonus = Own(loader.Vector(TensorRole.CurrentKeyBonus, width));
        rates = Own(loader.Vector(TensorRole.StateDecay, width));
        for (int i = 0; i < width; i++)
            rates.Floats[i] = -MathF.Exp(rates.Floats[i]);
        key = Own(new LinearGroup(loader.Linear(TensorRole.Key, width, hidden)));
        value = Own(new LinearGroup(loader.Linear(TensorRole.Value, width, hidden)));
        receptance = Own(new LinearGroup(loader.Linear(TensorRole.Receptance, width, hidden)));
        output = Own(new LinearGroup(loader.Linear(TensorRole.MixerOutput, hidden, width)));
    }

    /// <inheritdoc/>
    public override int StateLength => checked(shift.StateLength + 3 * width);

    /// <inheritdoc/>
    public override int ScratchWidth => checked(hidden + 4 * width);

    /// <inheritdoc/>
    public override IEnumerable<LinearGroup> Groups => [key, value, receptance, output];

    /// <inheritdoc/>
    public override void Reset(float* state) => new Span<float>(state + shift.StateLength + 2 * width, width).Fill(LeastExponent);

    /// <inheritdoc/>
    public override void Run(ComputeContext context, float* input, int count, float* scratch, float* state, float* output)
    {
        long length = (long)count * width;
        float* mean = scratch, keys = mean + (long)count * hidden, values = keys + length, gate = values + length, mixed = gate + length;
        shift.Apply(context, input, count, state, keyShift, mean);
        key.Multiply(context, mean, count, (nint)keys);
        shift.Apply(context, input, count, state, valueShift, mean);
        value.Multiply(context, mean, count, (nint)values);
        shift.Apply(context, input, count, state, receptanceShift, mean);
        receptance.Multiply(context, mean, count, (nint)gate);
        shift.Keep(input, count, state);
        int parts = context.Pool.PartCount(length * 16, LeastSharedWork, LeastPart);
        context.Pool.Run(parts, new Work(this, context, (nint)keys, (nint)values, (nint)gate, (nint)mixed, (nint)(state + shift.StateLength), count, parts));
        this.output.Multiply(context, gate, count, (nint)output);
    }

    private void Mix(ComputeContext context, float* keys, float* values, float* gate, float* mixed, float* state, int count, int first, int length)
    {
        float* sums = state + first, weights = sums + width, exponents = weights + width;
        for (int position = 0; position < count; position++)
        {
            long row = (long)position * width + first;
            context.Arithmetic.TimeMixingStep(keys + row, values + row, bonus.Floats + first, rates.Floats + first, sums, weights, exponents, mixed + row, length);
            context.Arithmetic.Activate(Activation.Sigmoid, gate + row, mixed + row, length);
        }
    }

    private readonly struct Work(TimeMixing mixing, ComputeContext context, nint keys, nint values, nint gate, nint mixed, nint state, int count, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int first = WorkerPool.Boundary(mixing.width, 16, part, parts);
            int end = WorkerPool.Boundary(mixing.width, 16, part + 1, parts);
            for (; first < end && !context.CancellationToken.IsCancellationRequested; first += ChannelsAtOnce)
                mixing.Mix(context, (float*)keys, (float*)values, (float*)gate, (float*)mixed, (float*)state, count, first, Math.Min(ChannelsAtOnce, end - first));
        }
    }
}
