namespace Decant.Core.Formats.Search;

/// <summary>
/// Coordinate descent on codes: with A = Σ w·x·l and B = Σ w·l² (see <see cref="SymmetricSearch"/>), each element in turn is taken
/// out of the sums, given the code nearest to its value on the grid the others agree on (scale A/B), and the change is kept if
/// A²/B grows. At most five sweeps; a sweep without a change ends it. (quantization.md §17, make_q3 and make_qp.)
/// Sums run in order in single precision; that order is part of the definition.
/// </summary>
internal static class DescentSearch
{
    private const int SweepCount = 5;

    /// <summary>
    /// Symmetric codes [-maxCode, maxCode - 1] with weights x², starting from the grid that maps the largest element to -maxCode.
    /// Returns the scale and writes codes shifted by <paramref name="maxCode"/>.
    /// </summary>
    /// <param name="values">At most 32 elements.</param>
    /// <param name="maxCode">Half the number of codes.</param>
    /// <param name="codes">One per element.</param>
    public static float Symmetric(ReadOnlySpan<float> values, int maxCode, Span<byte> codes)
    {
        float max = BlockFormat.SignedMaximum(values);
        if (MathF.Abs(max) < SymmetricSearch.SmallestMagnitude)
        {
            codes.Clear();
            return 0;
        }
        Span<int> l = stackalloc int[values.Length];
        float inverse = -maxCode / max;
        float a = 0, b = 0;
        for (int i = 0; i < values.Length; i++)
        {
            float x = values[i], w = x * x;
            l[i] = Rounding.Nearest(inverse * x, -maxCode, maxCode - 1);
            a += w * x * l[i];
            b += w * l[i] * l[i];
        }
        for (int sweep = 0; sweep < SweepCount; sweep++)
        {
            bool changed = false;
            for (int i = 0; i < values.Length; i++)
            {
                float x = values[i], w = x * x;
                float trialA = a - w * x * l[i];
                if (!(trialA > 0))
                    continue;
                float trialB = b - w * l[i] * l[i];
                int code = Rounding.Nearest(x * trialB / trialA, -maxCode, maxCode - 1);
                if (code == l[i])
                    continue;
                trialA += w * x * code;
                trialB += w * code * code;
                if (trialB > 0 && trialA * trialA * b > a * a * trialB)
                {
                    l[i] = code;
                    a = trialA;
                    b = trialB;
                    changed = true;
                }
            }
            if (!changed)
                break;
        }
        for (int i = 0; i < values.Length; i++)
            codes[i] = (byte)(l[i] + maxCode);
        return b > 0 ? a / b : 0;
    }

    /// <summary>
    /// Codes [0, maxCode] of non-negative values (the scales or minima of sub-blocks), starting from the best by weighted squared
    /// error of nine grids around the one that maps the largest value to <paramref name="maxCode"/>. Returns the scale.
    /// </summary>
    /// <param name="values">8 or 16 values.</param>
    /// <param name="weights">One per value.</param>
    /// <param name="maxCode">15 or 63.</param>
    /// <param name="codes">One per value.</param>
    public static float Positive(ReadOnlySpan<float> values, ReadOnlySpan<float> weights, int maxCode, Span<byte> codes)
    {
        float max = 0;
        foreach (float value in values)
            max = Math.Max(max, value);
        if (max < SymmetricSearch.SmallestMagnitude)
        {
            codes.Clear();
            return 0;
        }
        float inverse = maxCode / max;
        float best = FirstGridError(values, weights, inverse);
        for (int step = -4; step <= 4; step++)
        {
            if (step == 0)
                continue;
            float trial = (0.1f * step + maxCode) / max;
            float error = GridError(values, weights, maxCode, trial);
            if (error < best)
            {
                best = error;
                inverse = trial;
            }
        }
        float a = 0, b = 0;
        for (int i = 0; i < values.Length; i++)
        {
            int l = Math.Min(maxCode, Rounding.Nearest(inverse * values[i]));
            codes[i] = (byte)l;
            a += weights[i] * values[i] * l;
            b += weights[i] * l * l;
        }
        for (int sweep = 0; sweep < SweepCount; sweep++)
        {
            bool changed = false;
            for (int i = 0; i < values.Length; i++)
            {
                float x = values[i], w = weights[i];
                float trialA = a - w * x * codes[i];
                float trialB = b - w * codes[i] * codes[i];
                if (!(trialA > 0 && trialB > 0))
                    continue;
                int code = Math.Min(maxCode, Rounding.Nearest(x * trialB / trialA));
                if (code == codes[i])
                    continue;
                trialA += w * x * code;
                trialB += w * code * code;
                if (trialA * trialA * b > a * a * trialB)
                {
                    codes[i] = (byte)code;
                    a = trialA;
                    b = trialB;
                    changed = true;
                }
            }
            if (!changed)
                break;
        }
        return b > 0 ? a / b : 0;
    }

    /// <summary>
    /// The error of the grid the search starts from. The reference keeps these codes in bytes: a negative value, which a search of
    /// scales can return under extreme weights, wraps around.
    /// </summary>
    private static float FirstGridError(ReadOnlySpan<float> values, ReadOnlySpan<float> weights, float inverse)
    {
        float scale = 1 / inverse, sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            float difference = values[i] - scale * (byte)Rounding.Nearest(inverse * values[i]);
            sum += weights[i] * difference * difference;
        }
        return sum;
    }

    private static float GridError(ReadOnlySpan<float> values, ReadOnlySpan<float> weights, int maxCode, float inverse)
    {
        float scale = 1 / inverse, sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            int l = Math.Min(maxCode, Rounding.Nearest(inverse * values[i]));
            float difference = values[i] - scale * l;
            sum += weights[i] * difference * difference;
        }
        return sum;
    }
}
