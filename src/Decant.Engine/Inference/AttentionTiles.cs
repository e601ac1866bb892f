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
        int panelWidth = arithmetic.PanelWidth;
        int width = RoundUp(unit.ColumnCount, arithmetic.Lanes);
        int valueRows = RoundUp(spec.ValueSize, FloatArithmetic.TileRowCount);
        int longestRow = Math.Max(spec.HeadSize, spec.ValueSize);
        int decodedLength = cache.HoldsSingles ? 0 : 2 * (KeyTile * longestRow + AlignedBuffer.Alignment);
        float* queries = scratch.Floats(
            (long)width * (spec.HeadSize + valueRows + 2) + (long)panelWidth * (KeyTile + 1) + (long)unit.ColumnCount * longestRow + decodedLength);
        float* results = queries + (long)width * spec.HeadSize;
        float* maxima = results + (long)width * valueRows;
        float* sums = maxima + width;
        float* scores = sums + width;
        float* factors = scores + (long)panelWidth * KeyTile;
        float* columns = factors + panelWidth;
        float* decoded = columns + (long)unit.ColumnCount * longestRow;

        FillPanels(unit, owner, columns, queries, width);
        new Span<float>(results, width * valueRows).Clear();
        new Span<float>(maxima, width).Fill(Attention.LeastMaximum);
        new Span<float>(sums, width).Clear();

        int endKey = unit.FirstKey + unit.KeyCount;
        for (int first = unit.FirstKey, count; first < endKey; first += count)
        {
            if (context.CancellationToken.IsCancellationRequested)
                return;
            count = Math.Min(Math.Min(KeyTile, endKey - first), cache.RowsTogether(first));
            float* keys = Rows(cache, cache.Keys(layer, unit.KeyHead, first), count, spec.HeadSize, decoded);
            float* values = Rows(cache, cache.Values(layer, unit.KeyHead, first), count, spec.ValueSize, decoded + decodedLength / 2);
            for (int column = 0; column < width; column += panelWidth)
            {
                int panel = Math.Min(panelWidth, width - column);
                // Rows up to the next multiple of six are computed from whatever lies there, and not used.
                for (int row = 0; row < count; row += FloatArithmetic.TileRowCount)
                {
                    arithmetic.MultiplyTile(
                        keys + row * spec.HeadSize, spec.HeadSize, 1, queries + (long)column * spec.HeadSize, panel, spec.HeadSize, null, 0,
                        scores + (long)row * panel, panel);
                }
                if (spec.SoftCap is { } cap)
                    arithmetic.SoftCap(scores, cap, count * panel);
                if (owner.HasBias)
                    AddBias(unit, owner, scores, first, count, column, panel);
                Mask(unit, scores, first, count, column, panel);
                arithmetic.SoftmaxStep(scores, count, panel, maxima + column, sums + column, factors);
                float* own = results + (long)column * valueRows;
                arithmetic.ScaleColumns(own, valueRows, panel, factors);
                for (int row = 0; row < valueRows; row += FloatArithmetic.TileRowCount)
                {
                    float* result = own + (long)row * panel;
                    arithmetic.MultiplyTile(values + row, 1, spec.ValueSize, scores, panel, count, result, panel, result, panel);
                }
            }
        }
        for (int column = 0; column < unit.ColumnCount; column += panelWidth)
        {
            arithmetic.Transpose(
                results + (long)column * valueRows, Math.Min(panelWidth, width - column), spec.ValueSize, Math.Min(panelWidth, unit.ColumnCount - column),
                columns + (long)column * spec.ValueSize, spec.ValueSize);
        }
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

    /// <summary>Queries as columns, scaled, panel after panel; columns that pad the last vector are zero.</summary>
    private void FillPanels(in AttentionUnit unit, Attention owner, float* columns, float* panels, int width)
    {
        for (int column = 0; column < unit.ColumnCount; column++)
            new ReadOnlySpan<float>(owner.Query(unit, column), spec.HeadSize).CopyTo(new Span<float>(columns + (long)column * spec.HeadSize, spec.HeadSize));
        arithmetic.Scale(columns, spec.Scale, unit.ColumnCount * spec.HeadSize);
        for (int column = 0; column < width; column += arithmetic.PanelWidth)
        {
            int panel = Math.Min(arithmetic.PanelWidth, width - column);
            int used = Math.Min(panel, unit.ColumnCount - column);
            float* target = panels + (long)column * spec.HeadSize;
            if (used < panel)
                new Span<float>(target, panel * spec.HeadSize).Clear();
            arithmetic.Transpose(columns + (long)column * spec.HeadSize, spec.HeadSize, used, spec.HeadSize, target, panel);
        }
    }

    private static void AddBias(in AttentionUnit unit, Attention owner, float* scores, int firstKey, int keyCount, int firstColumn, int width)
    {
        int used = Math.Min(width, unit.ColumnCount - firstColumn);
        for (int column = 0; column < used; column++)
            owner.AddBias(unit, firstColumn + column, scores + column, width, firstKey, keyCount);
    }

    /// <summary>Hides keys that queries must not see from a panel's scores: later ones, those outside their window, padding.</summary>
    private void Mask(in AttentionUnit unit, float* scores, int firstKey, int keyCount, int firstColumn, int width)
    {
        // Columns beyond the last query are padding; masking them would leave them without any key.
        int used = Math.Min(width, unit.ColumnCount - firstColumn);
        for (int i = 0; i < keyCount && segment.HiddenKeys is not null; i++)
        {
            if (segment.HiddenKeys[firstKey + i])
                new Span<float>(scores + (long)i * width, used).Fill(float.NegativeInfinity);
        }
        int before = unit.FirstColumn + firstColumn;
        int firstToken = segment.FirstPosition + before / GroupSize;
        int lastToken = segment.FirstPosition + (before + used - 1) / GroupSize;
        // A key is seen from so many tokens before it on, and by so many behind it.
        long ahead = !spec.Bidirectional ? 0 : spec.Window is { } both ? both - 1 : int.MaxValue, behind = spec.Window is { } window ? window - 1 : int.MaxValue;
        if (firstKey + keyCount - 1 <= firstToken + ahead && firstKey >= lastToken - behind)
            return;
        for (int i = 0; i < keyCount; i++)
        {
            long distance = firstKey + i - segment.FirstPosition;
            int firstSeeing = (int)Math.Clamp((distance - ahead) * GroupSize - before, 0, used);
            int endSeeing = (int)Math.Clamp((distance + behind + 1) * GroupSize - before, 0, used);
            var row = new Span<float>(scores + (long)i * width, used);
            row[..firstSeeing].Fill(float.NegativeInfinity);
            row[endSeeing..].Fill(float.NegativeInfinity);
        }
    }
}
