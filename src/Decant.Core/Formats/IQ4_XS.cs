using System.Buffers.Binary;
using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>
/// 256 codes of 4 bits on IQ4_NL's grid; each run of 32 has a 6-bit scale s on top of one half-precision scale:
/// <c>x = d·(s - 32)·level[q]</c>. Layout: d, upper two bits of the eight s (16 bits), lower four bits (4 bytes of nibbles),
/// 8 × 16 bytes of nibbles.
/// </summary>
public sealed class IQ4_XSFormat : BlockFormat
{
    private const int Run = 32;

    /// <inheritdoc/>
    public override string Name => "IQ4_XS";

    /// <inheritdoc/>
    public override int? GgmlType => 23;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 136;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        int high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        Span<byte> codes = stackalloc byte[Run];
        for (int run = 0; run < 8; run++)
        {
            int s = ((block[4 + run / 2] >> (4 * (run % 2))) & 15) | (((high >> (2 * run)) & 3) << 4);
            float scale = d * (s - 32);
            CodePlanes.UnpackNibbles(block.Slice(8 + 16 * run, 16), codes);
            for (int i = 0; i < Run; i++)
                values[Run * run + i] = scale * FourBitTable.Levels[codes[i]];
        }
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        float meanSquare = SumOfSquares(values) * (2f / 256);
        Span<float> weights = stackalloc float[Run];
        Span<float> scales = stackalloc float[8];
        for (int run = 0; run < 8; run++)
        {
            ReadOnlySpan<float> part = values.Slice(Run * run, Run);
            FourBitTable.Weigh(part, importance.IsEmpty ? default : importance.Slice(Run * run, Run), meanSquare, weights);
            scales[run] = FourBitTable.FindScale(part, weights);
        }

        float d = -SignedMaximum(scales) / 32;
        float inverse = d != 0 ? 1 / d : 0;
        HalfScale.Write(block, d, Name);
        block[4..8].Clear();
        int high = 0;
        Span<byte> codes = stackalloc byte[Run];
        for (int run = 0; run < 8; run++)
        {
            int s = Rounding.Nearest(inverse * scales[run], -32, 31);
            float scale = d * s;
            float inverseScale = scale != 0 ? 1 / scale : 0;
            for (int i = 0; i < Run; i++)
                codes[i] = (byte)FourBitTable.Nearest(inverseScale * values[Run * run + i]);
            CodePlanes.PackNibbles(codes, block.Slice(8 + 16 * run, 16));
            block[4 + run / 2] |= (byte)(((s + 32) & 15) << (4 * (run % 2)));
            high |= ((s + 32) >> 4) << (2 * run);
        }
        BinaryPrimitives.WriteUInt16LittleEndian(block[2..], (ushort)high);
    }
}
