namespace Decant.Core.Formats;

/// <summary>
/// NVIDIA's 4-bit floats as ggml stores them: 64 E2M1 numbers, an 8-bit scale per 16 of them, no scale for the whole tensor;
/// <c>x = v·s/2</c> with v twice the E2M1 value. The scale is E4M3 without its sign; code 0x7F reads as 0. Layout: four scales, then per 16
/// elements 8 bytes of nibbles, element i and i + 8 in one byte.
/// </summary>
public sealed class NVFP4Format : BlockFormat
{
    private const int GroupLength = 16;
    private const int GroupCount = 4;
    private const int LargestCode = 0x7E;
    private const float LargestMagnitude = 6;

    /// <inheritdoc/>
    public override string Name => "NVFP4";

    /// <inheritdoc/>
    public override int? GgmlType => 40;

    /// <inheritdoc/>
    public override int BlockLength => GroupLength * GroupCount;

    /// <inheritdoc/>
    public override int BlockByteCount => 36;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<byte> codes = stackalloc byte[GroupLength];
        for (int group = 0; group < GroupCount; group++)
        {
            float scale = HalfScaleOf(block[group]);
            CodePlanes.UnpackNibbles(Nibbles(block, group), codes);
            for (int i = 0; i < GroupLength; i++)
                values[GroupLength * group + i] = MXFP4Format.Doubled[codes[i]] * scale;
        }
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[GroupLength];
        for (int group = 0; group < GroupCount; group++)
        {
            ReadOnlySpan<float> elements = values.Slice(GroupLength * group, GroupLength);
            block[group] = RoundScale(MathF.Abs(SignedMaximum(elements)) / LargestMagnitude);
            float scale = HalfScaleOf(block[group]);
            for (int i = 0; i < GroupLength; i++)
                codes[i] = MXFP4Format.Nearest(elements[i], scale);
            CodePlanes.PackNibbles(codes, block.Slice(GroupCount + GroupLength / 2 * group, GroupLength / 2));
        }
    }

    private static ReadOnlySpan<byte> Nibbles(ReadOnlySpan<byte> block, int group) =>
        block.Slice(GroupCount + GroupLength / 2 * group, GroupLength / 2);

    /// <summary>Half the scale, to go with doubled E2M1 values. The top bit is no part of it.</summary>
    internal static float HalfScaleOf(byte code) =>
        code == 0x7F ? 0 : 0.5f * SmallFloat.Magnitude(code & 0x7F, F8E4M3Format.MantissaBits, F8E4M3Format.Bias);

    /// <summary>
    /// The reference's rounding: half up, on the first bit that is cut off; a scale of 256 or more, whose exponent is the last one,
    /// becomes 448, though 256 to 416 have codes.
    /// </summary>
    internal static byte RoundScale(float scale)
    {
        if (!(scale > 0))
            return 0;
        int bits = BitConverter.SingleToInt32Bits(scale);
        int exponent = (bits >> 23) - 127 + F8E4M3Format.Bias;
        if (exponent <= 0)
            return (byte)Math.Min((int)(scale * 512 + 0.5f), 7);
        if (exponent >= 15)
            return LargestCode;
        // The carry out of the mantissa raises the exponent.
        int code = (exponent << 3 | bits >> 20 & 7) + (bits >> 19 & 1);
        return (byte)(code >= 15 << 3 ? LargestCode : code);
    }
}
