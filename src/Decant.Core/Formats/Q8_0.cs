namespace Decant.Core.Formats;

/// <summary>
/// 32 signed 8-bit codes with one half-precision scale: <c>x = q·d</c>, d = largest magnitude / 127, codes rounded half away from
/// zero by the unrounded 1/d. Layout: d, codes[32].
/// </summary>
public sealed class Q8_0Format : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "Q8_0";

    /// <inheritdoc/>
    public override int? GgmlType => 8;

    /// <inheritdoc/>
    public override int BlockLength => 32;

    /// <inheritdoc/>
    public override int BlockByteCount => 34;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int i = 0; i < values.Length; i++)
            values[i] = (sbyte)block[2 + i] * d;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        float d = MathF.Abs(SignedMaximum(values)) / 127;
        float inverse = d != 0 ? 1 / d : 0;
        HalfScale.Write(block, d, Name);
        for (int i = 0; i < values.Length; i++)
            block[2 + i] = (byte)Rounding.HalfAway(values[i] * inverse);
    }
}
