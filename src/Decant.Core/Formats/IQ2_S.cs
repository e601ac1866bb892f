namespace Decant.Core.Formats;

/// <summary>
/// 256 elements in runs of 8, each a point of a codebook of 1024 with eight signs; 4-bit scales per 16 elements:
/// <c>x = d·(s + 1/2)/4·p</c>. Layout: d, 32 bytes of points (low 8 bits), 32 bytes of signs, 8 bytes with the upper 2 bits of four
/// points each, 8 bytes of scales (low nibble first).
/// </summary>
public sealed class IQ2_SFormat : BlockFormat
{
    private const int Signs = 34;
    private const int HighBits = 66;
    private const int Scales = 74;

    /// <inheritdoc/>
    public override string Name => "IQ2_S";

    /// <inheritdoc/>
    public override int? GgmlType => 22;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 82;

    /// <inheritdoc/>
    public override bool CanEncode => false;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int run = 0; run < 32; run++)
        {
            int point = block[2 + run] | (block[HighBits + run / 4] >> (run % 4 * 2) & 3) << 8;
            float scale = d * (0.5f + (block[Scales + run / 4] >> (run / 2 % 2 * 4) & 15)) * 0.25f;
            Codebooks.Iq2S.Decode(point, scale, block[Signs + run], values.Slice(8 * run, 8));
        }
    }
}
