using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>
/// 256 codes of 4 bits; each run of 32 has its own 6-bit scale and minimum (see <see cref="ScaleMinBlock"/>):
/// <c>x = d·s·q - dmin·m</c>. Layout: header (16 bytes), then per 64 elements 32 bytes of nibbles.
/// </summary>
public sealed class Q4_KFormat : BlockFormat
{
    private static readonly AsymmetricSearch search = new(15, -1f, 0.1f, 20, false);

    /// <inheritdoc/>
    public override string Name => "Q4_K";

    /// <inheritdoc/>
    public override int? GgmlType => 12;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 144;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<byte> codes = stackalloc byte[256];
        CodePlanes.UnpackNibbleRuns(block[ScaleMinBlock.HeaderByteCount..], codes);
        ScaleMinBlock.Decode(block, codes, values);
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[256];
        ScaleMinBlock.Encode(values, importance, search, Name, block, codes);
        CodePlanes.PackNibbleRuns(codes, block[ScaleMinBlock.HeaderByteCount..]);
    }
}
