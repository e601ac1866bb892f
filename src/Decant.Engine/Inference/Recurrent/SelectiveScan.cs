using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>An interpreter of <see cref="SelectiveScanSpec"/>. State: the convolution's, then those of the channels (<see cref="FloatArithmetic.ScanPlace"/>).</summary>
internal sealed unsafe class SelectiveScan : SequenceMixer
{
    private readonly SelectiveScanSpec spec;
    private readonly CausalConvolution convolution;
    private readonly LinearGroup inputs;
    private readonly LinearGroup narrow;
    private readonly LinearGroup timeStep;
    private readonly LinearGroup output;
    private readonly AlignedBuffer rates;
    private readonly AlignedBuffer skip;

    /// <summary>Loads a block's mixer.</summary>
    public SelectiveScan(MixerLoader loader, SelectiveScanSpec spec)
    {
        this.spec = spec;
        int inner = spec.InnerSize;
        inputs = Own(new LinearGroup(loader.Linear(TensorRole.ScanInput, inner, loader.HiddenSize), loader.Linear(TensorRole.ScanGate, inner, loader.HiddenSize)));
        convolution = Own(new CausalConvolution(loader, spec.Convolution, inner));
        narrow = Own(new LinearGroup(
            loader.Linear(TensorRole.TimeStepDown, spec.TimeStepRank, inner), loader.Linear(TensorRole.StateInput, spec.StateSize, inner), loader.Linear(TensorRole.StateOutput, spec.StateSize, inner)));
        timeStep = Own(new LinearGroup(loader.Linear(TensorRole.TimeStep, inner, spec.TimeStepRank)));
        rates = Own(new AlignedBuffer(sizeof(float) * (long)FloatArithmetic.ScanLength(inner, spec.StateSize), "Rates of decay", ""));
        using (AlignedBuffer logarithms = loader.Vector(TensorRole.StateDecay, checked(inner * spec.StateSize)))
        {
            for (long i = 0; i < (long)inner * spec.StateSize; i++)
                rates.Floats[FloatArithmetic.ScanPlace((int)(i / spec.StateSize), spec.StateSize) + i % spec.StateSize * FloatArithmetic.ScanBlock] = -MathF.Exp(logarithms.Floats[i]);
        }
        skip = Own(loader.Vector(TensorRole.SkipFactor, inner));
        output = Own(new LinearGroup(loader.Linear(TensorRole.MixerOutput, loader.HiddenSize, inner)));
    }

    /// <inheritdoc/>
    public override int StateLength => checked(convolution.StateLength + FloatArithmetic.ScanLength(spec.InnerSize, spec.StateSize));

    /// <inheritdoc/>
    public override int ScratchWidth => checked(4 * spec.InnerSize + spec.TimeStepRank + 2 * spec.StateSize);

    /// <inheritdoc/>
    public override IEnumerable<LinearGroup> Groups => [inputs, narrow, timeStep, output];

    /// <inheritdoc/>
    public override void Run(ComputeContext context, float* input, int count, float* scratch, float* state, float* output)
    {
        long width = (long)count * spec.InnerSize;
        float* raw = scratch, gate = raw + width, channels = gate + width, steps = channels + width, low = steps + width;
        float* b = low + (long)count * spec.TimeStepRank, c = b + (long)count * spec.StateSize;
        inputs.Multiply(context, input, count, (nint)raw, (nint)gate);
        convolution.Apply(context, raw, count, state, channels);
        narrow.Multiply(context, channels, count, (nint)low, (nint)b, (nint)c);
        timeStep.Multiply(context, low, count, (nint)steps);
        int parts = context.Pool.PartCount(width * spec.StateSize, LeastSharedWork, LeastPart);
        // What was convolved is not needed again: the results go there.
        context.Pool.Run(parts, new Work(
            this, context, (nint)channels, (nint)steps, (nint)b, (nint)c, (nint)(state + convolution.StateLength), (nint)gate, (nint)raw, count, parts));
        this.output.Multiply(context, gate, count, (nint)output);
    }

    private void Scan(ComputeContext context, float* x, float* steps, float* b, float* c, float* state, float* gate, float* y, int count, int first, int length)
    {
        // A part begins with a block.
        long place = FloatArithmetic.ScanPlace(first, spec.StateSize);
        for (int position = 0; position < count; position++)
        {
            long row = (long)position * spec.InnerSize + first;
            context.Arithmetic.Softplus(steps + row, length);
            context.Arithmetic.SelectiveScanStep(
                state + place, rates.Floats + place, spec.StateSize, steps + row, x + row, b + (long)position * spec.StateSize, c + (long)position * spec.StateSize,
                skip.Floats + first, y + row, length);
            context.Arithmetic.Activate(spec.GateActivation, gate + row, y + row, length);
        }
    }

    private readonly struct Work(
        SelectiveScan scan, ComputeContext context, nint x, nint steps, nint b, nint c, nint state, nint gate, nint y, int count, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int first = WorkerPool.Boundary(scan.spec.InnerSize, FloatArithmetic.ScanBlock, part, parts);
            int end = WorkerPool.Boundary(scan.spec.InnerSize, FloatArithmetic.ScanBlock, part + 1, parts);
            for (; first < end && !context.CancellationToken.IsCancellationRequested; first += ChannelsAtOnce)
            {
                scan.Scan(
                    context, (float*)x, (float*)steps, (float*)b, (float*)c, (float*)state, (float*)gate, (float*)y, count, first, Math.Min(ChannelsAtOnce, end - first));
            }
        }
    }
}
