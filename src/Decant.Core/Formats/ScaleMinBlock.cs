using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>
/// What Q4_K and Q5_K share: 256 elements in 8 sub-blocks of 32, each with a 6-bit scale s and a 6-bit minimum m on top of two
/// half-precision numbers: <c>x = d·s·q - dmin·m</c>. Header: d, dmin, 12 bytes that pack the 16 six-bit numbers.
/// </summary>
internal static class ScaleMinBlock
{
    public const int HeaderByteCount = 16;
    private const int SubBlockCount = 8, SubBlockLength = 32, LargestScale = 63;

    /// <summary>Finds scales, minima and codes; writes the header and one code per element.</summary>
    /// <param name="values">256 elements.</param>
    /// <param name="importance">Empty or one per element.</param>
    /// <param name="plain">The search used without importance weights; its MaxCode holds for both.</param>
    /// <param name="format">Name for error messages.</param>
    /// <param name="header">16 bytes.</param>
    /// <param name="codes">256 codes.</param>
    public static void Encode(
        ReadOnlySpan<float> values, ReadOnlySpan<float> importance, AsymmetricSearch plain, string format, Span<byte> header, Span<byte> codes)
    {
        bool weighted = !importance.IsEmpty;
        AsymmetricSearch search = weighted ? AsymmetricSearch.Weighted(plain.MaxCode) : plain;
        float meanSquare = weighted ? 2 * BlockFormat.SumOfSquares(values) / values.Length : 0;
        Span<float> scales = stackalloc float[SubBlockCount], minima = stackalloc float[SubBlockCount], sums = stackalloc float[SubBlockCount];
        Span<float> weights = stackalloc float[SubBlockLength];
        for (int sub = 0; sub < SubBlockCount; sub++)
        {
            ReadOnlySpan<float> part = values.Slice(SubBlockLength * sub, SubBlockLength);
            if (weighted)
                BlockFormat.WeighElements(part, importance.Slice(SubBlockLength * sub, SubBlockLength), meanSquare, weights);
            else
                WeighByMagnitude(part, weights);
            foreach (float weight in weights)
                sums[sub] += weight;
            scales[sub] = search.Run(part, weights, codes.Slice(SubBlockLength * sub, SubBlockLength), out minima[sub]);
        }

        Span<byte> scaleCodes = stackalloc byte[SubBlockCount], minimumCodes = stackalloc byte[SubBlockCount];
        float d = weighted ? DescentSearch.Positive(scales, sums, LargestScale, scaleCodes) : RoundToLargest(scales, scaleCodes);
        float dmin = weighted ? DescentSearch.Positive(minima, sums, LargestScale, minimumCodes) : RoundToLargest(minima, minimumCodes);
        d = HalfScale.Write(header, d, format);
        dmin = HalfScale.Write(header[2..], dmin, format);
        PackScales(scaleCodes, minimumCodes, header[4..]);
        // Back out of the six bits: a scale that came out negative under extreme weights does not survive packing.
        UnpackScales(header[4..], scaleCodes, minimumCodes);
        RoundOntoStored(values, scaleCodes, minimumCodes, d, dmin, plain.MaxCode, codes);
    }

    /// <summary>Decodes <c>d·s·q - dmin·m</c> for 256 codes.</summary>
    public static void Decode(ReadOnlySpan<byte> header, ReadOnlySpan<byte> codes, Span<float> values)
    {
        float d = HalfScale.Read(header), dmin = HalfScale.Read(header[2..]);
        Span<byte> scaleCodes = stackalloc byte[SubBlockCount], minimumCodes = stackalloc byte[SubBlockCount];
        UnpackScales(header[4..], scaleCodes, minimumCodes);
        for (int i = 0; i < values.Length; i++)
        {
            int sub = i / SubBlockLength;
            float scale = d * scaleCodes[sub], offset = dmin * minimumCodes[sub];
            values[i] = scale * codes[i] - offset;
        }
    }

    private static void WeighByMagnitude(ReadOnlySpan<float> part, Span<float> weights)
    {
        float level = MathF.Sqrt(BlockFormat.SumOfSquares(part) / part.Length);
        for (int i = 0; i < part.Length; i++)
            weights[i] = level + MathF.Abs(part[i]);
    }

    /// <summary>Codes that map the largest value to 63; returns the step.</summary>
    private static float RoundToLargest(ReadOnlySpan<float> values, Span<byte> codes)
    {
        float max = 0;
        foreach (float value in values)
        {
            if (value > max)
                max = value;
        }
        float inverse = max > 0 ? LargestScale / max : 0;
        for (int i = 0; i < values.Length; i++)
            codes[i] = Math.Min((byte)LargestScale, (byte)Rounding.Nearest(inverse * values[i]));
        return max / LargestScale;
    }

    /// <summary>Takes the codes again on the grid as it is stored; a sub-block whose stored scale is 0 keeps those of the search.</summary>
    private static void RoundOntoStored(
        ReadOnlySpan<float> values, ReadOnlySpan<byte> scales, ReadOnlySpan<byte> minima, float d, float dmin, int maxCode, Span<byte> codes)
    {
        for (int sub = 0; sub < SubBlockCount; sub++)
        {
            float scale = d * scales[sub];
            if (scale == 0)
                continue;
            float offset = dmin * minima[sub];
            for (int i = SubBlockLength * sub; i < SubBlockLength * (sub + 1); i++)
                codes[i] = (byte)Rounding.Nearest((values[i] + offset) / scale, 0, maxCode);
        }
    }

    /// <summary>
    /// Bytes 0–3 hold scales 0–3 and bytes 4–7 minima 0–3 in their low six bits; bytes 8–11 the low nibbles of scales and minima
    /// 4–7, whose upper two bits sit on top of bytes 0–3 and 4–7.
    /// </summary>
    private static void PackScales(ReadOnlySpan<byte> scales, ReadOnlySpan<byte> minima, Span<byte> packed)
    {
        for (int j = 0; j < 4; j++)
        {
            packed[j] = (byte)(scales[j] | scales[j + 4] >> 4 << 6);
            packed[j + 4] = (byte)(minima[j] | minima[j + 4] >> 4 << 6);
            packed[j + 8] = (byte)(scales[j + 4] & 15 | (minima[j + 4] & 15) << 4);
        }
    }

    private static void UnpackScales(ReadOnlySpan<byte> packed, Span<byte> scales, Span<byte> minima)
    {
        for (int j = 0; j < 4; j++)
        {
            scales[j] = (byte)(packed[j] & 63);
            minima[j] = (byte)(packed[j + 4] & 63);
            scales[j + 4] = (byte)(packed[j + 8] & 15 | packed[j] >> 6 << 4);
            minima[j + 4] = (byte)(packed[j + 8] >> 4 | packed[j + 4] >> 6 << 4);
        }
    }
}
