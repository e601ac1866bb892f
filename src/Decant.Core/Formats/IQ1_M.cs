using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>
/// 256 elements in runs of 8, each a ternary point of a codebook of 2048 with a shift of ±1/8; 3-bit scales per 16 elements:
/// <c>x = d·(2s + 1)·(p ± 1/8)</c>. Layout: 32 bytes of points (low 8 bits), 16 bytes of nibbles (3 upper bits of a point, then the sign of
/// its shift), four words of 4 times 3 bits of scale, whose top nibbles together are the half-precision d.
/// </summary>
public sealed class IQ1_MFormat : BlockFormat
{
    private const int HighBits = 32;
    private const int Scales = 48;
    private const float Shift = 0.125f;

    /// <inheritdoc/>
    public override string Name => "IQ1_M";

    /// <inheritdoc/>
    public override int? GgmlType => 29;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 56;

    /// <inheritdoc/>
    public override bool CanEncode => false;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<ushort> words = stackalloc ushort[4];
        int bits = 0;
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = BinaryPrimitives.ReadUInt16LittleEndian(block[(Scales + 2 * i)..]);
            bits |= words[i] >> 12 << 4 * i;
        }
        float d = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
        for (int run = 0; run < 32; run++)
        {
            int nibble = block[HighBits + run / 2] >> run % 2 * 4 & 15;
            float scale = d * (2 * (words[run / 8] >> run / 2 % 4 * 3 & 7) + 1);
            float shift = (nibble & 8) != 0 ? -Shift : Shift;
            IQ1_SFormat.DecodeRun(block[run] | (nibble & 7) << 8, scale, shift, values.Slice(8 * run, 8));
        }
    }
}
