using Decant.Core.Formats;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>The format's definition itself: on every processor, and for formats too rare to be worth lanes.</summary>
internal sealed class ScalarRowEncoder(TensorFormat format) : RowEncoder(format, InstructionSet.Scalar)
{
    private protected override void Encode(ReadOnlySpan<float> rows, int rowLength, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        for (int row = 0; row * rowLength < rows.Length; row++)
            EncodeByDefinition(rows, rowLength, row, importance, destination);
    }
}
