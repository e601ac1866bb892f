namespace Decant.Core.Formats;

/// <summary>
/// 32 codes of 4 bits with half-precision scale and minimum: <c>x = q·d + m</c>. With importance weights both are searched for.
/// Layout: d, m, 16 bytes of nibbles.
/// </summary>
public sealed class Q4_1Format : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "Q4_1";

    /// <inheritdoc/>
    public override int? GgmlType => 3;

    /// <inheritdoc/>
    public override int BlockLength => 32;

    /// <inheritdoc/>
    public override int BlockByteCount => 20;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override bool WeighsByRow => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block), m = HalfScale.Read(block[2..]);
        Span<byte> codes = stackalloc byte[32];
        CodePlanes.UnpackNibbles(block[4..], codes);
        for (int i = 0; i < values.Length; i++)
            values[i] = codes[i] * d + m;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[32];
        (float d, float m) = MinimumAndScale.Encode(values, importance, rowMeanSquare, 15, codes);
        HalfScale.Write(block, d, Name);
        HalfScale.Write(block[2..], m, Name);
        CodePlanes.PackNibbles(codes, block[4..]);
    }
}
