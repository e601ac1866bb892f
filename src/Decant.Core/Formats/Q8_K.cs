using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>
/// Activations beside the K types: 256 signed 8-bit codes with one single-precision scale, <c>x = q·d</c>, and the sum of each run of
/// 16 codes. The element of largest magnitude maps to -127. Layout: d (float), codes[256], sums[16] (16 bits).
/// </summary>
public sealed class Q8_KFormat : BlockFormat
{
    private const int Codes = 4, Sums = Codes + 256, Run = 16;

    /// <inheritdoc/>
    public override string Name => "Q8_K";

    /// <inheritdoc/>
    public override int? GgmlType => 15;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 292;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = BinaryPrimitives.ReadSingleLittleEndian(block);
        for (int i = 0; i < values.Length; i++)
            values[i] = d * (sbyte)block[Codes + i];
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        float max = SignedMaximum(values);
        if (max == 0)
        {
            block.Clear();
            return;
        }
        float inverse = -127 / max;
        BinaryPrimitives.WriteSingleLittleEndian(block, 1 / inverse);
        for (int run = 0; run < values.Length / Run; run++)
        {
            int sum = 0;
            for (int i = Run * run; i < Run * (run + 1); i++)
            {
                sbyte code = (sbyte)Math.Min(127, Rounding.Nearest(inverse * values[i]));
                block[Codes + i] = (byte)code;
                sum += code;
            }
            BinaryPrimitives.WriteInt16LittleEndian(block[(Sums + 2 * run)..], (short)sum);
        }
    }
}
