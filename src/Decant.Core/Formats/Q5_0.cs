namespace Decant.Core.Formats;

/// <summary>
/// 32 codes of 5 bits with one half-precision scale: <c>x = (q - 16)·d</c>; see <see cref="Q4_0Format"/>.
/// Layout: d, 32 fifth bits (bit i belongs to element i), 16 bytes of nibbles.
/// </summary>
public sealed class Q5_0Format : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "Q5_0";

    /// <inheritdoc/>
    public override int? GgmlType => 6;

    /// <inheritdoc/>
    public override int BlockLength => 32;

    /// <inheritdoc/>
    public override int BlockByteCount => 22;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override bool WeighsByRow => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        Span<byte> codes = stackalloc byte[32];
        CodePlanes.UnpackFiveBits(block[2..], codes);
        for (int i = 0; i < values.Length; i++)
            values[i] = (codes[i] - 16) * d;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[32];
        float d = SymmetricScale.Encode(values, importance, rowMeanSquare, 16, codes);
        HalfScale.Write(block, d, Name);
        CodePlanes.PackFiveBits(codes, block[2..]);
    }
}
