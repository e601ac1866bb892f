namespace Decant.Core.Formats;

/// <summary>
/// 32 codes of 5 bits with half-precision scale and minimum: <c>x = q·d + m</c>. With importance weights both are searched for.
/// Layout: d, m, 32 fifth bits (bit i belongs to element i), 16 bytes of nibbles.
/// </summary>
public sealed class Q5_1Format : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "Q5_1";

    /// <inheritdoc/>
    public override int? GgmlType => 7;

    /// <inheritdoc/>
    public override int BlockLength => 32;

    /// <inheritdoc/>
    public override int BlockByteCount => 24;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override bool WeighsByRow => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block), m = HalfScale.Read(block[2..]);
        Span<byte> codes = stackalloc byte[32];
        CodePlanes.UnpackFiveBits(block[4..], codes);
        for (int i = 0; i < values.Length; i++)
            values[i] = codes[i] * d + m;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[32];
        (float d, float m) = MinimumAndScale.Encode(values, importance, rowMeanSquare, 31, codes);
        HalfScale.Write(block, d, Name);
        HalfScale.Write(block[2..], m, Name);
        CodePlanes.PackFiveBits(codes, block[4..]);
    }
}
