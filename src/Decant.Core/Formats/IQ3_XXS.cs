using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>
/// 256 elements in groups of 32: eight runs of 4 elements, each a point of a codebook of 256; seven stored signs per 8 elements and a
/// 4-bit scale: <c>x = d·(s + 1/2)/2·p</c>. Layout: d, 64 bytes of points, then a word per group: 4 times 7 signs, the scale on top.
/// </summary>
public sealed class IQ3_XXSFormat : BlockFormat
{
    private const int SignsAndScales = 66;

    /// <inheritdoc/>
    public override string Name => "IQ3_XXS";

    /// <inheritdoc/>
    public override int? GgmlType => 18;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 98;

    /// <inheritdoc/>
    public override bool CanEncode => false;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int group = 0; group < 8; group++)
        {
            uint rest = BinaryPrimitives.ReadUInt32LittleEndian(block[(SignsAndScales + 4 * group)..]);
            float scale = d * (0.5f + (rest >> 28)) * 0.5f;
            for (int run = 0; run < 8; run++)
            {
                int signs = Codebook.EvenSigns((int)(rest >> 7 * (run / 2) & 127)) >> run % 2 * 4;
                Codebooks.Iq3Xxs.Decode(block[2 + 8 * group + run], scale, signs, values.Slice(32 * group + 4 * run, 4));
            }
        }
    }
}
