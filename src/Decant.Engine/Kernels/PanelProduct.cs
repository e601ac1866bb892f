using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Kernels;

// Many tokens: rows of weights are decoded and turned into panels, tokens stay as they are:
//
//              panel, 128 columns:    row 0  row 1  ...  row 63
//                                       |      |           |
//   token t, column k in every lane  ·  w[k]  w[k]  ...  w[k]     six tokens at a time, see RegisterTile
//
// A tile is some panels of the same 256 columns, so that the tokens' columns are read from the second-level cache for all but the first.

/// <summary>Where the weights of a <see cref="PanelProduct"/> come from.</summary>
internal unsafe interface IPanelSource
{
    /// <summary>Decodes rows into a panel: panel[column · width + row].</summary>
    /// <param name="row">The first row.</param>
    /// <param name="rowCount">Rows: at most <paramref name="width"/>; what stands for the others does not matter.</param>
    /// <param name="column">The first column, a multiple of 256.</param>
    /// <param name="columnCount">Columns: 256, or what is left.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="width">Rows of the panel, whole vectors.</param>
    /// <param name="turned">Room for 16 rows of <see cref="PanelProduct.TurnedRowStride"/> elements.</param>
    void Fill(int row, int rowCount, int column, int columnCount, float* panel, int width, float* turned);

    /// <summary>Asks for what 256 columns of a row will be decoded from; nothing need be there.</summary>
    void Request(int row, int column);
}

/// <summary>
/// Products of stored weights with many tokens in single precision: weights are decoded into panels that stay in the cache and are multiplied with all
/// tokens, so that decoding is paid once for all tokens and no second copy of the weights exists.
/// </summary>
internal static unsafe class PanelProduct
{
    /// <summary>Elements between rows that are decoded before they are turned: out of one another's cache sets.</summary>
    public const int TurnedRowStride = TileColumnCount + 16;

    /// <summary>Rows decoded before they are turned: they stay in the first-level cache.</summary>
    public const int TurnedRowCount = 16;

    /// <summary>Columns of a tile: a multiple of every block.</summary>
    public const int TileColumnCount = 256;

    // Rows of a tile: a multiple of every panel. Panels are multiplied in halves, so that one (128 columns
    // of at most 64 rows, 32 KB) stays in the first-level cache while all tokens pass.
    private const int TileRowCount = 192;

    // How far ahead, in tiles of tokens, columns of the tokens are asked for.
    private const int TilesAhead = 4;

    /// <summary>y[t · yStride + r] = Σ W[r, c] · x[t][c], in the same order of additions for every row and token; of tokens that fill a tile at least.</summary>
    public static void Multiply<TSource>(
        TSource source, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch, FloatArithmetic arithmetic)
        where TSource : struct, IPanelSource
    {
        var memory = new TileMemory(scratch.Floats(TileMemory.Length(input.TokenCount)), input.TokenCount);
        for (int row = 0; row < rowCount; row += TileRowCount)
            MultiplyTile(source, row, Math.Min(TileRowCount, rowCount - row), input, y + row, yStride, memory, arithmetic);
    }

    private static void MultiplyTile<TSource>(
        TSource source, int firstRow, int rowCount, ProductInput input, float* y, int yStride, TileMemory memory, FloatArithmetic arithmetic)
        where TSource : struct, IPanelSource
    {
        int panelWidth = arithmetic.PanelWidth;
        for (int column = 0; column < input.ColumnCount; column += TileColumnCount)
        {
            int columnCount = Math.Min(TileColumnCount, input.ColumnCount - column);
            for (int row = 0; row < rowCount; row += panelWidth)
            {
                int count = Math.Min(panelWidth, rowCount - row);
                source.Fill(firstRow + row, count, column, columnCount, memory.Panel(row), Width(count, arithmetic), memory.Turned);
            }
            // What is decoded next: these rows' next columns, or the next rows' first.
            bool isLast = column + columnCount == input.ColumnCount;
            int panelCount = (columnCount + ProductInput.SliceDepth - 1) / ProductInput.SliceDepth * ((rowCount + panelWidth - 1) / panelWidth);
            var requests = new RowRequests<TSource>(
                source, isLast ? firstRow + rowCount : firstRow, rowCount, isLast ? 0 : column + columnCount, panelCount * (input.TokenCount / FloatArithmetic.TileRowCount));
            for (int done = 0; done < columnCount; done += ProductInput.SliceDepth)
            {
                for (int row = 0; row < rowCount; row += panelWidth)
                    AddProduct(input, column + done, memory, row, Math.Min(panelWidth, rowCount - row), y + row, yStride, ref requests, arithmetic);
            }
        }
    }

    /// <summary>
    /// Adds the product of one panel with all tokens to the sums of its rows, which stay in the cache; what becomes of the last columns goes to
    /// <paramref name="y"/>. The last tokens, if they fill no tile, are computed once more with those before them.
    /// </summary>
    private static void AddProduct<TSource>(
        ProductInput input, int column, TileMemory memory, int row, int rowCount, float* y, int yStride,
        ref RowRequests<TSource> requests, FloatArithmetic arithmetic)
        where TSource : struct, IPanelSource
    {
        const int Step = FloatArithmetic.TileRowCount;
        int width = Width(rowCount, arithmetic);
        int depth = input.SliceWidth(column);
        int stride = input.SliceStride(column);
        float* panel = memory.Panel(row) + column % TileColumnCount * width;
        float* x = input.Slice(column);
        float* sums = memory.Sums(row);
        float* addend = column > 0 ? sums : null;
        bool isLast = column + depth == input.ColumnCount;
        // Rows that fill no vector are copied in the end.
        bool isDirect = isLast && width == rowCount;
        float* result = isDirect ? y : sums;
        int resultStride = isDirect ? yStride : width;
        int tileCount = input.TokenCount / Step;
        for (int tile = 0; tile < tileCount; tile++)
        {
            requests.Request();
            // The tile's first panel brings the tokens' columns into the second-level cache; prefetching by the processor ends at every page.
            if (row == 0)
            {
                for (int r = TilesAhead * Step; r < (TilesAhead + 1) * Step; r++)
                    Prefetching.Request(x + (long)r * stride, depth * sizeof(float));
            }
            arithmetic.MultiplyTile(x, stride, 1, panel, width, depth, addend, width, result, resultStride);
            x += (long)Step * stride;
            result += (long)Step * resultStride;
            addend += addend == null ? 0 : Step * width;
        }
        int rest = input.TokenCount % Step;
        if (rest > 0)
        {
            result -= isDirect ? (long)(Step - rest) * resultStride : 0;
            arithmetic.MultiplyTile(x - (long)(Step - rest) * stride, stride, 1, panel, width, depth, addend, width, result, resultStride);
        }
        if (isLast && width > rowCount)
            CopySums(sums, width, input.TokenCount, y, yStride, rowCount);
    }

    private static void CopySums(float* sums, int width, int tokenCount, float* y, int yStride, int rowCount)
    {
        const int Step = FloatArithmetic.TileRowCount;
        int whole = tokenCount / Step * Step;
        for (int token = 0; token < tokenCount; token++)
        {
            if (token == whole)
                sums += (Step - (tokenCount - whole)) * width;
            new ReadOnlySpan<float>(sums, rowCount).CopyTo(new Span<float>(y + (long)token * yStride, rowCount));
            sums += width;
        }
    }

    // All rows that the registers hold, or whole vectors of what is left.
    private static int Width(int rowCount, FloatArithmetic arithmetic) =>
        Math.Min(arithmetic.PanelWidth, (rowCount + arithmetic.Lanes - 1) / arithmetic.Lanes * arithmetic.Lanes);

    /// <summary>Where a tile's parts lie in a thread's memory.</summary>
    private readonly struct TileMemory(float* start, int tokenCount)
    {
        private const int TurnedLength = TurnedRowCount * TurnedRowStride;
        private const int PanelsLength = TileRowCount * TileColumnCount;

        /// <summary>Rows just decoded.</summary>
        public float* Turned => start;

        /// <summary>The panel that begins with this row of the tile: [256 columns, width].</summary>
        public float* Panel(int row) => start + TurnedLength + row * TileColumnCount;

        /// <summary>Sums of the panel that begins with this row of the tile: [tokens, width], and after whole tiles of tokens the last tile.</summary>
        public float* Sums(int row) => start + TurnedLength + PanelsLength + (long)row * SumsLength(tokenCount);

        public static long Length(int tokenCount) => TurnedLength + PanelsLength + (long)TileRowCount * SumsLength(tokenCount);

        private static int SumsLength(int tokenCount) => tokenCount + FloatArithmetic.TileRowCount;
    }

    /// <summary>Asks for rows that will be decoded next, some at every tile of tokens.</summary>
    private struct RowRequests<TSource>(TSource source, int firstRow, int rowCount, int column, int tileCount)
        where TSource : struct, IPanelSource
    {
        private readonly int share = (rowCount + tileCount - 1) / tileCount;
        private int done;

        public void Request()
        {
            for (int end = Math.Min(rowCount, done + share); done < end; done++)
                source.Request(firstRow + done, column);
        }
    }
}
