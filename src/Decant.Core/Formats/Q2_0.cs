namespace Decant.Core.Formats;

/// <summary>
/// 64 codes of 2 bits with one half-precision scale, the largest magnitude: <c>x = (q - 1)·d</c>. Encoding uses -1, 0 and 1; code 3, twice
/// the scale, is for models trained in this format. Layout: d, 16 bytes of four consecutive codes, lowest bits first.
/// </summary>
public sealed class Q2_0Format : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "Q2_0";

    /// <inheritdoc/>
    public override int? GgmlType => 42;

    /// <inheritdoc/>
    public override int BlockLength => 64;

    /// <inheritdoc/>
    public override int BlockByteCount => 18;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int i = 0; i < values.Length; i++)
            values[i] = ((block[2 + i / 4] >> i % 4 * 2 & 3) - 1) * d;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        float d = MathF.Abs(SignedMaximum(values));
        float inverse = d > 0 ? 1 / d : 0;
        HalfScale.Write(block, d, Name);
        block[2..].Clear();
        for (int i = 0; i < values.Length; i++)
        {
            // 1/d of a denormal block is infinite and gives no integer; the reference then stores 0, minus the scale.
            int code = Math.Clamp(unchecked(Rounding.HalfAway(values[i] * inverse) + 1), 0, 3);
            block[2 + i / 4] |= (byte)(code << i % 4 * 2);
        }
    }
}
