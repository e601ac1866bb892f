using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>
/// 256 elements in runs of 8, each a point of a codebook of 512 with seven stored signs; 4-bit scales per 16 elements:
/// <c>x = d·(s + 1/2)/4·p</c>. Layout: d, 32 words of 9 bits point and 7 bits signs, 8 bytes of scales (low nibble first).
/// </summary>
public sealed class IQ2_XSFormat : BlockFormat
{
    private const int Scales = 66;

    /// <inheritdoc/>
    public override string Name => "IQ2_XS";

    /// <inheritdoc/>
    public override int? GgmlType => 17;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 74;

    /// <inheritdoc/>
    public override bool CanEncode => false;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int run = 0; run < 32; run++)
        {
            int word = BinaryPrimitives.ReadUInt16LittleEndian(block[(2 + 2 * run)..]);
            float scale = d * (0.5f + (block[Scales + run / 4] >> (run / 2 % 2 * 4) & 15)) * 0.25f;
            Codebooks.Iq2Xs.Decode(word & 511, scale, Codebook.EvenSigns(word >> 9), values.Slice(8 * run, 8));
        }
    }
}
