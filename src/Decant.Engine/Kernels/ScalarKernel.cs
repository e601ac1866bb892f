using Decant.Core.Formats;

namespace Decant.Engine.Kernels;

/// <summary>
/// The definition of every product: rows decoded by the format itself, multiplied one element after another in double precision. Slow; kept as
/// the twin that the others are tested against, and for processors without vectors.
/// </summary>
internal sealed unsafe class ScalarKernel(TensorFormat format) : WeightKernel(format.Name, InstructionSet.Scalar)
{
    // Some hundred million multiplications a second.
    /// <inheritdoc/>
    public override long LongestUncheckedWork(int tokenCount) => 1L << 22;

    /// <inheritdoc/>
    public override void Decode(byte* source, float* destination, int count) =>
        format.DecodeRow(new ReadOnlySpan<byte>(source, checked((int)format.RowByteCount(count))), new Span<float>(destination, count));

    /// <inheritdoc/>
    public override void Multiply(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        float* row = scratch.Floats(input.ColumnCount);
        for (int r = 0; r < rowCount; r++)
        {
            Decode(rows + r * rowByteCount, row, input.ColumnCount);
            for (int token = 0; token < input.TokenCount; token++)
            {
                float* x = input.Rows + (long)token * input.ColumnCount;
                double sum = 0;
                for (int column = 0; column < input.ColumnCount; column++)
                    sum += (double)row[column] * x[column];
                y[(long)token * yStride + r] = (float)sum;
            }
        }
    }
}
