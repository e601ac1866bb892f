using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>Scale, minimum and codes of a block of Q4_1 or Q5_1: <c>x ≈ q·d + m</c>.</summary>
internal static class MinimumAndScale
{
    /// <summary>
    /// Without importance the grid spans smallest to largest element and the codes are rounded by the unrounded 1/d; with it, scale,
    /// minimum and codes are those of the search.
    /// </summary>
    /// <returns>d and m, unrounded.</returns>
    public static (float Scale, float Minimum) Encode(
        ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, int maxCode, Span<byte> codes)
    {
        if (!importance.IsEmpty)
        {
            Span<float> weights = stackalloc float[values.Length];
            BlockFormat.WeighElements(values, importance, rowMeanSquare, weights);
            float scale = AsymmetricSearch.Weighted(maxCode).Run(values, weights, codes, out float negatedMinimum);
            return (scale, -negatedMinimum);
        }
        float min = float.MaxValue, max = float.MinValue;
        foreach (float value in values)
        {
            if (value < min)
                min = value;
            if (value > max)
                max = value;
        }
        float d = (max - min) / maxCode;
        float inverse = d != 0 ? 1 / d : 0;
        for (int i = 0; i < values.Length; i++)
            codes[i] = (byte)Math.Min(maxCode, (int)(sbyte)Rounding.Truncate((values[i] - min) * inverse + 0.5f));
        return (d, min);
    }
}
