namespace Decant.Core.Formats.Search;

/// <summary>
/// Finds scale a and offset c ≤ 0 of an asymmetric grid <c>x ≈ a·l + c</c>, l in [0, maxCode]. It starts from the grid spanned by
/// smallest and largest element, then tries somewhat finer and coarser ones: each candidate's codes give, by weighted least
/// squares, the a and c that fit them best, and the pair is adopted if the weighted error falls. Candidates are laid out from the
/// best offset found so far, not from the initial one. (quantization.md §17, make_qkx2 and make_qkx3.)
/// Sums run in order in single precision; that order is part of the definition.
/// </summary>
/// <param name="MaxCode">3, 15 or 31.</param>
/// <param name="First">The first candidate has MaxCode + First steps between the extremes.</param>
/// <param name="Step">Each later candidate has this many steps more.</param>
/// <param name="StepCount">Number of candidates less one.</param>
/// <param name="Absolute">True to minimise the absolute error, false for the squared error.</param>
internal readonly record struct AsymmetricSearch(int MaxCode, float First, float Step, int StepCount, bool Absolute)
{
    /// <summary>The search of every path with importance weights.</summary>
    public static AsymmetricSearch Weighted(int maxCode) => new(maxCode, -0.9f, 0.05f, 36, false);

    /// <summary>Returns a; writes the codes and the negated offset (≥ 0, which is how blocks store it).</summary>
    /// <param name="values">At most 32 elements.</param>
    /// <param name="weights">One per element.</param>
    /// <param name="codes">One per element.</param>
    /// <param name="negatedOffset">-c.</param>
    public float Run(ReadOnlySpan<float> values, ReadOnlySpan<float> weights, Span<byte> codes, out float negatedOffset)
    {
        float min = values[0], max = values[0], sumW = weights[0], sumX = sumW * values[0];
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] < min)
                min = values[i];
            if (values[i] > max)
                max = values[i];
            sumW += weights[i];
            sumX += weights[i] * values[i];
        }
        if (min > 0)
            min = 0;
        if (max <= min)
        {
            codes.Clear();
            negatedOffset = -min;
            return 0;
        }

        float inverse = MaxCode / (max - min);
        float scale = 1 / inverse;
        WriteCodes(values, inverse, min, codes);
        float best = Error(values, weights, codes, scale, min);
        Span<byte> trial = stackalloc byte[values.Length];
        for (int step = 0; step <= StepCount; step++)
        {
            inverse = (First + Step * step + MaxCode) / (max - min);
            WriteCodes(values, inverse, min, trial);
            float sumL = 0, sumLL = 0, sumLX = 0;
            for (int i = 0; i < values.Length; i++)
            {
                float w = weights[i];
                int l = trial[i];
                sumL += w * l;
                sumLL += w * l * l;
                sumLX += w * l * values[i];
            }
            float determinant = sumW * sumLL - sumL * sumL;
            if (!(determinant > 0))
                continue;
            float trialScale = (sumW * sumLX - sumX * sumL) / determinant;
            float trialMin = (sumLL * sumX - sumL * sumLX) / determinant;
            if (trialMin > 0)
            {
                trialMin = 0;
                trialScale = sumLX / sumLL;
            }
            float error = Error(values, weights, trial, trialScale, trialMin);
            if (error < best)
            {
                trial.CopyTo(codes);
                best = error;
                scale = trialScale;
                min = trialMin;
            }
        }
        negatedOffset = -min;
        return scale;
    }

    private void WriteCodes(ReadOnlySpan<float> values, float inverse, float min, Span<byte> codes)
    {
        for (int i = 0; i < values.Length; i++)
            codes[i] = (byte)Rounding.Nearest(inverse * (values[i] - min), 0, MaxCode);
    }

    private float Error(ReadOnlySpan<float> values, ReadOnlySpan<float> weights, ReadOnlySpan<byte> codes, float scale, float min)
    {
        float sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            float difference = scale * codes[i] + min - values[i];
            difference = Absolute ? MathF.Abs(difference) : difference * difference;
            sum += weights[i] * difference;
        }
        return sum;
    }
}
