using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>
/// 256 elements in groups of 32: four runs of 8 elements, each a point of a codebook of 256 with seven stored signs, and a 4-bit scale;
/// <c>x = d·(s + 1/2)/4·p</c>. Layout: d, then per group four bytes of points and a word of 4 times 7 signs and the scale on top.
/// </summary>
public sealed class IQ2_XXSFormat : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "IQ2_XXS";

    /// <inheritdoc/>
    public override int? GgmlType => 16;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 66;

    /// <inheritdoc/>
    public override bool CanEncode => false;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int group = 0; group < 8; group++)
        {
            ReadOnlySpan<byte> points = block.Slice(2 + 8 * group, 4);
            uint rest = BinaryPrimitives.ReadUInt32LittleEndian(block[(6 + 8 * group)..]);
            float scale = d * (0.5f + (rest >> 28)) * 0.25f;
            for (int run = 0; run < 4; run++)
                Codebooks.Iq2Xxs.Decode(points[run], scale, Codebook.EvenSigns((int)(rest >> 7 * run & 127)), values.Slice(32 * group + 8 * run, 8));
        }
    }
}
