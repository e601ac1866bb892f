using Decant.Core.Architectures;

namespace Decant.Engine.Inference;

/// <summary>
/// Runs batches of tokens through a decoder: an interpreter of <see cref="DecoderSpec"/>. The blocks are <see cref="BlockRunner"/>'s; this is what is in
/// front of them and behind.
/// </summary>
internal sealed unsafe class ForwardPass : IDisposable
{
    private readonly DecoderWeights weights;
    private readonly ComputeContext context;
    private readonly DecoderSpec spec;
    private readonly BlockRunner blocks;

    /// <summary>Prepares to run a model.</summary>
    public ForwardPass(DecoderWeights weights, ComputeContext context)
    {
        this.weights = weights;
        this.context = context;
        spec = weights.Spec;
        blocks = new BlockRunner(weights.Layers, spec.HiddenSize, context, spec.Embedding.Width ?? 0);
    }

    /// <summary>Runs one batch and leaves the residual stream behind the last block in place, to be normalised by <see cref="FinalNorm"/>.</summary>
    /// <param name="segments">Whose tokens they are, in the order of rows; no cache twice.</param>
    /// <param name="ids">The tokens of all segments, one after another.</param>
    /// <param name="cancellationToken">Looked at within products and attention, and before each half of a block.</param>
    public void Run(List<Segment> segments, ReadOnlySpan<int> ids, CancellationToken cancellationToken)
    {
        int count = ids.Length;
        context.CancellationToken = cancellationToken;
        blocks.Begin(segments, count);
        Embed(segments, ids);
        context.Observer?.HiddenState(0, blocks.Rows(count), count);
        for (int index = 0; index < weights.Layers.Length; index++)
        {
            blocks.Run(index, index, segments, count, cancellationToken);
            context.Observer?.HiddenState(index + 1, blocks.Rows(count), count);
        }
    }

    /// <summary>Makes room for the rotations and the attention of a text that fills its cache, so that a text that grows asks for no memory.</summary>
    public void ReserveRoom(KvCache cache) => blocks.ReserveRoom(cache);

    /// <summary>Moves rows of the stream nearer to its start, for the head takes rows that lie together.</summary>
    public void MoveRows(int fromRow, int toRow, int rowCount)
    {
        if (fromRow == toRow)
            return;
        int length = checked(rowCount * spec.HiddenSize);
        float* stream = blocks.Stream;
        new ReadOnlySpan<float>(stream + (long)fromRow * spec.HiddenSize, length).CopyTo(new Span<float>(stream + (long)toRow * spec.HiddenSize, length));
    }

    /// <summary>Normalises the first rows of the stream in place for the head.</summary>
    public void FinalNorm(int rowCount) => weights.FinalNorm?.Apply(context, blocks.Stream, blocks.Stream, rowCount);

    /// <summary>Tells the observer about the normalised stream.</summary>
    public void ObserveFinal(int count)
    {
        if (context.Observer is not { } observer)
            return;
        ReadOnlySpan<float> rows = weights.HeadProjection is null
            ? blocks.Rows(count)
            : new ReadOnlySpan<float>(ProjectForHead(blocks.Stream, count), checked(count * spec.Embedding.Width!.Value));
        observer.HiddenState(spec.Layers.Length + 1, rows, count);
    }

    /// <summary>Logits of normalised rows of the stream.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="logits">[rows, vocabulary].</param>
    public void Head(int firstRow, int rowCount, float* logits)
    {
        weights.Head.Multiply(context, ProjectForHead(blocks.Stream + (long)firstRow * spec.HiddenSize, rowCount), rowCount, (nint)logits);
        int total = checked(rowCount * spec.VocabularySize);
        if (spec.Head.Scale != 1)
            context.Arithmetic.Scale(logits, spec.Head.Scale, total);
        if (spec.Head.SoftCap is { } cap)
            context.Arithmetic.SoftCap(logits, cap, total);
    }

    /// <inheritdoc/>
    public void Dispose() => blocks.Dispose();

    private float* ProjectForHead(float* rows, int count)
    {
        if (weights.HeadProjection is not { } projection)
            return rows;
        projection.Multiply(context, rows, count, (nint)blocks.Narrow);
        return blocks.Narrow;
    }

    private void Embed(List<Segment> segments, ReadOnlySpan<int> ids)
    {
        EmbeddingSpec embedding = spec.Embedding;
        int width = embedding.Width ?? spec.HiddenSize;
        float* stream = blocks.Stream;
        float* rows = weights.EmbeddingProjection is null ? stream : blocks.Narrow;
        for (int i = 0; i < ids.Length; i++)
            weights.TokenEmbedding.DecodeRow(ids[i], rows + (long)i * width);
        if (embedding.Scale != 1)
            context.Arithmetic.Scale(rows, embedding.Scale, checked(ids.Length * width));
        weights.EmbeddingProjection?.Multiply(context, rows, ids.Length, (nint)stream);
        if (weights.PositionEmbedding is { } positions)
            AddPositions(segments, positions);
        weights.EmbeddingNorm?.Apply(context, stream, stream, ids.Length);
    }

    private void AddPositions(List<Segment> segments, WeightMatrix positions)
    {
        foreach (Segment segment in segments)
        {
            for (int i = 0; i < segment.RowCount; i++)
            {
                positions.DecodeRow(segment.FirstPosition + i + spec.Embedding.LearnedPositionOffset, blocks.Spare);
                context.Arithmetic.AddScaled(blocks.Stream + (long)(segment.FirstRow + i) * spec.HiddenSize, blocks.Spare, 1, spec.HiddenSize);
            }
        }
    }
}
