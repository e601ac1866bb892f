using Decant.Core.Architectures;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>
/// Runs consecutive positions of one text through the blocks: an interpreter of <see cref="RecurrentSpec"/>. Activations are rows of positions in single
/// precision; the buffers are as large as the longest run so far.
/// </summary>
internal sealed unsafe class RecurrentPass : IDisposable
{
    private const long ElementsWorthThreads = 1 << 13;
    private const int Line = AlignedBuffer.Alignment / sizeof(float);

    private readonly RecurrentWeights weights;
    private readonly ComputeContext context;
    private readonly int hidden;
    private readonly int scratchWidth;
    private AlignedBuffer? buffer;
    private float* stream;
    private float* normed;
    private float* branch;
    private float* scratch;
    private int room;

    /// <summary>Prepares to run a model.</summary>
    public RecurrentPass(RecurrentWeights weights, ComputeContext context)
    {
        this.weights = weights;
        this.context = context;
        hidden = weights.Spec.HiddenSize;
        scratchWidth = weights.Layers.SelectMany(layer => layer.Branches).Max(part => part.Mixer.ScratchWidth);
    }

    /// <summary>Brings a state to what it is in front of a text.</summary>
    public void Reset(float* state)
    {
        new Span<float>(state, weights.StateLength).Clear();
        foreach (RecurrentBranch part in weights.Layers.SelectMany(layer => layer.Branches))
            part.Mixer.Reset(state + part.FirstState);
    }

    /// <summary>Runs positions; <see cref="Head"/> then has their logits.</summary>
    /// <param name="ids">The tokens.</param>
    /// <param name="state">What earlier positions left; updated.</param>
    /// <param name="cancellationToken">Looked at within products and scans, and before each branch; the state is then unfinished.</param>
    public void Run(ReadOnlySpan<int> ids, float* state, CancellationToken cancellationToken)
    {
        int count = ids.Length;
        context.CancellationToken = cancellationToken;
        Reserve(count);
        for (int i = 0; i < count; i++)
            weights.TokenEmbedding.DecodeRow(ids[i], stream + (long)i * hidden);
        weights.EmbeddingNorm?.Apply(context, stream, stream, count);
        Observe(0, count);
        for (int index = 0; index < weights.Layers.Length; index++)
        {
            RecurrentLayer layer = weights.Layers[index];
            foreach (RecurrentBranch part in layer.Branches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                part.Norm.Apply(context, stream, normed, count);
                part.Mixer.Run(context, normed, count, scratch, state + part.FirstState, branch);
                Add(layer.Spec.BranchScale, count);
            }
            if (layer.Spec.StreamScale != 1)
                context.Arithmetic.Scale(stream, layer.Spec.StreamScale, checked(count * hidden));
            Observe(index + 1, count);
        }
        cancellationToken.ThrowIfCancellationRequested();
        weights.FinalNorm.Apply(context, stream, stream, count);
        Observe(weights.Layers.Length + 1, count);
    }

    /// <summary>Logits of positions of the last run.</summary>
    /// <param name="firstRow">First position.</param>
    /// <param name="rowCount">Positions.</param>
    /// <param name="logits">[positions, vocabulary].</param>
    public void Head(int firstRow, int rowCount, float* logits)
    {
        HeadSpec head = weights.Spec.Head;
        weights.Head.Multiply(context, stream + (long)firstRow * hidden, rowCount, (nint)logits);
        int total = checked(rowCount * weights.Spec.VocabularySize);
        if (head.Scale != 1)
            context.Arithmetic.Scale(logits, head.Scale, total);
        if (head.SoftCap is { } cap)
            context.Arithmetic.SoftCap(logits, cap, total);
    }

    /// <inheritdoc/>
    public void Dispose() => buffer?.Dispose();

    private void Observe(int index, int count) =>
        context.Observer?.HiddenState(index, new ReadOnlySpan<float>(stream, checked(count * hidden)), count);

    private void Add(float factor, int count)
    {
        long elements = (long)count * hidden;
        int parts = elements < ElementsWorthThreads ? 1 : context.Pool.ThreadCount;
        context.Pool.Run(parts, new SumWork(context, (nint)stream, (nint)branch, factor, checked((int)elements), parts));
    }

    private void Reserve(int count)
    {
        if (count <= room)
            return;
        room = 0;
        long rows = ((long)count * hidden + Line - 1) / Line * Line;
        float* next = (float*)AlignedBuffer.Reserve(ref buffer, (3 * rows + (long)count * scratchWidth) * sizeof(float), $"Working memory for {count} tokens");
        stream = next;
        normed = stream + rows;
        branch = normed + rows;
        scratch = branch + rows;
        room = count;
    }

    private readonly struct SumWork(ComputeContext context, nint target, nint addend, float factor, int count, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int first = WorkerPool.Boundary(count, Line, part, parts);
            context.Arithmetic.AddScaled((float*)target + first, (float*)addend + first, factor, WorkerPool.Boundary(count, Line, part + 1, parts) - first);
        }
    }
}
