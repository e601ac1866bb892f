using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>
/// An interpreter of <see cref="HeadScanSpec"/>. State: the convolution's, then for each head those of its channels (<see cref="FloatArithmetic.ScanPlace"/>).
/// </summary>
internal sealed unsafe class HeadScan : SequenceMixer
{
    private readonly HeadScanSpec spec;
    private readonly CausalConvolution convolution;
    private readonly LinearGroup inputs;
    private readonly LinearGroup output;
    private readonly Norm norm;
    private readonly AlignedBuffer stepBias;
    private readonly AlignedBuffer rates;
    private readonly AlignedBuffer skip;

    /// <summary>Loads a block's mixer.</summary>
    public HeadScan(MixerLoader loader, HeadScanSpec spec)
    {
        this.spec = spec;
        int hidden = loader.HiddenSize, heads = spec.HeadCount;
        inputs = Own(new LinearGroup(
            loader.Linear(TensorRole.ScanGate, spec.InnerSize, hidden), loader.Linear(TensorRole.ScanInput, spec.ConvolvedSize, hidden), loader.Linear(TensorRole.TimeStep, heads, hidden)));
        convolution = Own(new CausalConvolution(loader, spec.Convolution, spec.ConvolvedSize));
        stepBias = Own(loader.Vector(TensorRole.TimeStepBias, heads));
        rates = Own(loader.Vector(TensorRole.StateDecay, heads));
        for (int head = 0; head < heads; head++)
            rates.Floats[head] = -MathF.Exp(rates.Floats[head]);
        skip = Own(loader.Vector(TensorRole.SkipFactor, heads));
        norm = Own(loader.Norm(TensorRole.ScanNorm, spec.Norm, spec.InnerSize / spec.GroupCount, spec.GroupCount));
        output = Own(new LinearGroup(loader.Linear(TensorRole.MixerOutput, hidden, spec.InnerSize)));
    }

    /// <inheritdoc/>
    public override int StateLength => checked(convolution.StateLength + spec.HeadCount * FloatArithmetic.ScanLength(spec.HeadSize, spec.StateSize));

    /// <inheritdoc/>
    public override int ScratchWidth => checked(spec.InnerSize + 2 * (spec.ConvolvedSize + spec.HeadCount));

    /// <inheritdoc/>
    public override IEnumerable<LinearGroup> Groups => [inputs, output];

    /// <inheritdoc/>
    public override void Run(ComputeContext context, float* input, int count, float* scratch, float* state, float* output)
    {
        float* gate = scratch, raw = gate + (long)count * spec.InnerSize, convolved = raw + (long)count * spec.ConvolvedSize, steps = convolved + (long)count * spec.ConvolvedSize, decays = steps + (long)count * spec.HeadCount;
        inputs.Multiply(context, input, count, (nint)gate, (nint)raw, (nint)steps);
        convolution.Apply(context, raw, count, state, convolved);
        for (int position = 0; position < count; position++)
            context.Arithmetic.AddScaled(steps + (long)position * spec.HeadCount, stepBias.Floats, 1, spec.HeadCount);
        context.Arithmetic.Softplus(steps, checked(count * spec.HeadCount));
        int parts = context.Pool.PartCount((long)count * spec.InnerSize * spec.StateSize, LeastSharedWork, LeastPart);
        // What was convolved is not needed again: the results go there.
        context.Pool.Run(parts, new Work(this, context, (nint)convolved, (nint)steps, (nint)decays, (nint)(state + convolution.StateLength), (nint)gate, (nint)raw, count, parts));
        norm.Apply(context, gate, gate, (long)count * spec.GroupCount);
        this.output.Multiply(context, gate, count, (nint)output);
    }

    private void Scan(ComputeContext context, float* convolved, float* steps, float* decays, float* state, float* gate, float* y, int count, int head)
    {
        int size = spec.HeadSize, heads = spec.HeadCount;
        long offset = (long)head * size, inputs = spec.InnerSize + head / (heads / spec.GroupCount) * (long)spec.StateSize;
        float* own = state + (long)head * FloatArithmetic.ScanLength(size, spec.StateSize);
        for (long i = head; i < (long)count * heads; i += heads)
        {
            steps[i] = Math.Clamp(steps[i], spec.LeastTimeStep, spec.LargestTimeStep);
            decays[i] = MathF.Exp(steps[i] * rates.Floats[head]);
        }
        // Block after block: the states of a whole head do not fit the first-level cache.
        for (int first = 0; first < size; first += FloatArithmetic.ScanBlock)
        {
            float* block = own + FloatArithmetic.ScanPlace(first, spec.StateSize);
            int length = Math.Min(FloatArithmetic.ScanBlock, size - first);
            for (int position = 0; position < count; position++)
            {
                float* row = convolved + (long)position * spec.ConvolvedSize;
                float* b = row + inputs;
                long i = (long)position * heads + head;
                context.Arithmetic.HeadScanStep(
                    block, spec.StateSize, decays[i], steps[i], skip.Floats[head], row + offset + first, b, b + (long)spec.GroupCount * spec.StateSize,
                    y + (long)position * spec.InnerSize + offset + first, length);
            }
        }
        for (int position = 0; position < count; position++)
        {
            long place = (long)position * spec.InnerSize + offset;
            context.Arithmetic.Activate(spec.GateActivation, gate + place, y + place, size);
        }
    }

    private readonly struct Work(HeadScan scan, ComputeContext context, nint convolved, nint steps, nint decays, nint state, nint gate, nint y, int count, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int end = WorkerPool.Boundary(scan.spec.HeadCount, 1, part + 1, parts);
            for (int head = WorkerPool.Boundary(scan.spec.HeadCount, 1, part, parts); head < end && !context.CancellationToken.IsCancellationRequested; head++)
                scan.Scan(context, (float*)convolved, (float*)steps, (float*)decays, (float*)state, (float*)gate, (float*)y, count, head);
        }
    }
}
