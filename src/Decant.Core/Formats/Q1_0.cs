namespace Decant.Core.Formats;

/// <summary>
/// 128 signs with one half-precision scale, the mean magnitude: <c>x = ±d</c>, bit 1 for plus. Layout: d, 16 bytes of bits, lowest first.
/// </summary>
public sealed class Q1_0Format : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "Q1_0";

    /// <inheritdoc/>
    public override int? GgmlType => 41;

    /// <inheritdoc/>
    public override int BlockLength => 128;

    /// <inheritdoc/>
    public override int BlockByteCount => 18;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int i = 0; i < values.Length; i++)
            values[i] = (block[2 + i / 8] >> i % 8 & 1) != 0 ? d : -d;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        float sum = 0;
        foreach (float value in values)
            sum += MathF.Abs(value);
        HalfScale.Write(block, sum / values.Length, Name);
        block[2..].Clear();
        for (int i = 0; i < values.Length; i++)
        {
            // Both zeros count as plus.
            if (values[i] >= 0)
                block[2 + i / 8] |= (byte)(1 << i % 8);
        }
    }
}
