namespace Decant.Core.Formats;

/// <summary>
/// 32 codes of 4 bits with one half-precision scale: <c>x = (q - 8)·d</c>. The element of largest magnitude maps to code 0, so d has
/// the opposite sign. With importance weights the scale is searched for. Layout: d, 16 bytes of nibbles.
/// </summary>
public sealed class Q4_0Format : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "Q4_0";

    /// <inheritdoc/>
    public override int? GgmlType => 2;

    /// <inheritdoc/>
    public override int BlockLength => 32;

    /// <inheritdoc/>
    public override int BlockByteCount => 18;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override bool WeighsByRow => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        Span<byte> codes = stackalloc byte[32];
        CodePlanes.UnpackNibbles(block[2..], codes);
        for (int i = 0; i < values.Length; i++)
            values[i] = (codes[i] - 8) * d;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[32];
        float d = SymmetricScale.Encode(values, importance, rowMeanSquare, 8, codes);
        HalfScale.Write(block, d, Name);
        CodePlanes.PackNibbles(codes, block[2..]);
    }
}
