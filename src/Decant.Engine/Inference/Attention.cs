using Decant.Core.Architectures;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference;

/// <summary>
/// Attention of the queries of one or several texts over their cached keys and values in one layer: one job for all. How a text is computed
/// depends on its own rows only. No matrix of tokens × tokens exists: a single query keeps one
/// row of scores; many queries go through keys in tiles with a running softmax (Dao et al. 2022), queries as columns, so that the tiles are products
/// of the same kind as those of the weights.
/// </summary>
internal readonly unsafe struct Attention(ComputeContext context, AttentionSpec spec, int layer)
{
    // Keys of a tile: a multiple of the register tile's rows.
    private const int KeyTile = 96;

    // Fewer queries than this are computed one by one.
    private const int FewestTiledQueries = 8;

    // Keys decoded at a time for a single query.
    private const int KeyRun = 64;

    private readonly ComputeContext context = context;
    private readonly AttentionSpec spec = spec;
    private readonly int layer = layer;
    private readonly FloatArithmetic arithmetic = context.Arithmetic;

    /// <summary>Computes the outputs of all heads.</summary>
    /// <param name="segments">The texts; their keys and values are stored.</param>
    /// <param name="queries">[rows, heads, head size], rotated.</param>
    /// <param name="outputs">[rows, heads, value size].</param>
    public void Run(List<Segment> segments, float* queries, float* outputs)
    {
        int threads = context.Pool.ThreadCount;
        context.Pool.Run(threads, new Work(this, segments, (nint)queries, (nint)outputs, threads));
    }

    private int FirstVisible(int position) => spec.Window is { } window ? Math.Max(0, position - window + 1) : 0;

    private int KeyHead(int head) => head / (spec.HeadCount / spec.KeyValueHeadCount);

    private static int RoundUp(int count, int unit) => (count + unit - 1) / unit * unit;

    /// <summary>One query of one head.</summary>
    private void AttendOne(KvCache cache, float* query, int head, int position, float* output, Scratch scratch)
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
    private void AttendPanel(KvCache cache, float* queries, int head, int position, int tokens, float* outputs, Scratch scratch)
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

    private readonly struct Work(Attention attention, List<Segment> segments, nint queries, nint outputs, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            AttentionSpec spec = attention.spec;
            // Panels are dealt out in turn, from text to text, because later ones see more keys.
            int dealt = 0;
            for (int i = 0; i < segments.Count; i++)
            {
                Segment segment = segments[i];
                float* ownQueries = (float*)queries + (long)segment.FirstRow * spec.HeadCount * spec.HeadSize;
                float* ownOutputs = (float*)outputs + (long)segment.FirstRow * spec.HeadCount * spec.ValueSize;
                if (segment.RowCount < FewestTiledQueries)
                {
                    // Every text is split over all parts, for texts differ in length; every other one backwards, for heads may not divide evenly.
                    AttendRows(segment, ownQueries, ownOutputs, i % 2 == 0 ? part : parts - 1 - part, attention.context.ThreadScratch);
                }
                else
                {
                    dealt = AttendPanels(segment, ownQueries, ownOutputs, part, dealt);
                }
            }
        }

        private void AttendRows(Segment segment, float* ownQueries, float* ownOutputs, int share, Scratch scratch)
        {
            AttentionSpec spec = attention.spec;
            int rows = segment.RowCount * spec.HeadCount;
            int end = WorkerPool.Boundary(rows, 1, share + 1, parts);
            for (int row = WorkerPool.Boundary(rows, 1, share, parts); row < end; row++)
            {
                attention.AttendOne(
                    segment.Cache, ownQueries + (long)row * spec.HeadSize, row % spec.HeadCount, segment.FirstPosition + row / spec.HeadCount,
                    ownOutputs + (long)row * spec.ValueSize, scratch);
            }
        }

        /// <summary>Heads of one panel lie next to one another in the deal.</summary>
        /// <returns>Panels dealt so far.</returns>
        private int AttendPanels(Segment segment, float* ownQueries, float* ownOutputs, int part, int dealt)
        {
            AttentionSpec spec = attention.spec;
            int panelWidth = attention.arithmetic.PanelWidth;
            int units = (segment.RowCount + panelWidth - 1) / panelWidth * spec.HeadCount;
            for (int unit = (part - dealt % parts + parts) % parts; unit < units; unit += parts)
            {
                int head = unit % spec.HeadCount;
                int first = unit / spec.HeadCount * panelWidth;
                attention.AttendPanel(
                    segment.Cache, ownQueries + ((long)first * spec.HeadCount + head) * spec.HeadSize, head, segment.FirstPosition + first,
                    Math.Min(panelWidth, segment.RowCount - first), ownOutputs + ((long)first * spec.HeadCount + head) * spec.ValueSize,
                    attention.context.ThreadScratch);
            }
            return dealt + units;
        }
    }
}
