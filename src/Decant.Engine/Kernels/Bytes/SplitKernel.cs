using Decant.Engine.Inference;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Products in whole numbers with codes too wide for the sums of an instruction set: for few tokens only, row by row (<see cref="ByteRows{TParts, TBlock}"/>) or
/// from rows side by side (<see cref="SplitRows{TBytes, TOps, TLayout, TBlock}"/>). Many tokens are left to single precision, which is decoded from rows side by side too,
/// or where that is quicker to pairs of 16 bits (<see cref="WordProduct{TBytes, TOps, TLayout, TBlock}"/>).
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
    public string CopyForm => "side by side";

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
        switch (ActivationBits(input.TokenCount))
        {
            case 8:
                _ = input.Bytes(TBlock.BlockLength).Split();
                break;
            case 16:
                _ = input.Words();
                break;
            default:
                input.PrepareSingle();
                break;
        }
    }

    /// <inheritdoc/>
    public int ActivationBits(int tokenCount) => tokenCount <= SplitRows<TBytes, TOps, TLayout, TBlock>.MostTokens ? 8 : TOps.HasQuickPairs ? 16 : 32;

    /// <inheritdoc/>
    public int InterleavedRowUnit(int tokenCount) => ActivationBits(tokenCount) == 16 ? WordProduct<TBytes, TOps, TLayout, TBlock>.PanelRowCount : TOps.Rows;

    /// <inheritdoc/>
    public void MultiplyInterleaved(byte* groups, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        int bits = ActivationBits(input.TokenCount);
        if (bits == 16)
        {
            WordProduct<TBytes, TOps, TLayout, TBlock>.Multiply(groups, rowByteCount, rowCount, input.Words(), input.TokenCount, y, yStride, scratch);
            return;
        }
        if (bits == 32)
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
