using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Kernels;

/// <summary>
/// Products in single precision on vectors. Few tokens: row by row straight from the stored blocks. Many tokens: rows are decoded into the panels of a
/// <see cref="PanelProduct"/>.
/// </summary>
internal abstract unsafe class VectorKernel(string format, InstructionSet instructions, int blockLength, int blockByteCount)
    : WeightKernel(format, instructions)
{
    /// <inheritdoc/>
    public override void Prepare(ProductInput input) => input.PrepareSingle();

    /// <inheritdoc/>
    public override int RowUnit(int tokenCount) => tokenCount <= MostFewTokens ? 1 : Instructions.Arithmetic.Lanes;

    /// <summary>Products of one row after another with few tokens.</summary>
    protected abstract void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch);

    /// <inheritdoc/>
    public sealed override void Multiply(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        if (input.TokenCount > MostFewTokens)
            PanelProduct.Multiply(new StoredRows(this, rows, rowByteCount), rowCount, input, y, yStride, scratch, Instructions.Arithmetic);
        else
            MultiplyFew(rows, rowByteCount, rowCount, input, y, yStride, scratch);
    }

    private long ByteOffset(int column) => (long)column / blockLength * blockByteCount;

    // Rows are decoded some at a time and then turned.
    private readonly struct StoredRows(VectorKernel kernel, byte* rows, long rowByteCount) : IPanelSource
    {
        public void Fill(int row, int rowCount, int column, int columnCount, float* panel, int width, float* turned)
        {
            FloatArithmetic arithmetic = kernel.Instructions.Arithmetic;
            byte* blocks = rows + row * rowByteCount + kernel.ByteOffset(column);
            for (int first = 0; first < width; first += PanelProduct.TurnedRowCount)
            {
                int count = Math.Min(PanelProduct.TurnedRowCount, width - first);
                for (int i = 0; i < Math.Min(count, rowCount - first); i++)
                    kernel.Decode(blocks + (first + i) * rowByteCount, turned + i * PanelProduct.TurnedRowStride, columnCount);
                arithmetic.Transpose(turned, PanelProduct.TurnedRowStride, count, columnCount, panel + first, width);
            }
        }

        public void Request(int row, int column) =>
            Prefetching.Request(rows + row * rowByteCount + kernel.ByteOffset(column), kernel.ByteOffset(PanelProduct.TileColumnCount));
    }
}
