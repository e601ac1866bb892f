using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>
/// Runs batches of tokens through blocks: an interpreter of <see cref="LayerSpec"/>. Activations are rows of tokens in single
/// precision; the buffers are as large as the largest batch so far. The rows may belong to several texts: products, norms and activations
/// see rows only; rotation, caches and attention go by <see cref="Segment"/>.
/// </summary>
internal sealed unsafe class BlockRunner : IDisposable
{
    // Less work than this is done sooner than another thread is told.
    private const long ElementsWorthThreads = 1 << 13;
    private const int TokensWorthThreads = 8;

    private readonly DecoderLayer[] layers;
    private readonly int hidden;
    private readonly int narrowWidth;
    private readonly ComputeContext context;
    private readonly RotaryTable[] rotaryTables;
    private readonly int[] rotaryTableOfLayer;
    private readonly nint[] rotaryRows;
    private readonly ExpertRouting?[] routings;
    private readonly Attention attention;
    private readonly List<Segment> sources = [];
    private AlignedBuffer? buffer;
    private int bufferTokenCount;
    private float* stream;
    private float* normed;
    private float* branch;
    private float* secondBranch;
    private float* queries;
    private float* keys;
    private float* values;
    private float* attended;
    private float* inner;
    private float* gathered;
    private float* routerScores;
    private float* rotaryCopies;
    private float* latent;
    private float* narrow;
    private int[] expertTokens = [];
    private float[] expertWeights = [];

    /// <summary>Prepares to run blocks.</summary>
    /// <param name="layers">The blocks.</param>
    /// <param name="hiddenSize">Width of the residual stream.</param>
    /// <param name="context">Threads and memory.</param>
    /// <param name="narrowWidth">Width of <see cref="Narrow"/>; 0 for none.</param>
    public BlockRunner(DecoderLayer[] layers, int hiddenSize, ComputeContext context, int narrowWidth)
    {
        this.layers = layers;
        hidden = hiddenSize;
        this.narrowWidth = narrowWidth;
        this.context = context;
        attention = new Attention(context);
        routings = [.. layers.Select(layer => layer.Spec.FeedForward.Experts is { } experts ? new ExpertRouting(experts, layer.ExpertChoiceBias) : null)];
        List<RopeSpec> ropes = [.. layers.Select(layer => layer.Spec.Attention.Rope).OfType<RopeSpec>().Distinct()];
        rotaryTables = [.. ropes.Select(rope => new RotaryTable(rope))];
        rotaryTableOfLayer = [.. layers.Select(layer => layer.Spec.Attention.Rope is { } rope ? ropes.IndexOf(rope) : -1)];
        rotaryRows = new nint[rotaryTables.Length];
    }

    /// <summary>The rows of the batch [tokens, hidden]: to be filled before the first block, and read behind the last.</summary>
    public float* Stream => stream;

    /// <summary>Room for as many rows that is free between blocks.</summary>
    public float* Spare => normed;

    /// <summary>Room for as many rows of another width that blocks leave alone.</summary>
    public float* Narrow => narrow;

    /// <summary>The rows of the stream.</summary>
    public ReadOnlySpan<float> Rows(int count) => new(stream, checked(count * hidden));

    /// <summary>Makes room for a batch, and its rotations readable.</summary>
    /// <param name="segments">Whose tokens they are, in the order of rows; no cache twice.</param>
    /// <param name="count">Tokens.</param>
    public void Begin(List<Segment> segments, int count)
    {
        if (count > bufferTokenCount)
            Grow(count);
        PrepareRotation(segments);
        sources.Clear();
        foreach (Segment segment in segments)
        {
            if (segment.Source is { } source)
                sources.Add(new Segment(source.Cache, 0, segment.FirstRow, segment.RowCount, source.Length, segment.Entry, segment.Name) { HiddenKeys = source.HiddenKeys });
        }
    }

    /// <summary>Runs a block over the batch.</summary>
    /// <param name="index">Which block.</param>
    /// <param name="cacheLayer">The layer of the caches that holds its keys and values.</param>
    /// <param name="segments">As given to <see cref="Begin"/>.</param>
    /// <param name="count">Tokens.</param>
    /// <param name="cancellationToken">Looked at before each half of the block.</param>
    public void Run(int index, int cacheLayer, List<Segment> segments, int count, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        DecoderLayer layer = layers[index];
        LayerSpec layerSpec = layer.Spec;
        float* attentionInput = Normalise(layer.AttentionNorm, count);
        RunAttention(layer, index, cacheLayer, segments, attentionInput, count, branch);
        if (layerSpec.Form == BlockForm.Parallel)
        {
            float* feedForwardInput = layer.FeedForwardNorm is { } own ? Normalise(own, count) : attentionInput;
            RunFeedForward(layer, index, feedForwardInput, count, secondBranch);
            AddBranch(layer.AttentionPostNorm, layerSpec, branch, count);
            AddBranch(layer.FeedForwardPostNorm, layerSpec, secondBranch, count);
            return;
        }
        AddBranch(layer.AttentionPostNorm, layerSpec, branch, count);
        cancellationToken.ThrowIfCancellationRequested();
        if (layer.Cross is { } cross)
        {
            cross.Query.Multiply(context, Normalise(cross.Norm, count), count, (nint)queries);
            attention.Run(cross.Spec, cacheLayer, sources, queries, attended);
            cross.Output.Multiply(context, attended, count, (nint)branch);
            AddBranch(null, layerSpec, branch, count);
        }
        RunFeedForward(layer, index, Normalise(layer.FeedForwardNorm, count), count, branch);
        AddBranch(layer.FeedForwardPostNorm, layerSpec, branch, count);
    }

    /// <summary>Makes room for the rotations and the attention of a text that fills its cache, so that a text that grows asks for no memory.</summary>
    public void ReserveRoom(KvCache cache)
    {
        foreach (RotaryTable table in rotaryTables)
            table.Reserve(cache.Capacity);
        foreach (AttentionSpec kind in layers.Select(layer => layer.Spec.Attention).Distinct())
            attention.Reserve(kind, cache);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        buffer?.Dispose();
        attention.Dispose();
        foreach (RotaryTable table in rotaryTables)
            table.Dispose();
    }

    private void Grow(int count)
    {
        IEnumerable<LayerSpec> specs = layers.Select(layer => layer.Spec);
        int heads = specs.Max(l => Math.Max(l.Attention.HeadCount * l.Attention.HeadSize, l.CrossAttention is { } c ? c.HeadCount * c.HeadSize : 0));
        int keyWidth = specs.Max(l => l.Attention.KeyValueHeadCount * l.Attention.HeadSize);
        int valueWidth = specs.Max(l => l.Attention.KeyValueHeadCount * l.Attention.ValueSize);
        int attendedWidth = specs.Max(l => Math.Max(l.Attention.HeadCount * l.Attention.ValueSize, l.CrossAttention is { } c ? c.HeadCount * c.ValueSize : 0));
        int innerWidth = specs.Max(l => Math.Max(l.FeedForward.Width, l.FeedForward.Experts?.Shared?.Width ?? 0) * (l.FeedForward.Gated ? 2 : 1));
        int experts = specs.Max(l => l.FeedForward.Experts?.Count ?? 0);
        int angles = rotaryTables.Sum(table => 2 * table.ValuesPerPosition);
        int latentWidth = layers.Max(layer => layer.QueryKeyValue.ScratchWidth);
        int[] widths =
            [hidden, hidden, hidden, hidden, heads, keyWidth, valueWidth, attendedWidth, innerWidth, experts > 0 ? hidden : 0, experts, angles, latentWidth, narrowWidth];
        buffer?.Dispose();
        buffer = null;
        bufferTokenCount = 0;
        const int Line = AlignedBuffer.Alignment / sizeof(float);
        long[] lengths = [.. widths.Select(width => ((long)width * count + Line - 1) / Line * Line)];
        buffer = new AlignedBuffer(lengths.Sum() * sizeof(float), $"Working memory for {count} tokens", "Use a smaller batch.");
        float* next = buffer.Floats;
        float* Take(int i)
        {
            float* start = next;
            next += lengths[i];
            return start;
        }
        stream = Take(0);
        normed = Take(1);
        branch = Take(2);
        secondBranch = Take(3);
        queries = Take(4);
        keys = Take(5);
        values = Take(6);
        attended = Take(7);
        inner = Take(8);
        gathered = Take(9);
        routerScores = Take(10);
        rotaryCopies = Take(11);
        latent = Take(12);
        narrow = Take(13);
        expertTokens = new int[count];
        expertWeights = new float[count];
        bufferTokenCount = count;
    }

    /// <summary>
    /// Makes the cosines and sines of every row readable: row after row, as a table has positions. One text reads its table; the rows of several
    /// are copied, because where a scaling depends on the length of the text, their tables differ.
    /// </summary>
    private void PrepareRotation(List<Segment> segments)
    {
        float* next = rotaryCopies;
        for (int i = 0; i < rotaryTables.Length; i++)
        {
            RotaryTable table = rotaryTables[i];
            if (segments.Count == 1)
            {
                table.Prepare(segments[0].FirstPosition, segments[0].TextLength);
                rotaryRows[i] = (nint)table.Cosines(segments[0].FirstPosition);
                continue;
            }
            rotaryRows[i] = (nint)next;
            foreach (Segment segment in segments)
            {
                table.Prepare(segment.FirstPosition, segment.TextLength);
                int length = 2 * table.ValuesPerPosition * segment.RowCount;
                Copy(table.Cosines(segment.FirstPosition), next, length);
                next += length;
            }
        }
    }

    private float* Normalise(Norm? norm, int count)
    {
        if (norm is null)
            return stream;
        norm.Apply(context, stream, normed, count);
        return normed;
    }

    private void AddBranch(Norm? postNorm, LayerSpec layerSpec, float* rows, int count)
    {
        if ((layerSpec.NormPlacement & NormPlacement.AfterBranch) != 0)
            postNorm!.Apply(context, rows, rows, count);
        long elements = (long)count * hidden;
        int parts = elements < ElementsWorthThreads ? 1 : context.Pool.ThreadCount;
        context.Pool.Run(parts, new SumWork(context, (nint)stream, (nint)rows, layerSpec.ResidualScale, elements, parts));
        if ((layerSpec.NormPlacement & NormPlacement.AfterSum) != 0)
            postNorm!.Apply(context, stream, stream, count);
    }

    private void RunAttention(DecoderLayer layer, int index, int cacheLayer, List<Segment> segments, float* input, int count, float* output)
    {
        AttentionSpec attention = layer.Spec.Attention;
        RoundInput(layer, input, count, hidden);
        layer.QueryKeyValue.Multiply(context, input, count, queries, keys, values, latent);
        bool perHead = attention.QueryKeyNorm?.Span != QueryKeyNormSpan.Projection;
        layer.QueryNorm?.Apply(context, queries, queries, perHead ? (long)count * attention.HeadCount : count);
        layer.KeyNorm?.Apply(context, keys, keys, perHead ? (long)count * attention.KeyValueHeadCount : count);
        int parts = count < TokensWorthThreads ? 1 : context.Pool.ThreadCount;
        context.Pool.Run(parts, new StoreWork(this, attention, rotaryTableOfLayer[index], cacheLayer, segments, count, parts));
        this.attention.Run(attention, cacheLayer, segments, queries, attended, layer.ScoreBias);
        layer.OutputNorm?.Apply(context, attended, attended, count);
        RoundInput(layer, attended, count, attention.HeadCount * attention.ValueSize);
        layer.AttentionOutput.Multiply(context, attended, count, (nint)output);
    }

    /// <summary>Rounds what a product is about to read, if the block's products are of the kind that does. Rows are the pass's own, never the residual stream.</summary>
    private void RoundInput(DecoderLayer layer, float* rows, int count, int width)
    {
        if (layer.Spec.Projections is ProjectionKind.Ternary or ProjectionKind.StoredTernary)
            TernaryProjections.RoundActivations(context, rows, count, width);
    }

    /// <summary>Rotates the queries and keys of some rows and stores their keys and values.</summary>
    private void RotateAndStore(AttentionSpec attention, int table, int layer, List<Segment> segments, int first, int end)
    {
        if (table >= 0)
        {
            Rotate(table, queries, attention.HeadCount, attention.HeadSize, first, end);
            Rotate(table, keys, attention.KeyValueHeadCount, attention.HeadSize, first, end);
        }
        foreach (Segment segment in segments)
        {
            int firstRow = Math.Max(first, segment.FirstRow);
            int endRow = Math.Min(end, segment.FirstRow + segment.RowCount);
            if (firstRow < endRow)
                Store(attention, layer, segment, firstRow, endRow);
        }
    }

    private void Store(AttentionSpec attention, int layer, Segment segment, int firstRow, int endRow)
    {
        Scratch scratch = context.ThreadScratch;
        for (int row = firstRow; row < endRow; row++)
        {
            long headRow = (long)row * attention.KeyValueHeadCount;
            int position = segment.FirstPosition + row - segment.FirstRow;
            try
            {
                segment.Cache.Store(layer, position, keys + headRow * attention.HeadSize, values + headRow * attention.ValueSize, scratch);
            }
            catch (NumericalException error)
            {
                string text = segment.Name ?? FormattableString.Invariant($"text {segment.Entry} of the batch");
                throw new NumericalException(FormattableString.Invariant($"Position {position} of {text}: {error.Message}"), error);
            }
        }
    }

    private void Rotate(int tableIndex, float* rows, int headCount, int headSize, int first, int end)
    {
        RotaryTable table = rotaryTables[tableIndex];
        for (int row = first; row < end; row++)
        {
            float* cosines = (float*)rotaryRows[tableIndex] + (long)row * 2 * table.ValuesPerPosition;
            float* sines = cosines + table.ValuesPerPosition;
            for (int head = 0; head < headCount; head++)
            {
                float* x = rows + ((long)row * headCount + head) * headSize + table.Spec.FirstElement;
                if (table.Spec.Pairing == RopePairing.Half)
                    context.Arithmetic.RotateHalves(x, cosines, sines, table.Spec.RotaryCount);
                else
                    context.Arithmetic.RotatePairs(x, cosines, sines, table.Spec.RotaryCount);
            }
        }
    }

    private void RunFeedForward(DecoderLayer layer, int index, float* input, int count, float* output)
    {
        FeedForwardSpec feedForward = layer.Spec.FeedForward;
        if (layer.Router is null)
        {
            RunFeedForward(layer, layer.Experts[0], input, count, output);
            return;
        }
        ExpertRouting routing = routings[index]!;
        layer.Router.Multiply(context, input, count, (nint)routerScores);
        routing.Route(new ReadOnlySpan<float>(routerScores, checked(count * feedForward.Experts!.Count)), count);
        new Span<float>(output, checked(count * hidden)).Clear();
        for (int expert = 0; expert < layer.Experts.Length; expert++)
        {
            int rows = routing.Collect(expert, expertTokens, expertWeights);
            if (rows == 0)
                continue;
            for (int row = 0; row < rows; row++)
                Copy(input + (long)expertTokens[row] * hidden, gathered + (long)row * hidden, hidden);
            // The experts' outputs go where their inputs were: each product has read its input before it writes.
            RunFeedForward(layer, layer.Experts[expert], gathered, rows, gathered);
            for (int row = 0; row < rows; row++)
                context.Arithmetic.AddScaled(output + (long)expertTokens[row] * hidden, gathered + (long)row * hidden, expertWeights[row], hidden);
        }
        if (layer.SharedExpert is { } shared)
            AddSharedExpert(layer, shared, input, count, output);
    }

    private void AddSharedExpert(DecoderLayer layer, FeedForward shared, float* input, int count, float* output)
    {
        layer.SharedRouter?.Multiply(context, input, count, (nint)routerScores);
        RunFeedForward(layer, shared, input, count, gathered);
        for (int row = 0; row < count; row++)
        {
            float factor = layer.SharedRouter is null ? 1 : 1 / (1 + MathF.Exp(-routerScores[row]));
            context.Arithmetic.AddScaled(output + (long)row * hidden, gathered + (long)row * hidden, factor, hidden);
        }
    }

    private void RunFeedForward(DecoderLayer layer, FeedForward part, float* input, int count, float* output)
    {
        FeedForwardSpec feedForward = layer.Spec.FeedForward;
        float* gate = inner;
        long elements = (long)count * part.Width;
        RoundInput(layer, input, count, hidden);
        if (feedForward.Gated)
        {
            float* up = inner + elements;
            part.Inner.Multiply(context, input, count, (nint)gate, (nint)up);
            Activate(feedForward.Activation, gate, up, elements);
        }
        else
        {
            part.Inner.Multiply(context, input, count, (nint)gate);
            Activate(feedForward.Activation, gate, null, elements);
        }
        layer.InnerNorm?.Apply(context, gate, gate, count);
        RoundInput(layer, gate, count, part.Width);
        part.Down.Multiply(context, gate, count, (nint)output);
    }

    private void Activate(Activation activation, float* x, float* factor, long count)
    {
        int parts = count < ElementsWorthThreads ? 1 : context.Pool.ThreadCount;
        context.Pool.Run(parts, new ActivationWork(context, activation, (nint)x, (nint)factor, count, parts));
    }

    private static void Copy(float* source, float* destination, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(destination, count));

    private static (long First, int Count) Share(long elementCount, int part, int partCount)
    {
        const int Line = AlignedBuffer.Alignment / sizeof(float);
        long first = elementCount * part / partCount / Line * Line;
        long end = part == partCount - 1 ? elementCount : elementCount * (part + 1) / partCount / Line * Line;
        return (first, checked((int)(end - first)));
    }

    private readonly struct ActivationWork(ComputeContext context, Activation activation, nint x, nint factor, long count, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            (long first, int length) = Share(count, part, parts);
            context.Arithmetic.Activate(activation, (float*)x + first, factor == 0 ? null : (float*)factor + first, length);
        }
    }

    private readonly struct SumWork(ComputeContext context, nint target, nint addend, float factor, long count, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            (long first, int length) = Share(count, part, parts);
            context.Arithmetic.AddScaled((float*)target + first, (float*)addend + first, factor, length);
        }
    }

    private readonly struct StoreWork(BlockRunner blocks, AttentionSpec attention, int table, int layer, List<Segment> segments, int count, int parts) : IParallelWork
    {
        public void Run(int part) => blocks.RotateAndStore(
            attention, table, layer, segments, WorkerPool.Boundary(count, 1, part, parts), WorkerPool.Boundary(count, 1, part + 1, parts));
    }
}
