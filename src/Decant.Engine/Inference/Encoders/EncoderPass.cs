using Decant.Core.Architectures;
using Decant.Core.Formats;

namespace Decant.Engine.Inference.Encoders;

/// <summary>
/// Runs one text through an encoder: an interpreter of <see cref="EncoderSpec"/>. All tokens are computed at once, for each sees all. Padding in front and
/// behind has been cut off; that within the text is computed and hidden from the others.
/// </summary>
internal sealed unsafe class EncoderPass : IDisposable
{
    private readonly EncoderWeights weights;
    private readonly EncoderSpec spec;
    private readonly ComputeContext context;
    private readonly BlockRunner blocks;
    private readonly AttentionSpec[] kinds;
    private readonly int[] kindOfLayer;
    private readonly List<Segment> segments = [];
    private KvCache? cache;

    /// <summary>Prepares to run an encoder.</summary>
    public EncoderPass(EncoderWeights weights, ComputeContext context)
    {
        this.weights = weights;
        this.context = context;
        spec = weights.Spec;
        // Every embedding is made in the narrow room, for that is what its parts are as wide as.
        blocks = new BlockRunner(weights.Layers, spec.HiddenSize, context, spec.Embedding.Width ?? 0);
        // A block's keys and values are of no use behind it: blocks whose heads are of the same sizes use the same room.
        kinds = [.. spec.Layers.Select(layer => layer.Attention).DistinctBy(SizesOf)];
        kindOfLayer = [.. spec.Layers.Select(layer => Array.FindIndex(kinds, kind => SizesOf(kind) == SizesOf(layer.Attention)))];
    }

    /// <summary>The hidden states of the last text [tokens, hidden], normalised.</summary>
    public float* Rows => blocks.Stream;

    /// <summary>Working memory of as many rows.</summary>
    public float* Spare => blocks.Spare;

    /// <summary>Working memory of as many rows of the embedding's width where it is not the hidden one.</summary>
    public float* Narrow => spec.Embedding.Width is null ? blocks.Spare : blocks.Narrow;

    /// <summary>Runs a text.</summary>
    /// <param name="ids">Its tokens; the first and the last are no padding.</param>
    /// <param name="positions">The row of the table of positions of each token; empty without such a table.</param>
    /// <param name="types">The type of each token; empty if all are 0.</param>
    /// <param name="hidden">True for padding; null for none.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public void Run(ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, ReadOnlySpan<int> types, bool[]? hidden, CancellationToken cancellationToken)
    {
        int count = ids.Length;
        context.CancellationToken = cancellationToken;
        if (cache is null || cache.Capacity < count)
        {
            cache?.Dispose();
            cache = null;
            cache = new KvCache(kinds, TensorFormats.F32, context.Instructions, count);
        }
        segments.Clear();
        segments.Add(new Segment(cache, 0, 0, count, count) { HiddenKeys = hidden });
        blocks.Begin(segments, count);
        Embed(ids, positions, types);
        context.Observer?.HiddenState(0, blocks.Rows(count), count);
        for (int step = 0; step < spec.StepCount; step++)
        {
            int first = spec.FirstLayerOfStep(step);
            for (int layer = first; layer < first + spec.GroupLength; layer++)
                blocks.Run(layer, kindOfLayer[layer], segments, count, cancellationToken);
            context.Observer?.HiddenState(step + 1, blocks.Rows(count), count);
        }
        weights.FinalNorm?.Apply(context, blocks.Stream, blocks.Stream, count);
        context.Observer?.HiddenState(spec.StepCount + 1, blocks.Rows(count), count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        blocks.Dispose();
        cache?.Dispose();
    }

    private static (int, int, int) SizesOf(AttentionSpec attention) => (attention.KeyValueHeadCount, attention.HeadSize, attention.ValueSize);

    private void Embed(ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, ReadOnlySpan<int> types)
    {
        int width = spec.Embedding.Width ?? spec.HiddenSize;
        float* rows = weights.EmbeddingProjection is null ? blocks.Stream : blocks.Narrow;
        for (int i = 0; i < ids.Length; i++)
        {
            float* row = rows + (long)i * width;
            weights.TokenEmbedding.DecodeRow(ids[i], row);
            if (weights.PositionEmbedding is { } table)
                Add(table, positions[i], row, width);
            if (weights.TokenTypeEmbedding is { } typeTable)
                Add(typeTable, types.IsEmpty ? 0 : types[i], row, width);
        }
        weights.EmbeddingNorm?.Apply(context, rows, rows, ids.Length);
        weights.EmbeddingProjection?.Multiply(context, rows, ids.Length, (nint)blocks.Stream);
    }

    private void Add(WeightMatrix table, int index, float* row, int width)
    {
        table.DecodeRow(index, blocks.Spare);
        context.Arithmetic.AddScaled(row, blocks.Spare, 1, width);
    }
}
