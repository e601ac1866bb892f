namespace Decant.Core.Formats;

/// <summary>
/// 8-bit floats with 5 exponent and 2 mantissa bits, bias 15, with infinities and NaN as IEEE has them: the upper byte of a half
/// (OCP E5M2, torch.float8_e5m2). Encoding rounds half to even. From 61440 on torch gives infinity;
/// a finite row is not made infinite here but refused.
/// </summary>
public sealed class F8E5M2Format : TensorFormat
{
    private const int MantissaBits = 2;
    private const int Bias = 15;
    private const int InfinityCode = 0x7C;
    private const int NaNCode = 0x7F;

    /// <inheritdoc/>
    public override string Name => "F8_E5M2";

    /// <inheritdoc/>
    public override string? SafetensorsType => "F8_E5M2";

    /// <inheritdoc/>
    public override int BlockByteCount => 1;

    /// <summary>The value of a code.</summary>
    public static float Decode(byte code) => (float)BitConverter.UInt16BitsToHalf((ushort)(code << 8));

    /// <summary>The code of a value; from 61440 on infinity.</summary>
    public static byte Encode(float value)
    {
        int sign = float.IsNegative(value) ? 0x80 : 0;
        float magnitude = MathF.Abs(value);
        int code = float.IsNaN(value) ? NaNCode
            : magnitude >= 65536 ? InfinityCode
            : Math.Min(SmallFloat.Round(magnitude, MantissaBits, Bias), InfinityCode);
        return (byte)(sign | code);
    }

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = Decode(source[i]);
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = Encode(source[i]);
            if ((destination[i] & 0x7F) == InfinityCode && float.IsFinite(source[i]))
                throw new OverflowException($"{Name}: {source[i]:G6} is too large (the largest value is 57344).");
        }
    }
}
