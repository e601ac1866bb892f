using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>Scale and codes of a block of Q4_0 or Q5_0: <c>x ≈ (q - maxCode)·d</c>.</summary>
internal static class SymmetricScale
{
    /// <summary>
    /// Without importance the element of largest magnitude maps to code 0 and the codes are rounded by the unrounded 1/d; with it,
    /// scale and codes are those of the search.
    /// </summary>
    /// <returns>d, unrounded.</returns>
    public static float Encode(
        ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, int maxCode, Span<byte> codes)
    {
        if (!importance.IsEmpty)
        {
            Span<float> weights = stackalloc float[values.Length];
            BlockFormat.WeighElements(values, importance, rowMeanSquare, weights);
            return SymmetricSearch.Run(values, weights, maxCode, codes);
        }
        float d = BlockFormat.SignedMaximum(values) / -maxCode;
        float inverse = d != 0 ? 1 / d : 0;
        for (int i = 0; i < values.Length; i++)
            codes[i] = (byte)Math.Min(2 * maxCode - 1, (int)(sbyte)Rounding.Truncate(values[i] * inverse + (maxCode + 0.5f)));
        return d;
    }
}
