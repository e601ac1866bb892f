namespace Decant.Core.Formats;

/// <summary>
/// 8-bit floats with 4 exponent and 3 mantissa bits, bias 7, no infinities, NaN only 0x7F and 0xFF (OCP E4M3, torch.float8_e4m3fn).
/// Encoding clamps to ±448, the largest value, then rounds half to even; NaN stays NaN.
/// </summary>
public sealed class F8E4M3Format : TensorFormat
{
    /// <summary>The largest value.</summary>
    public const float Maximum = 448;

    internal const int MantissaBits = 3;
    internal const int Bias = 7;
    private const int NaNCode = 0x7F;

    private static readonly float[] values = CreateValues();

    /// <inheritdoc/>
    public override string Name => "F8_E4M3";

    /// <inheritdoc/>
    public override string? SafetensorsType => "F8_E4M3";

    /// <inheritdoc/>
    public override int BlockByteCount => 1;

    /// <summary>The value of a code.</summary>
    public static float Decode(byte code) => values[code];

    /// <summary>The code of a value.</summary>
    public static byte Encode(float value)
    {
        int sign = float.IsNegative(value) ? 0x80 : 0;
        int code = float.IsNaN(value) ? NaNCode : SmallFloat.Round(MathF.Min(MathF.Abs(value), Maximum), MantissaBits, Bias);
        return (byte)(sign | code);
    }

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = values[source[i]];
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
            destination[i] = Encode(source[i]);
    }

    private static float[] CreateValues()
    {
        float[] table = new float[256];
        for (int code = 0; code < 128; code++)
        {
            table[code] = code == NaNCode ? float.NaN : SmallFloat.Magnitude(code, MantissaBits, Bias);
            table[code | 0x80] = -table[code];
        }
        return table;
    }
}
