using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>
/// 256 codes of 5 bits; each run of 32 has its own 6-bit scale and minimum (see <see cref="ScaleMinBlock"/>):
/// <c>x = d·s·q - dmin·m</c>. Layout: header (16 bytes), fifth bits (32 bytes), then per 64 elements 32 bytes of nibbles.
/// </summary>
public sealed class Q5_KFormat : BlockFormat
{
    private const int FifthBits = ScaleMinBlock.HeaderByteCount, Nibbles = FifthBits + 32;
    private static readonly AsymmetricSearch search = new(31, -0.5f, 0.1f, 15, false);

    /// <inheritdoc/>
    public override string Name => "Q5_K";

    /// <inheritdoc/>
    public override int? GgmlType => 13;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 176;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<byte> codes = stackalloc byte[256];
        CodePlanes.UnpackNibbleRuns(block[Nibbles..], codes);
        CodePlanes.UnpackBits(block[FifthBits..Nibbles], 4, codes);
        ScaleMinBlock.Decode(block, codes, values);
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[256];
        ScaleMinBlock.Encode(values, importance, search, Name, block, codes);
        CodePlanes.PackBits(codes, 4, block[FifthBits..Nibbles]);
        CodePlanes.PackNibbleRuns(codes, block[Nibbles..]);
    }
}
