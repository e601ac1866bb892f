using Decant.Core.Architectures;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference;

/// <summary>
/// The queries of many columns over tiles of keys. A column is a query; scores, sums and results have a row for each key or element of a value and a
/// column for each query:
/// <code>
///   scores [keys, columns]      = keys [keys, head size] · panel [head size, columns]
///   results [values, columns]  += values transposed [values, keys] · softmax of scores
/// </code>
/// Keys and values in single precision are read where they lie.
/// </summary>
internal readonly unsafe struct AttentionTiles(ComputeContext context, AttentionSpec spec, Segment segment, int layer)
{
    // Keys of a tile: a multiple of the register tile's rows; a tile of keys and one of scores fit into the first-level cache.
    private const int KeyTile = 48;

    private readonly ComputeContext context = context;
    private readonly AttentionSpec spec = spec;
    private readonly Segment segment = segment;
    private readonly int layer = layer;
    private readonly FloatArithmetic arithmetic = context.Arithmetic;

    private int GroupSize => spec.HeadCount / spec.KeyValueHeadCount;

    /// <summary>Computes a unit and hands its columns to <see cref="Attention.FinishTiles"/>.</summary>
    public void Run(in AttentionUnit unit, Attention owner, Scratch scratch)
    {
        KvCache cache = segment.Cache;
        int width = RoundUp(unit.ColumnCount, arithmetic.Lanes);
        int valueRows = RoundUp(spec.ValueSize, FloatArithmetic.TileRowCount);
        int decodedLength = cache.HoldsSingles ? 0 : KeyTile * Math.Max(spec.HeadSize, spec.ValueSize) + FloatArithmetic.TileRowCount;
        float* panel = scratch.Floats(
            (long)width * (spec.HeadSize + KeyTile + valueRows + 3) + (long)unit.ColumnCount * Math.Max(spec.HeadSize, spec.ValueSize) + decodedLength);
        float* scores = panel + (long)width * spec.HeadSize;
        float* results = scores + (long)width * KeyTile;
        float* maxima = results + (long)width * valueRows;
        float* sums = maxima + width;
        float* factors = sums + width;
        float* columns = factors + width;
        float* decoded = columns + (long)unit.ColumnCount * Math.Max(spec.HeadSize, spec.ValueSize);

        FillPanel(unit, owner, columns, panel, width);
        new Span<float>(results, width * valueRows).Clear();
        // Finite, so that a column that sees no key of a tile subtracts nothing undefined; masked scores are −∞.
        new Span<float>(maxima, width).Fill(-1e30f);
        new Span<float>(sums, width).Clear();

        int endKey = unit.FirstKey + unit.KeyCount;
        for (int first = unit.FirstKey, count; first < endKey; first += count)
        {
            count = Math.Min(Math.Min(KeyTile, endKey - first), cache.RowsTogether(first));
            if (context.CancellationToken.IsCancellationRequested)
                return;
            // Rows up to the next multiple of six are computed from whatever lies there, and not used.
            float* keys = Rows(cache, cache.Keys(layer, unit.KeyHead, first), count, spec.HeadSize, decoded);
            for (int row = 0; row < count; row += FloatArithmetic.TileRowCount)
                arithmetic.MultiplyTile(keys + row * spec.HeadSize, spec.HeadSize, 1, panel, width, spec.HeadSize, scores + (long)row * width, width, false);
            if (spec.SoftCap is { } cap)
                arithmetic.SoftCap(scores, cap, count * width);
            Mask(unit, scores, first, count, width);
            arithmetic.SoftmaxStep(scores, count, width, maxima, sums, factors);
            arithmetic.ScaleColumns(results, valueRows, width, factors);
            float* values = Rows(cache, cache.Values(layer, unit.KeyHead, first), count, spec.ValueSize, decoded);
            for (int row = 0; row < valueRows; row += FloatArithmetic.TileRowCount)
                arithmetic.MultiplyTile(values + row, 1, spec.ValueSize, scores, width, count, results + (long)row * width, width, true);
        }
        arithmetic.Transpose(results, width, spec.ValueSize, unit.ColumnCount, columns, spec.ValueSize);
        owner.FinishTiles(unit, columns, maxima, sums);
    }

    private static int RoundUp(int count, int unit) => (count + unit - 1) / unit * unit;

    private static float* Rows(KvCache cache, byte* stored, int count, int length, float* decoded)
    {
        if (cache.HoldsSingles)
            return (float*)stored;
        cache.Decode(stored, count, length, decoded);
        return decoded;
    }

    /// <summary>Queries as columns, scaled; columns that pad the last vector are zero.</summary>
    private void FillPanel(in AttentionUnit unit, Attention owner, float* columns, float* panel, int width)
    {
        for (int column = 0; column < unit.ColumnCount; column++)
            new ReadOnlySpan<float>(owner.Query(unit, column), spec.HeadSize).CopyTo(new Span<float>(columns + (long)column * spec.HeadSize, spec.HeadSize));
        arithmetic.Scale(columns, spec.Scale, unit.ColumnCount * spec.HeadSize);
        if (unit.ColumnCount < width)
            new Span<float>(panel, width * spec.HeadSize).Clear();
        arithmetic.Transpose(columns, spec.HeadSize, unit.ColumnCount, spec.HeadSize, panel, width);
    }

    /// <summary>Hides keys that lie after a query, or before its window.</summary>
    private void Mask(in AttentionUnit unit, float* scores, int firstKey, int keyCount, int width)
    {
        for (int i = 0; i < keyCount; i++)
        {
            int distance = firstKey + i - segment.FirstPosition;
            int firstSeeing = Column(unit, distance);
            int endSeeing = spec.Window is { } window ? Column(unit, (long)distance + window) : unit.ColumnCount;
            var row = new Span<float>(scores + (long)i * width, unit.ColumnCount);
            if (firstSeeing > 0)
                row[..firstSeeing].Fill(float.NegativeInfinity);
            // Columns beyond the last query are padding; masking them would leave them without any key.
            if (endSeeing < unit.ColumnCount)
                row[endSeeing..].Fill(float.NegativeInfinity);
        }
    }

    /// <summary>The unit's first column of a token or a later one.</summary>
    private int Column(in AttentionUnit unit, long token) => (int)Math.Clamp(token * GroupSize - unit.FirstColumn, 0, unit.ColumnCount);
}
