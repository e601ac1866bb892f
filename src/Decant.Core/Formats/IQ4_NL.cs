using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>
/// 32 codes of 4 bits on an uneven grid with one half-precision scale: <c>x = d·level[q]</c>. The scale is searched for; the codes
/// are then taken again with the unrounded result. Layout: d, 16 bytes of nibbles.
/// </summary>
public sealed class IQ4_NLFormat : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "IQ4_NL";

    /// <inheritdoc/>
    public override int? GgmlType => 20;

    /// <inheritdoc/>
    public override int BlockLength => 32;

    /// <inheritdoc/>
    public override int BlockByteCount => 18;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        Span<byte> codes = stackalloc byte[32];
        CodePlanes.UnpackNibbles(block[2..], codes);
        for (int i = 0; i < values.Length; i++)
            values[i] = d * FourBitTable.Levels[codes[i]];
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<float> weights = stackalloc float[32];
        FourBitTable.Weigh(values, importance, SumOfSquares(values) * (2f / 32), weights);
        float d = FourBitTable.FindScale(values, weights);
        HalfScale.Write(block, d, Name);
        float inverse = d != 0 ? 1 / d : 0;
        Span<byte> codes = stackalloc byte[32];
        for (int i = 0; i < values.Length; i++)
            codes[i] = (byte)FourBitTable.Nearest(inverse * values[i]);
        CodePlanes.PackNibbles(codes, block[2..]);
    }
}
