namespace Decant.Core.Formats.Search;

/// <summary>
/// Finds the scale of a symmetric grid <c>x ≈ scale·l</c>, l in [-maxCode, maxCode - 1], by trying grids somewhat finer and coarser
/// than the one that maps the largest element to -maxCode. For fixed codes l the best scale is A/B with A = Σ w·x·l, B = Σ w·l²,
/// and it removes A²/B from the weighted squared error, so the candidate with the largest A²/B wins. The codes returned are those
/// of the winning candidate grid; they are not computed again with A/B. (quantization.md §17, make_qx.)
/// Sums run in order in single precision; that order is part of the definition.
/// </summary>
internal static class SymmetricSearch
{
    /// <summary>Blocks whose largest magnitude is below this are stored as zeros.</summary>
    public const float SmallestMagnitude = 1e-15f;

    /// <summary>Returns the scale and writes codes shifted by <paramref name="maxCode"/>, hence 0 … 2·maxCode - 1.</summary>
    /// <param name="values">The elements.</param>
    /// <param name="weights">One weight per element, or empty for w = x².</param>
    /// <param name="maxCode">4, 8, 16 or 32.</param>
    /// <param name="codes">One per element.</param>
    public static float Run(ReadOnlySpan<float> values, ReadOnlySpan<float> weights, int maxCode, Span<byte> codes)
    {
        float max = BlockFormat.SignedMaximum(values);
        if (MathF.Abs(max) < SmallestMagnitude)
        {
            codes.Clear();
            return 0;
        }
        float inverse = -maxCode / max;
        (float a, float b) = Sums(values, weights, maxCode, inverse);
        WriteCodes(values, maxCode, inverse, codes);
        float scale = b != 0 ? a / b : 0;
        float best = scale * a;
        for (int step = -9; step <= 9; step++)
        {
            if (step == 0)
                continue;
            inverse = -(maxCode + 0.1f * step) / max;
            (a, b) = Sums(values, weights, maxCode, inverse);
            if (b > 0 && a * a > best * b)
            {
                WriteCodes(values, maxCode, inverse, codes);
                scale = a / b;
                best = scale * a;
            }
        }
        return scale;
    }

    private static (float A, float B) Sums(ReadOnlySpan<float> values, ReadOnlySpan<float> weights, int maxCode, float inverse)
    {
        float a = 0, b = 0;
        for (int i = 0; i < values.Length; i++)
        {
            float x = values[i];
            float w = weights.IsEmpty ? x * x : weights[i];
            int l = Rounding.Nearest(inverse * x, -maxCode, maxCode - 1);
            a += w * x * l;
            b += w * l * l;
        }
        return (a, b);
    }

    private static void WriteCodes(ReadOnlySpan<float> values, int maxCode, float inverse, Span<byte> codes)
    {
        for (int i = 0; i < values.Length; i++)
            codes[i] = (byte)(maxCode + Rounding.Nearest(inverse * values[i], -maxCode, maxCode - 1));
    }
}
