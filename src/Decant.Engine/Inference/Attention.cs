using Decant.Core.Architectures;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference;

/// <summary>
/// Attention of a call's queries over the cached keys and values of one layer. No matrix of tokens × tokens exists: a single query keeps one
/// row of scores; many queries go through keys in tiles with a running softmax (Dao et al. 2022), queries as columns, so that the tiles are products
/// of the same kind as those of the weights.
/// </summary>
internal readonly unsafe struct Attention(ComputeContext context, AttentionSpec spec, KvCache cache, int layer)
{
    // Keys of a tile: a multiple of the register tile's rows.
    private const int KeyTile = 96;

    // Fewer queries than this are computed one by one.
    private const int FewestTiledQueries = 8;

    // Keys decoded at a time for a single query.
    private const int KeyRun = 64;

    private readonly ComputeContext context = context;
    private readonly AttentionSpec spec = spec;
    private readonly KvCache cache = cache;
    private readonly int layer = layer;
    private readonly FloatArithmetic arithmetic = context.Arithmetic;

    /// <summary>Computes the outputs of all heads.</summary>
    /// <param name="queries">[tokens, heads, head size], rotated.</param>
    /// <param name="firstPosition">The position of the first query.</param>
    /// <param name="tokenCount">Queries.</param>
    /// <param name="outputs">[tokens, heads, value size].</param>
    public void Run(float* queries, int firstPosition, int tokenCount, float* outputs)
    {
        int threads = context.Pool.ThreadCount;
        context.Pool.Run(threads, new Work(this, (nint)queries, firstPosition, tokenCount, (nint)outputs, threads));
    }

    private int FirstVisible(int position) => spec.Window is { } window ? Math.Max(0, position - window + 1) : 0;

    private int KeyHead(int head) => head / (spec.HeadCount / spec.KeyValueHeadCount);

    private static int RoundUp(int count, int unit) => (count + unit - 1) / unit * unit;

    /// <summary>One query of one head.</summary>
    private void AttendOne(float* query, int head, int position, float* output, Scratch scratch)
    {
        int first = FirstVisible(position);
        int count = position + 1 - first;
        float* scores = scratch.Floats(count + (long)KeyRun * Math.Max(spec.HeadSize, spec.ValueSize));
        float* decoded = scores + count;
        byte* keys = cache.Keys(layer, KeyHead(head));
        byte* values = cache.Values(layer, KeyHead(head));
        for (int i = 0; i < count; i += KeyRun)
        {
            int run = Math.Min(KeyRun, count - i);
            float* rows = cache.Read(keys, first + i, run, spec.HeadSize, decoded);
            arithmetic.DotRows(query, rows, spec.HeadSize, run, spec.HeadSize, spec.Scale, scores + i);
        }
        if (spec.SoftCap is { } cap)
            arithmetic.SoftCap(scores, cap, count);
        float sum = arithmetic.ExponentialSum(scores, arithmetic.Largest(scores, count), count);
        new Span<float>(output, spec.ValueSize).Clear();
        for (int i = 0; i < count; i += KeyRun)
        {
            int run = Math.Min(KeyRun, count - i);
            float* rows = cache.Read(values, first + i, run, spec.ValueSize, decoded);
            arithmetic.AddWeightedRows(rows, spec.ValueSize, run, spec.ValueSize, scores + i, output);
        }
        arithmetic.Scale(output, 1 / sum, spec.ValueSize);
    }

    /// <summary>A panel of queries of one head.</summary>
    private void AttendPanel(float* queries, int head, int position, int tokens, float* outputs, Scratch scratch)
    {
        int width = RoundUp(tokens, arithmetic.Lanes);
        int valueRows = RoundUp(spec.ValueSize, FloatArithmetic.TileRowCount);
        float* panel = scratch.Floats(
            (long)width * (spec.HeadSize + KeyTile + valueRows + 3) + (long)KeyTile * (spec.HeadSize + valueRows));
        float* scores = panel + (long)width * spec.HeadSize;
        float* results = scores + (long)width * KeyTile;
        float* maxima = results + (long)width * valueRows;
        float* sums = maxima + width;
        float* factors = sums + width;
        float* keys = factors + width;
        float* values = keys + KeyTile * spec.HeadSize;

        new Span<float>(panel, width * spec.HeadSize).Clear();
        arithmetic.Transpose(queries, (long)spec.HeadCount * spec.HeadSize, tokens, spec.HeadSize, panel, width);
        arithmetic.Scale(panel, spec.Scale, width * spec.HeadSize);
        new Span<float>(results, width * valueRows).Clear();
        // Finite, so that a column that sees no key of a tile subtracts nothing undefined; masked scores are −∞.
        new Span<float>(maxima, width).Fill(-1e30f);
        new Span<float>(sums, width).Clear();
        new Span<float>(keys, KeyTile * (spec.HeadSize + valueRows)).Clear();

        byte* storedKeys = cache.Keys(layer, KeyHead(head));
        byte* storedValues = cache.Values(layer, KeyHead(head));
        int end = position + tokens;
        for (int first = FirstVisible(position); first < end; first += KeyTile)
        {
            int count = Math.Min(KeyTile, end - first);
            cache.Copy(storedKeys, first, count, spec.HeadSize, keys, spec.HeadSize);
            cache.Copy(storedValues, first, count, spec.ValueSize, values, valueRows);
            for (int row = 0; row < count; row += FloatArithmetic.TileRowCount)
                arithmetic.MultiplyTile(keys + row * spec.HeadSize, spec.HeadSize, 1, panel, width, spec.HeadSize, scores + (long)row * width, width, false);
            if (spec.SoftCap is { } cap)
                arithmetic.SoftCap(scores, cap, count * width);
            Mask(scores, first, count, position, tokens, width);
            arithmetic.SoftmaxStep(scores, count, width, maxima, sums, factors);
            arithmetic.ScaleColumns(results, valueRows, width, factors);
            for (int row = 0; row < valueRows; row += FloatArithmetic.TileRowCount)
                arithmetic.MultiplyTile(values + row, 1, valueRows, scores, width, count, results + (long)row * width, width, true);
        }
        arithmetic.Invert(sums, width);
        arithmetic.ScaleColumns(results, valueRows, width, sums);
        arithmetic.Transpose(results, width, spec.ValueSize, tokens, outputs, (long)spec.HeadCount * spec.ValueSize);
    }

    /// <summary>Hides keys that lie after a query, or before its window.</summary>
    private void Mask(float* scores, int firstKey, int keyCount, int position, int tokens, int width)
    {
        for (int i = 0; i < keyCount; i++)
        {
            int key = firstKey + i;
            int firstSeeing = Math.Clamp(key - position, 0, width);
            int endSeeing = spec.Window is { } window ? Math.Clamp(key + window - position, 0, width) : width;
            var row = new Span<float>(scores + (long)i * width, width);
            if (firstSeeing > 0)
                row[..firstSeeing].Fill(float.NegativeInfinity);
            // Columns beyond the last query are padding; masking them would leave them without any key.
            if (endSeeing < tokens)
                row[endSeeing..tokens].Fill(float.NegativeInfinity);
        }
    }

    private readonly struct Work(Attention attention, nint queries, int firstPosition, int tokenCount, nint outputs, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            AttentionSpec spec = attention.spec;
            Scratch scratch = attention.context.Scratch[part];
            if (tokenCount < FewestTiledQueries)
            {
                int rows = tokenCount * spec.HeadCount;
                int end = WorkerPool.Boundary(rows, 1, part + 1, parts);
                for (int row = WorkerPool.Boundary(rows, 1, part, parts); row < end; row++)
                {
                    attention.AttendOne(
                        (float*)queries + (long)row * spec.HeadSize, row % spec.HeadCount, firstPosition + row / spec.HeadCount,
                        (float*)outputs + (long)row * spec.ValueSize, scratch);
                }
                return;
            }
            // Later panels see more keys, so heads of one panel are dealt out in turn.
            int panelWidth = attention.arithmetic.PanelWidth;
            int units = (tokenCount + panelWidth - 1) / panelWidth * spec.HeadCount;
            for (int unit = part; unit < units; unit += parts)
            {
                int head = unit % spec.HeadCount;
                int first = unit / spec.HeadCount * panelWidth;
                attention.AttendPanel(
                    (float*)queries + ((long)first * spec.HeadCount + head) * spec.HeadSize, head, firstPosition + first,
                    Math.Min(panelWidth, tokenCount - first), (float*)outputs + ((long)first * spec.HeadCount + head) * spec.ValueSize, scratch);
            }
        }
    }
}
