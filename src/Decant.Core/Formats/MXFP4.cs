namespace Decant.Core.Formats;

/// <summary>
/// The OCP microscaling format with 4-bit floats: 32 E2M1 numbers sharing a power of two, <c>x = v·2^(e - 128)</c> with v twice
/// the E2M1 value, so an integer. Layout: e, 16 bytes of nibbles (bit 3 is the sign).
/// </summary>
public sealed class MXFP4Format : BlockFormat
{
    /// <summary>E2M1 values, doubled. (OCP Microscaling Formats specification 1.0.)</summary>
    internal static ReadOnlySpan<sbyte> Doubled => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    /// <inheritdoc/>
    public override string Name => "MXFP4";

    /// <inheritdoc/>
    public override int? GgmlType => 39;

    /// <inheritdoc/>
    public override int BlockLength => 32;

    /// <inheritdoc/>
    public override int BlockByteCount => 17;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = HalfPowerOfTwo(block[0]);
        Span<byte> codes = stackalloc byte[32];
        CodePlanes.UnpackNibbles(block[1..], codes);
        for (int i = 0; i < values.Length; i++)
            values[i] = Doubled[codes[i]] * scale;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        float max = MathF.Abs(SignedMaximum(values));
        byte exponent = max > 0 ? (byte)(FloorLog2(max) - 2 + 127) : (byte)0;
        float scale = HalfPowerOfTwo(exponent);
        Span<byte> codes = stackalloc byte[32];
        for (int i = 0; i < values.Length; i++)
            codes[i] = Nearest(values[i], scale);
        block[0] = exponent;
        CodePlanes.PackNibbles(codes, block[1..]);
    }

    /// <summary>
    /// The floor of the logarithm after rounding to single precision, as the reference computes it: just below a power of two it
    /// already rounds up. In double precision here, so that no C library's single-precision logarithm has a say.
    /// </summary>
    internal static int FloorLog2(float value) => (int)MathF.Floor((float)Math.Log2(value));

    /// <summary>2^(e - 128); for e = 0 and 1 a denormal.</summary>
    internal static float HalfPowerOfTwo(byte e) =>
        BitConverter.UInt32BitsToSingle(e < 2 ? 0x0020_0000u << e : (uint)(e - 1) << 23);

    /// <summary>The first code with the smallest distance.</summary>
    internal static byte Nearest(float x, float scale)
    {
        int best = 0;
        float smallest = MathF.Abs(Doubled[0] * scale - x);
        for (int code = 1; code < 16; code++)
        {
            float distance = MathF.Abs(Doubled[code] * scale - x);
            if (distance < smallest)
            {
                smallest = distance;
                best = code;
            }
        }
        return (byte)best;
    }
}
