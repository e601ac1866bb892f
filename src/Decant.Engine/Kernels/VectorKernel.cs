using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Kernels;

/// <summary>
/// Products in single precision on vectors. Few tokens: row by row straight from the stored blocks. Many tokens: rows are decoded into a tile that
/// stays in the cache and multiplied with the tokens' panels, so that decoding is paid once for all tokens and no second copy of the weights exists.
/// </summary>
internal abstract unsafe class VectorKernel(string format, InstructionSet instructions, int blockLength, int blockByteCount)
    : WeightKernel(format, instructions)
{
    // A tile of weights: 192 rows (a multiple of the register tile's 6) of 256 columns (a multiple of every block), 209 KB with the
    // padding that keeps its rows out of one another's cache sets. It is multiplied in halves, so that a panel of tokens (128 columns of
    // 64 tokens, 32 KB) stays in the first-level cache while all rows pass.
    private const int TileRowCount = 192;
    private const int TileColumnCount = 256;
    private const int TileDepth = 128;
    private const int Padding = 16;
    private const int TileRowStride = TileColumnCount + Padding;

    /// <inheritdoc/>
    public override void Prepare(ProductInput input) => input.PrepareSingle();

    /// <inheritdoc/>
    public override int RowUnit(int tokenCount) => tokenCount < ProductInput.SmallestPanelTokenCount ? 1 : FloatArithmetic.TileRowCount;

    /// <summary>Products of one row after another with few tokens.</summary>
    protected abstract void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch);

    /// <inheritdoc/>
    public sealed override void Multiply(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        if (!input.HasPanels)
        {
            MultiplyFew(rows, rowByteCount, rowCount, input, y, yStride, scratch);
            return;
        }
        int resultStride = input.PaddedTokenCount + Padding;
        float* weights = scratch.Floats(TileRowCount * (TileRowStride + (long)resultStride));
        float* results = weights + TileRowCount * TileRowStride;
        for (int row = 0; row < rowCount; row += TileRowCount)
        {
            int count = Math.Min(TileRowCount, rowCount - row);
            MultiplyTile(rows + row * rowByteCount, rowByteCount, count, input, weights, results, resultStride);
            Instructions.Arithmetic.Transpose(results, resultStride, count, input.TokenCount, y + row, yStride);
        }
    }

    private void MultiplyTile(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* weights, float* results, int resultStride)
    {
        for (int column = 0; column < input.ColumnCount; column += TileColumnCount)
        {
            int columnCount = Math.Min(TileColumnCount, input.ColumnCount - column);
            byte* blocks = rows + ByteOffset(column);
            for (int row = 0; row < rowCount; row++)
                Decode(blocks + row * rowByteCount, weights + row * TileRowStride, columnCount);
            // What the next decoding reads: these rows' next columns, or the next rows' first.
            byte* next = column + TileColumnCount < input.ColumnCount ? blocks + ByteOffset(TileColumnCount) : rows + TileRowCount * rowByteCount;
            for (int done = 0; done < columnCount; done += TileDepth)
                AddProduct(weights + done, rowCount, input, column + done, Math.Min(TileDepth, columnCount - done), results, resultStride, next, rowByteCount);
        }
    }

    private long ByteOffset(int column) => (long)column / blockLength * blockByteCount;

    private void AddProduct(
        float* weights, int rowCount, ProductInput input, int column, int depth, float* results, int resultStride, byte* next, long rowByteCount)
    {
        FloatArithmetic arithmetic = Instructions.Arithmetic;
        int panelCount = (input.PaddedTokenCount + arithmetic.PanelWidth - 1) / arithmetic.PanelWidth;
        long rowShare = Prefetching.Share(ByteOffset(TileColumnCount), 2 * panelCount);
        for (int i = 0; i < panelCount; i++)
        {
            int token = i * arithmetic.PanelWidth;
            int width = input.PanelWidth(token);
            float* panel = input.Panel(token, column);
            // To be asked for on the way: the panel to come, which lies in the third level or in memory, and these rows' stored bytes to come.
            byte* panelToCome = (byte*)(i + 1 < panelCount ? input.Panel(token + arithmetic.PanelWidth, column) : input.Panel(0, column + depth));
            long panelShare = Prefetching.Share((long)depth * width * sizeof(float), (rowCount + FloatArithmetic.TileRowCount - 1) / FloatArithmetic.TileRowCount);
            long offset = (column / TileDepth % 2 * panelCount + i) * rowShare;
            long rowByteCountToCome = Math.Clamp(ByteOffset(TileColumnCount) - offset, 0, rowShare);
            // Rows up to the next multiple of six are computed from what the tile last held and never read.
            for (int row = 0; row < rowCount; row += FloatArithmetic.TileRowCount)
            {
                Prefetching.Request(panelToCome, panelShare);
                panelToCome += panelShare;
                for (int r = row; r < row + FloatArithmetic.TileRowCount; r++)
                    Prefetching.Request(next + r * rowByteCount + offset, rowByteCountToCome);
                arithmetic.MultiplyTile(
                    weights + row * TileRowStride, TileRowStride, 1, panel, width, depth, results + (long)row * resultStride + token, resultStride, column > 0);
            }
        }
    }
}
