namespace Decant.Core.Formats;

/// <summary>
/// 256 elements in groups of 32: eight runs of 4 elements, each a point of a codebook of 512, with a sign per element and a 4-bit
/// scale: <c>x = d·(2s + 1)·p</c>. Layout: d, 64 bytes of points (low 8 bits), 8 bytes with their ninth bits, 32 bytes of signs, 4 bytes of
/// scales (low nibble first).
/// </summary>
public sealed class IQ3_SFormat : BlockFormat
{
    private const int HighBits = 66;
    private const int Signs = 74;
    private const int Scales = 106;

    /// <inheritdoc/>
    public override string Name => "IQ3_S";

    /// <inheritdoc/>
    public override int? GgmlType => 21;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 110;

    /// <inheritdoc/>
    public override bool CanEncode => false;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int run = 0; run < 64; run++)
        {
            int point = block[2 + run] | (block[HighBits + run / 8] >> run % 8 & 1) << 8;
            float scale = d * (1 + 2 * (block[Scales + run / 16] >> (run / 8 % 2 * 4) & 15));
            Codebooks.Iq3S.Decode(point, scale, block[Signs + run / 2] >> run % 2 * 4, values.Slice(4 * run, 4));
        }
    }
}
