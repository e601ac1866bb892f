using Decant.Core.Formats;

namespace Decant.Engine.Kernels;

/// <summary>Any format without a kernel of its own: rows are decoded by the format's definition, products run on vectors.</summary>
internal sealed unsafe class DecodingKernel(TensorFormat format, InstructionSet instructions)
    : VectorKernel(format.Name, instructions, format.BlockLength, format.BlockByteCount)
{
    // Definitions decode some hundred million elements a second, however many tokens they serve.
    /// <inheritdoc/>
    public override long LongestUncheckedWork(int tokenCount) => Math.Min(base.LongestUncheckedWork(tokenCount), (long)tokenCount << 23);

    /// <inheritdoc/>
    public override void Decode(byte* source, float* destination, int count) =>
        format.DecodeRow(new ReadOnlySpan<byte>(source, checked((int)format.RowByteCount(count))), new Span<float>(destination, count));

    /// <inheritdoc/>
    protected override void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        float* row = scratch.Floats(input.ColumnCount);
        for (int r = 0; r < rowCount; r++)
        {
            Decode(rows + r * rowByteCount, row, input.ColumnCount);
            for (int token = 0; token < input.TokenCount; token++)
                y[(long)token * yStride + r] = Instructions.Arithmetic.Dot(row, input.Rows + (long)token * input.ColumnCount, input.ColumnCount);
        }
    }
}
