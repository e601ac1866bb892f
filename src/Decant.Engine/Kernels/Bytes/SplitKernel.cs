using Decant.Engine.Inference;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Products in whole numbers with codes too wide for the sums of an instruction set: for few tokens only, row by row (<see cref="ByteRows{TParts, TBlock}"/>) or
/// from rows side by side (<see cref="SplitRows{TBytes, TOps, TLayout, TBlock}"/>). Many tokens are left to single precision, which is decoded from rows side by side too.
/// </summary>
internal sealed unsafe class SplitKernel<TParts, TBytes, TOps, TLayout, TBlock>(InstructionSet instructions)
    : ProductKernel(TBlock.Format, instructions, DecoderArithmetic.Fast), IInterleavedKernel
    where TParts : struct, IPartOps
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
    where TLayout : struct, IPanelLayout
    where TBlock : struct, ICodeBlock
{
    /// <inheritdoc/>
    public override int MostFewTokens => ByteRows<TParts, TBlock>.MostTokens;

    /// <inheritdoc/>
    public override int RoundedBlockLength => TBlock.BlockLength;

    /// <inheritdoc/>
    public int GroupRowCount => TOps.Rows;

    /// <inheritdoc/>
    public override void Prepare(ProductInput input) => _ = input.Bytes(TBlock.BlockLength);

    /// <inheritdoc/>
    public override void Multiply(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch) =>
        ByteRows<TParts, TBlock>.Multiply(rows, rowByteCount, rowCount, input.Bytes(TBlock.BlockLength), input.TokenCount, input.ColumnCount, y, yStride);

    /// <inheritdoc/>
    public bool ReplacesForMany(ProductKernel many) => many is VectorKernel && many.Instructions == Instructions;

    /// <inheritdoc/>
    public bool TryInterleave(byte* rows, long rowByteCount, int rowCount, byte* groups) =>
        InterleavedRows<TBytes, TOps, TLayout, TBlock>.TryStore(rows, rowByteCount, rowCount, groups);

    /// <inheritdoc/>
    public void PrepareInterleaved(ProductInput input)
    {
        if (!RoundsActivations(input.TokenCount))
            input.PrepareSingle();
        else
            _ = input.Bytes(TBlock.BlockLength).Split();
    }

    /// <inheritdoc/>
    public bool RoundsActivations(int tokenCount) => tokenCount <= SplitRows<TBytes, TOps, TLayout, TBlock>.MostTokens;

    /// <inheritdoc/>
    public int InterleavedRowUnit(int tokenCount) => TOps.Rows;

    /// <inheritdoc/>
    public void MultiplyInterleaved(byte* groups, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        if (!RoundsActivations(input.TokenCount))
        {
            PanelProduct.Multiply(new InterleavedSource(groups, rowByteCount), rowCount, input, y, yStride, scratch, Instructions.Arithmetic);
            return;
        }
        SplitActivations activations = input.Bytes(TBlock.BlockLength).Split();
        int blockCount = (int)(rowByteCount / TBlock.ByteCount);
        for (int row = 0; row < rowCount; row += TOps.Rows)
        {
            SplitRows<TBytes, TOps, TLayout, TBlock>.Multiply(
                groups + row * rowByteCount, TOps.Rows * rowByteCount, blockCount, activations, input.TokenCount, y + row, yStride);
        }
    }

    private readonly struct InterleavedSource(byte* groups, long rowByteCount) : IPanelSource
    {
        private int RowBlockCount => (int)(rowByteCount / TBlock.ByteCount);

        public void Fill(int row, int rowCount, int column, int columnCount, float* panel, int width, float* turned)
        {
            for (int done = 0; done < rowCount; done += TOps.Rows)
            {
                SplitRows<TBytes, TOps, TLayout, TBlock>.Decode(
                    groups + (row + done) * rowByteCount, RowBlockCount, column / TBlock.BlockLength, columnCount / TBlock.BlockLength, panel + done, width);
            }
        }

        public void Request(int row, int column)
        {
            // A row's share of its group's words.
            byte* group = groups + row / TOps.Rows * TOps.Rows * rowByteCount;
            byte* words = (byte*)InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group, RowBlockCount, column / TBlock.BlockLength);
            int byteCount = PanelProduct.TileColumnCount / TBlock.BlockLength * InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * sizeof(int);
            Prefetching.Request(words + row % TOps.Rows * byteCount, byteCount);
        }
    }
}
