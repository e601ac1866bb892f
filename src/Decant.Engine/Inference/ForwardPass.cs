using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>
/// Runs batches of tokens through the blocks: an interpreter of <see cref="DecoderSpec"/>. Activations are rows of tokens in single
/// precision; the buffers are as large as the largest batch so far. The rows may belong to several texts: products, norms and activations
/// see rows only; rotation, caches and attention go by <see cref="Segment"/>.
/// </summary>
internal sealed unsafe class ForwardPass : IDisposable
{
    // Less work than this is done sooner than another thread is told.
    private const long ElementsWorthThreads = 1 << 13;
    private const int TokensWorthThreads = 8;

    private readonly DecoderWeights weights;
    private readonly ComputeContext context;
    private readonly DecoderSpec spec;
    private readonly RotaryTable[] rotaryTables;
    private readonly int[] rotaryTableOfLayer;
    private readonly nint[] rotaryRows;
    private readonly ExpertRouting?[] routings;
    private readonly Attention attention;
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
    private float* embedded;
    private int[] expertTokens = [];
    private float[] expertWeights = [];

    /// <summary>Prepares to run a model.</summary>
    public ForwardPass(DecoderWeights weights, ComputeContext context)
    {
        this.weights = weights;
        this.context = context;
        spec = weights.Spec;
        attention = new Attention(context);
        routings = [.. weights.Layers.Select(layer => layer.Spec.FeedForward.Experts is { } experts ? new ExpertRouting(experts, layer.ExpertChoiceBias) : null)];
        List<RopeSpec> ropes = [.. spec.Layers.Select(layer => layer.Attention.Rope).OfType<RopeSpec>().Distinct()];
        rotaryTables = [.. ropes.Select(rope => new RotaryTable(rope))];
        rotaryTableOfLayer = [.. spec.Layers.Select(layer => layer.Attention.Rope is { } rope ? ropes.IndexOf(rope) : -1)];
        rotaryRows = new nint[rotaryTables.Length];
    }

    /// <summary>The rows of the last batch [tokens, hidden], after the last block; normalised by <see cref="FinalNorm"/>.</summary>
    public float* Stream => stream;

    /// <summary>Runs one batch and leaves the residual stream behind the last block in <see cref="Stream"/>.</summary>
    /// <param name="segments">Whose tokens they are, in the order of rows; no cache twice.</param>
    /// <param name="ids">The tokens of all segments, one after another.</param>
    /// <param name="cancellationToken">Looked at within products and attention, and before each half of a block.</param>
    public void Run(List<Segment> segments, ReadOnlySpan<int> ids, CancellationToken cancellationToken)
    {
        int count = ids.Length;
        context.CancellationToken = cancellationToken;
        if (count > bufferTokenCount)
            Grow(count);
        PrepareRotation(segments);
        Embed(segments, ids);
        context.Observer?.HiddenState(0, Rows(stream, count), count);
        for (int index = 0; index < weights.Layers.Length; index++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RunLayer(weights.Layers[index], index, segments, count, cancellationToken);
            context.Observer?.HiddenState(index + 1, Rows(stream, count), count);
        }
    }

    /// <summary>Makes room for the rotations and the attention of a text that fills its cache, so that a text that grows asks for no memory.</summary>
    public void ReserveRoom(KvCache cache)
    {
        foreach (RotaryTable table in rotaryTables)
            table.Reserve(cache.Capacity);
        foreach (AttentionSpec kind in spec.Layers.Select(layer => layer.Attention).Distinct())
            attention.Reserve(kind, cache);
    }

    /// <summary>Moves rows of the stream nearer to its start, for the head takes rows that lie together.</summary>
    public void MoveRows(int fromRow, int toRow, int rowCount)
    {
        if (fromRow == toRow)
            return;
        int length = checked(rowCount * spec.HiddenSize);
        new ReadOnlySpan<float>(stream + (long)fromRow * spec.HiddenSize, length).CopyTo(new Span<float>(stream + (long)toRow * spec.HiddenSize, length));
    }

    /// <summary>Normalises the first rows of the stream in place for the head.</summary>
    public void FinalNorm(int rowCount) => weights.FinalNorm?.Apply(context, stream, stream, rowCount);

    /// <summary>Tells the observer about the normalised stream.</summary>
    public void ObserveFinal(int count)
    {
        if (context.Observer is not { } observer)
            return;
        ReadOnlySpan<float> rows = weights.HeadProjection is null
            ? Rows(stream, count)
            : new ReadOnlySpan<float>(ProjectForHead(stream, count), checked(count * spec.Embedding.Width!.Value));
        observer.HiddenState(spec.Layers.Length + 1, rows, count);
    }

    /// <summary>Logits of normalised rows of the stream.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="logits">[rows, vocabulary].</param>
    public void Head(int firstRow, int rowCount, float* logits)
    {
        weights.Head.Multiply(context, ProjectForHead(stream + (long)firstRow * spec.HiddenSize, rowCount), rowCount, (nint)logits);
        int total = checked(rowCount * spec.VocabularySize);
        if (spec.Head.Scale != 1)
            context.Arithmetic.Scale(logits, spec.Head.Scale, total);
        if (spec.Head.SoftCap is { } cap)
            context.Arithmetic.SoftCap(logits, cap, total);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        buffer?.Dispose();
        attention.Dispose();
        foreach (RotaryTable table in rotaryTables)
            table.Dispose();
    }

    private float* ProjectForHead(float* rows, int count)
    {
        if (weights.HeadProjection is not { } projection)
            return rows;
        projection.Multiply(context, rows, count, (nint)embedded);
        return embedded;
    }

    private ReadOnlySpan<float> Rows(float* rows, int count) => new(rows, checked(count * spec.HiddenSize));

    private void Grow(int count)
    {
        int hidden = spec.HiddenSize;
        int heads = spec.Layers.Max(l => l.Attention.HeadCount * l.Attention.HeadSize);
        int keyWidth = spec.Layers.Max(l => l.Attention.KeyValueHeadCount * l.Attention.HeadSize);
        int valueWidth = spec.Layers.Max(l => l.Attention.KeyValueHeadCount * l.Attention.ValueSize);
        int attendedWidth = spec.Layers.Max(l => l.Attention.HeadCount * l.Attention.ValueSize);
        int innerWidth = spec.Layers.Max(l => Math.Max(l.FeedForward.Width, l.FeedForward.Experts?.Shared?.Width ?? 0) * (l.FeedForward.Gated ? 2 : 1));
        int experts = spec.Layers.Max(l => l.FeedForward.Experts?.Count ?? 0);
        int angles = rotaryTables.Sum(table => 2 * table.ValuesPerPosition);
        int latentWidth = weights.Layers.Max(layer => layer.QueryKeyValue.ScratchWidth);
        int[] widths =
            [hidden, hidden, hidden, hidden, heads, keyWidth, valueWidth, attendedWidth, innerWidth, experts > 0 ? hidden : 0, experts, angles, latentWidth, spec.Embedding.Width ?? 0];
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
        embedded = Take(13);
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

    private void Embed(List<Segment> segments, ReadOnlySpan<int> ids)
    {
        EmbeddingSpec embedding = spec.Embedding;
        int width = embedding.Width ?? spec.HiddenSize;
        float* rows = weights.EmbeddingProjection is null ? stream : embedded;
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
                positions.DecodeRow(segment.FirstPosition + i + spec.Embedding.LearnedPositionOffset, normed);
                context.Arithmetic.AddScaled(stream + (long)(segment.FirstRow + i) * spec.HiddenSize, normed, 1, spec.HiddenSize);
            }
        }
    }

    private void RunLayer(DecoderLayer layer, int index, List<Segment> segments, int count, CancellationToken cancellationToken)
    {
        LayerSpec layerSpec = layer.Spec;
        float* attentionInput = Normalise(layer.AttentionNorm, count);
        RunAttention(layer, index, segments, attentionInput, count, branch);
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
        RunFeedForward(layer, index, Normalise(layer.FeedForwardNorm, count), count, branch);
        AddBranch(layer.FeedForwardPostNorm, layerSpec, branch, count);
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
        long elements = (long)count * spec.HiddenSize;
        int parts = elements < ElementsWorthThreads ? 1 : context.Pool.ThreadCount;
        context.Pool.Run(parts, new SumWork(context, (nint)stream, (nint)rows, layerSpec.ResidualScale, elements, parts));
        if ((layerSpec.NormPlacement & NormPlacement.AfterSum) != 0)
            postNorm!.Apply(context, stream, stream, count);
    }

    private void RunAttention(DecoderLayer layer, int index, List<Segment> segments, float* input, int count, float* output)
    {
        AttentionSpec attention = layer.Spec.Attention;
        RoundInput(layer, input, count, spec.HiddenSize);
        layer.QueryKeyValue.Multiply(context, input, count, queries, keys, values, latent);
        bool perHead = attention.QueryKeyNorm?.Span != QueryKeyNormSpan.Projection;
        layer.QueryNorm?.Apply(context, queries, queries, perHead ? (long)count * attention.HeadCount : count);
        layer.KeyNorm?.Apply(context, keys, keys, perHead ? (long)count * attention.KeyValueHeadCount : count);
        int parts = count < TokensWorthThreads ? 1 : context.Pool.ThreadCount;
        context.Pool.Run(parts, new StoreWork(this, attention, index, segments, count, parts));
        this.attention.Run(attention, index, segments, queries, attended);
        layer.OutputNorm?.Apply(context, attended, attended, count);
        RoundInput(layer, attended, count, attention.HeadCount * attention.ValueSize);
        layer.AttentionOutput.Multiply(context, attended, count, (nint)output);
    }

    /// <summary>Rounds what a product is about to read, if the block's products are of the kind that does. Rows are the pass's own, never the residual stream.</summary>
    private void RoundInput(DecoderLayer layer, float* rows, int count, int width)
    {
        if (layer.Spec.Projections == ProjectionKind.Ternary)
            TernaryProjections.RoundActivations(context, rows, count, width);
    }

    /// <summary>Rotates the queries and keys of some rows and stores their keys and values.</summary>
    private void RotateAndStore(AttentionSpec attention, int layer, List<Segment> segments, int first, int end)
    {
        if (rotaryTableOfLayer[layer] is var table and >= 0)
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
        int hidden = spec.HiddenSize;
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
            context.Arithmetic.AddScaled(output + (long)row * spec.HiddenSize, gathered + (long)row * spec.HiddenSize, factor, spec.HiddenSize);
        }
    }

    private void RunFeedForward(DecoderLayer layer, FeedForward part, float* input, int count, float* output)
    {
        FeedForwardSpec feedForward = layer.Spec.FeedForward;
        float* gate = inner;
        long elements = (long)count * part.Width;
        RoundInput(layer, input, count, spec.HiddenSize);
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

    private readonly struct StoreWork(ForwardPass pass, AttentionSpec attention, int layer, List<Segment> segments, int count, int parts) : IParallelWork
    {
        public void Run(int part) => pass.RotateAndStore(
            attention, layer, segments, WorkerPool.Boundary(count, 1, part, parts), WorkerPool.Boundary(count, 1, part + 1, parts));
    }
}
