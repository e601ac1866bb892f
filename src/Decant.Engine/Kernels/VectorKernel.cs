using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Kernels;

// Many tokens: rows of weights are decoded and turned into panels, tokens stay as they are, and results go where they belong:
//
//              panel, 128 columns:    row 0  row 1  ...  row 63
//                                       |      |           |
//   token t, column k in every lane  ·  w[k]  w[k]  ...  w[k]     six tokens at a time, see RegisterTile
//
// A tile is some panels of the same 256 columns, so that the tokens' columns are read from the second-level cache for all but the first.

/// <summary>
/// Products in single precision on vectors. Few tokens: row by row straight from the stored blocks. Many tokens: rows are decoded into panels that
/// stay in the cache and are multiplied with all tokens, so that decoding is paid once for all tokens and no second copy of the weights exists.
/// </summary>
internal abstract unsafe class VectorKernel(string format, InstructionSet instructions, int blockLength, int blockByteCount)
    : WeightKernel(format, instructions)
{
    // Rows and columns of a tile: a multiple of every panel, a multiple of every block. Panels are multiplied in halves, so that one (128 columns
    // of at most 64 rows, 32 KB) stays in the first-level cache while all tokens pass.
    private const int TileRowCount = 192;
    private const int TileColumnCount = 256;

    // Rows decoded before they are turned: in the first-level cache, and out of one another's sets.
    private const int TurnedRowCount = 16;
    private const int TurnedRowStride = TileColumnCount + 16;

    /// <inheritdoc/>
    public override void Prepare(ProductInput input) => input.PrepareSingle();

    /// <inheritdoc/>
    public override int RowUnit(int tokenCount) => tokenCount < ProductInput.SmallestTileTokenCount ? 1 : Instructions.Arithmetic.Lanes;

    /// <summary>Products of one row after another with few tokens.</summary>
    protected abstract void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch);

    /// <inheritdoc/>
    public sealed override void Multiply(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        if (!input.FillsTiles)
        {
            MultiplyFew(rows, rowByteCount, rowCount, input, y, yStride, scratch);
            return;
        }
        var memory = new TileMemory(scratch.Floats(TileMemory.Length(input.TokenCount)), input.TokenCount);
        for (int row = 0; row < rowCount; row += TileRowCount)
            MultiplyTile(rows + row * rowByteCount, rowByteCount, Math.Min(TileRowCount, rowCount - row), input, y + row, yStride, memory);
    }

    private void MultiplyTile(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, TileMemory memory)
    {
        int panelWidth = Instructions.Arithmetic.PanelWidth;
        for (int column = 0; column < input.ColumnCount; column += TileColumnCount)
        {
            int columnCount = Math.Min(TileColumnCount, input.ColumnCount - column);
            byte* blocks = rows + ByteOffset(column);
            for (int row = 0; row < rowCount; row += panelWidth)
                FillPanel(blocks + row * rowByteCount, rowByteCount, Math.Min(panelWidth, rowCount - row), columnCount, memory.Panel(row), memory.Turned);
            // What is decoded next: these rows' next columns, or the next rows' first.
            byte* next = column + TileColumnCount < input.ColumnCount ? blocks + ByteOffset(TileColumnCount) : rows + rowCount * rowByteCount;
            var requests = new RowRequests(next, rowByteCount, rowCount, (int)ByteOffset(TileColumnCount));
            int panelCount = (columnCount + ProductInput.SliceDepth - 1) / ProductInput.SliceDepth * ((rowCount + panelWidth - 1) / panelWidth);
            for (int done = 0; done < columnCount; done += ProductInput.SliceDepth)
            {
                for (int row = 0; row < rowCount; row += panelWidth)
                    AddProduct(input, column + done, memory, row, Math.Min(panelWidth, rowCount - row), y + row, yStride, ref requests, panelCount);
            }
        }
    }

    /// <summary>
    /// Adds the product of one panel with all tokens to the sums of its rows, which stay in the cache; what becomes of the last columns goes to
    /// <paramref name="y"/>. The last tokens, if they fill no tile, are computed once more with those before them.
    /// </summary>
    private void AddProduct(
        ProductInput input, int column, TileMemory memory, int row, int rowCount, float* y, int yStride, ref RowRequests requests, int panelCount)
    {
        const int Step = FloatArithmetic.TileRowCount;
        FloatArithmetic arithmetic = Instructions.Arithmetic;
        int width = PanelWidth(rowCount);
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
        int requestCount = requests.Share(panelCount * tileCount);
        for (int tile = 0; tile < tileCount; tile++)
        {
            requests.Request(requestCount);
            // The tile's first panel brings the tokens' columns into the second-level cache; prefetching by the processor ends at every page.
            if (row == 0)
            {
                for (int r = 4 * Step; r < 5 * Step; r++)
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

    /// <summary>Rows of the next panel if so many are left: all that the registers hold, or whole vectors.</summary>
    private int PanelWidth(int rowCount)
    {
        FloatArithmetic arithmetic = Instructions.Arithmetic;
        return Math.Min(arithmetic.PanelWidth, (rowCount + arithmetic.Lanes - 1) / arithmetic.Lanes * arithmetic.Lanes);
    }

    /// <summary>Decodes rows and turns them: panel[column · width + row], with what <paramref name="turned"/> last held where rows are missing.</summary>
    private void FillPanel(byte* blocks, long rowByteCount, int rowCount, int columnCount, float* panel, float* turned)
    {
        FloatArithmetic arithmetic = Instructions.Arithmetic;
        int width = PanelWidth(rowCount);
        for (int row = 0; row < width; row += TurnedRowCount)
        {
            int count = Math.Min(TurnedRowCount, width - row);
            for (int i = 0; i < Math.Min(count, rowCount - row); i++)
                Decode(blocks + (row + i) * rowByteCount, turned + i * TurnedRowStride, columnCount);
            arithmetic.Transpose(turned, TurnedRowStride, count, columnCount, panel + row, width);
        }
    }

    private long ByteOffset(int column) => (long)column / blockLength * blockByteCount;

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

    /// <summary>Asks for stored rows that will be decoded next, some at every tile of tokens.</summary>
    private struct RowRequests(byte* rows, long rowByteCount, int rowCount, int length)
    {
        private int done;

        public readonly int Share(int tileCount) => (rowCount + tileCount - 1) / Math.Max(1, tileCount);

        public void Request(int count)
        {
            for (; count > 0 && done < rowCount; count--, done++)
                Prefetching.Request(rows + done * rowByteCount, length);
        }
    }
}
