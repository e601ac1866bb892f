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
    // padding that keeps its rows out of one another's cache sets.
    private const int TileRowCount = 192;
    private const int TileColumnCount = 256;
    private const int TileRowStride = TileColumnCount + 16;

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
        float* weights = scratch.Floats(TileRowCount * (TileRowStride + (long)input.PaddedTokenCount));
        float* results = weights + TileRowCount * TileRowStride;
        for (int row = 0; row < rowCount; row += TileRowCount)
        {
            int count = Math.Min(TileRowCount, rowCount - row);
            MultiplyTile(rows + row * rowByteCount, rowByteCount, count, input, weights, results);
            Instructions.Arithmetic.Transpose(results, input.PaddedTokenCount, count, input.TokenCount, y + row, yStride);
        }
    }

    private void MultiplyTile(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* weights, float* results)
    {
        FloatArithmetic arithmetic = Instructions.Arithmetic;
        int stride = input.PaddedTokenCount;
        for (int column = 0; column < input.ColumnCount; column += TileColumnCount)
        {
            int depth = Math.Min(TileColumnCount, input.ColumnCount - column);
            byte* blocks = rows + (long)column / blockLength * blockByteCount;
            for (int row = 0; row < rowCount; row++)
                Decode(blocks + row * rowByteCount, weights + row * TileRowStride, depth);
            for (int token = 0; token < stride; token += arithmetic.PanelWidth)
            {
                int width = input.PanelWidth(token);
                float* panel = input.Panel(token, column);
                // Rows up to the next multiple of six are computed from what the tile last held and never read.
                for (int row = 0; row < rowCount; row += FloatArithmetic.TileRowCount)
                {
                    arithmetic.MultiplyTile(
                        weights + row * TileRowStride, TileRowStride, 1, panel, width, depth, results + (long)row * stride + token, stride, column > 0);
                }
            }
        }
    }
}
