using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>
/// 256 elements in groups of 32: four runs of 8 elements, each a ternary point of a codebook of 2048; per group a 3-bit scale and a
/// shift of ±1/8: <c>x = d·(2s + 1)·(p ± 1/8)</c>. Layout: d, 32 bytes of points (low 8 bits), then a word per group: 4 times the upper 3
/// bits of a point, the scale, and on top the sign of the shift.
/// </summary>
public sealed class IQ1_SFormat : BlockFormat
{
    private const int HighBits = 34;
    private const float Shift = 0.125f;

    /// <inheritdoc/>
    public override string Name => "IQ1_S";

    /// <inheritdoc/>
    public override int? GgmlType => 19;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 50;

    /// <inheritdoc/>
    public override bool CanEncode => false;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int group = 0; group < 8; group++)
        {
            int rest = BinaryPrimitives.ReadUInt16LittleEndian(block[(HighBits + 2 * group)..]);
            float scale = d * (2 * (rest >> 12 & 7) + 1);
            float shift = (rest & 0x8000) != 0 ? -Shift : Shift;
            for (int run = 0; run < 4; run++)
            {
                int point = block[2 + 4 * group + run] | (rest >> 3 * run & 7) << 8;
                DecodeRun(point, scale, shift, values.Slice(32 * group + 8 * run, 8));
            }
        }
    }

    /// <summary>One run: each coordinate plus the shift, times the scale.</summary>
    internal static void DecodeRun(int point, float scale, float shift, Span<float> values)
    {
        ReadOnlySpan<sbyte> from = Codebooks.Iq1[point];
        for (int i = 0; i < from.Length; i++)
            values[i] = scale * (from[i] + shift);
    }
}
