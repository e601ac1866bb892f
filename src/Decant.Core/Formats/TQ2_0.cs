namespace Decant.Core.Formats;

/// <summary>
/// 256 ternary values of 2 bits with one half-precision scale: <c>x = (q - 1)·d</c>, d = largest magnitude. Layout: 64 bytes of codes, d.
/// </summary>
public sealed class TQ2_0Format : BlockFormat
{
    private const int Scale = 64;

    /// <inheritdoc/>
    public override string Name => "TQ2_0";

    /// <inheritdoc/>
    public override int? GgmlType => 35;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 66;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block[Scale..]);
        Span<byte> codes = stackalloc byte[256];
        CodePlanes.UnpackPairs(block[..Scale], codes);
        for (int i = 0; i < values.Length; i++)
            values[i] = (codes[i] - 1) * d;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[256];
        HalfScale.Write(block[Scale..], RoundToTernary(values, codes), Name);
        CodePlanes.PackPairs(codes, block[..Scale]);
    }

    /// <summary>Codes 0, 1, 2 for -d, 0, d, rounded half away from zero; returns d.</summary>
    internal static float RoundToTernary(ReadOnlySpan<float> values, Span<byte> codes)
    {
        float d = MathF.Abs(SignedMaximum(values));
        float inverse = d != 0 ? 1 / d : 0;
        for (int i = 0; i < values.Length; i++)
        {
            // 1/d of a denormal block is infinite and gives no integer; the reference then stores 1, a zero.
            int rounded = Rounding.HalfAway(values[i] * inverse);
            codes[i] = rounded == int.MinValue ? (byte)1 : (byte)(rounded + 1);
        }
        return d;
    }
}
