using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>
/// 256 codes of 3 bits; each run of 16 has a signed 6-bit scale s (stored + 32) on top of one half-precision number:
/// <c>x = d·(s - 32)·(q - 4)</c>. Layout: third bits (32 bytes), lower two bits (64 bytes), 12 bytes of scales, d.
/// </summary>
public sealed class Q3_KFormat : BlockFormat
{
    private const int RunCount = 16, Run = 16, Zero = 4, ScaleZero = 32;
    private const int Low = 32, Scales = Low + 64, Scale = Scales + 12;

    /// <inheritdoc/>
    public override string Name => "Q3_K";

    /// <inheritdoc/>
    public override int? GgmlType => 11;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 110;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block[Scale..]);
        Span<byte> codes = stackalloc byte[256], scales = stackalloc byte[RunCount];
        CodePlanes.UnpackPairs(block[Low..Scales], codes);
        CodePlanes.UnpackBits(block[..Low], 2, codes);
        UnpackScales(block[Scales..Scale], scales);
        for (int i = 0; i < values.Length; i++)
        {
            float scale = d * (scales[i / Run] - ScaleZero);
            values[i] = scale * (codes[i] - Zero);
        }
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        bool weighted = !importance.IsEmpty;
        float meanSquare = weighted ? 2 * SumOfSquares(values) / values.Length : 0;
        Span<float> scales = stackalloc float[RunCount], sums = stackalloc float[RunCount], weights = stackalloc float[Run];
        Span<byte> codes = stackalloc byte[256], scaleCodes = stackalloc byte[RunCount];
        for (int run = 0; run < RunCount; run++)
        {
            ReadOnlySpan<float> part = values.Slice(Run * run, Run);
            Span<byte> partCodes = codes.Slice(Run * run, Run);
            if (weighted)
            {
                WeighElements(part, importance.Slice(Run * run, Run), meanSquare, weights);
                foreach (float weight in weights)
                    sums[run] += weight;
                scales[run] = SymmetricSearch.Run(part, weights, Zero, partCodes);
            }
            else
            {
                scales[run] = DescentSearch.Symmetric(part, Zero, partCodes);
            }
        }

        float d = weighted ? SymmetricSearch.Run(scales, sums, ScaleZero, scaleCodes) : RoundToLargest(scales, scaleCodes);
        d = HalfScale.Write(block[Scale..], d, Name);
        // When no run has a scale the reference leaves the packed bytes at zero, without the shift by 32 of its own grid.
        PackScales(scaleCodes, block[Scales..Scale]);
        for (int run = 0; run < RunCount; run++)
        {
            float scale = d * (scaleCodes[run] - ScaleZero);
            if (scale == 0)
                continue;
            for (int i = Run * run; i < Run * (run + 1); i++)
                codes[i] = (byte)(Zero + Rounding.Nearest(values[i] / scale, -Zero, Zero - 1));
        }
        CodePlanes.PackBits(codes, 2, block[..Low]);
        CodePlanes.PackPairs(codes, block[Low..Scales]);
    }

    /// <summary>Codes that map the scale of largest magnitude to -32; returns the step.</summary>
    private static float RoundToLargest(ReadOnlySpan<float> scales, Span<byte> codes)
    {
        float max = SignedMaximum(scales);
        if (max == 0)
        {
            codes.Clear();
            return 0;
        }
        float inverse = -ScaleZero / max;
        for (int i = 0; i < scales.Length; i++)
            codes[i] = (byte)(ScaleZero + Rounding.Nearest(inverse * scales[i], -ScaleZero, ScaleZero - 1));
        return 1 / inverse;
    }

    /// <summary>Low nibbles of scales 0–7 and 8–15 share bytes 0–7; byte 8 + j holds the upper two bits of scales j, j + 4, j + 8, j + 12.</summary>
    private static void PackScales(ReadOnlySpan<byte> scales, Span<byte> packed)
    {
        CodePlanes.PackNibbles(scales, packed[..8]);
        for (int j = 0; j < 4; j++)
            packed[8 + j] = (byte)(scales[j] >> 4 | scales[j + 4] >> 4 << 2 | scales[j + 8] >> 4 << 4 | scales[j + 12] >> 4 << 6);
    }

    private static void UnpackScales(ReadOnlySpan<byte> packed, Span<byte> scales)
    {
        CodePlanes.UnpackNibbles(packed[..8], scales);
        for (int j = 0; j < RunCount; j++)
            scales[j] |= (byte)((packed[8 + j % 4] >> (2 * (j / 4)) & 3) << 4);
    }
}
