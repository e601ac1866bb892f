using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Search;

/// <summary>The numbers that tell one use of the asymmetric search from another; see <c>Decant.Core.Formats.Search.AsymmetricSearch</c>.</summary>
internal interface IAsymmetricPlan
{
    /// <summary>Largest code.</summary>
    static abstract float MaxCode { get; }

    /// <summary>The first candidate has MaxCode + First steps.</summary>
    static abstract float First { get; }

    /// <summary>Each later candidate has this many steps more.</summary>
    static abstract float Step { get; }

    /// <summary>Number of candidates less one.</summary>
    static abstract int StepCount { get; }

    /// <summary>True to minimise the absolute error, false for the squared error.</summary>
    static abstract bool Absolute { get; }
}

/// <summary>
/// <c>Decant.Core.Formats.Search.AsymmetricSearch</c> on lanes. The codes of the winner are not carried along: they follow from the
/// inverse scale and the offset they were taken with, so <see cref="Code"/> computes them when they are wanted.
/// </summary>
internal readonly struct AsymmetricLanes<T>
    where T : unmanaged, ILanes<T>
{
    private readonly T inverse;
    private readonly T offset;
    private readonly float maxCode;

    private AsymmetricLanes(T scale, T negatedOffset, T isSound, T inverse, T offset, float maxCode)
    {
        Scale = scale;
        NegatedOffset = negatedOffset;
        IsSound = isSound;
        this.inverse = inverse;
        this.offset = offset;
        this.maxCode = maxCode;
    }

    /// <summary>The scale.</summary>
    public T Scale { get; }

    /// <summary>The negated minimum.</summary>
    public T NegatedOffset { get; }

    /// <summary>Lanes in which every number could be rounded.</summary>
    public T IsSound { get; }

    /// <summary>The code of one of the elements searched over, as a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Code(T value) => LaneMath<T>.Nearest(inverse * (value - offset), 0, maxCode);

    /// <summary>Searches.</summary>
    /// <param name="values">The elements.</param>
    /// <param name="weights">One vector per element.</param>
    /// <param name="count">How many.</param>
    /// <param name="codes">Work space: <paramref name="count"/> vectors.</param>
    public static unsafe AsymmetricLanes<T> Run<TPlan>(T* values, T* weights, int count, T* codes)
        where TPlan : struct, IAsymmetricPlan
    {
        T zero = LaneMath<T>.Zero;
        T smallest = values[0], max = values[0], sumW = weights[0], sumX = sumW * values[0];
        for (int i = 1; i < count; i++)
        {
            smallest = T.Select(values[i] < smallest, values[i], smallest);
            max = T.Select(values[i] > max, values[i], max);
            sumW += weights[i];
            sumX += weights[i] * values[i];
        }
        T min = T.Select(smallest > zero, zero, smallest);
        T flat = max <= min;
        T flatMin = min;

        T inverse = T.Create(TPlan.MaxCode) / (max - min);
        T scale = T.Create(1f) / inverse;
        T winner = inverse, winnerMin = min;
        for (int i = 0; i < count; i++)
            codes[i] = LaneMath<T>.Nearest(inverse * (values[i] - min), 0, TPlan.MaxCode);
        T best = Error<TPlan>(values, weights, codes, count, scale, min);
        T sound = LaneMath<T>.IsRoundable(inverse * (max - min));
        for (int step = 0; step <= TPlan.StepCount; step++)
        {
            inverse = T.Create(TPlan.First + TPlan.Step * step + TPlan.MaxCode) / (max - min);
            // Between the two extremes everything that is rounded below is bounded by what they give.
            sound &= LaneMath<T>.IsRoundable(inverse * (smallest - min)) & LaneMath<T>.IsRoundable(inverse * (max - min));
            T sumL = zero, sumLL = zero, sumLX = zero;
            for (int i = 0; i < count; i++)
            {
                T l = LaneMath<T>.Nearest(inverse * (values[i] - min), 0, TPlan.MaxCode);
                codes[i] = l;
                T weighted = weights[i] * l;
                sumL += weighted;
                sumLL += weighted * l;
                sumLX += weighted * values[i];
            }
            T determinant = sumW * sumLL - sumL * sumL;
            T trialScale = (sumW * sumLX - sumX * sumL) / determinant;
            T trialMin = (sumLL * sumX - sumL * sumLX) / determinant;
            T above = trialMin > zero;
            trialMin = T.Select(above, zero, trialMin);
            trialScale = T.Select(above, sumLX / sumLL, trialScale);
            T error = Error<TPlan>(values, weights, codes, count, trialScale, trialMin);
            T better = determinant > zero & error < best;
            best = T.Select(better, error, best);
            scale = T.Select(better, trialScale, scale);
            winner = T.Select(better, inverse, winner);
            winnerMin = T.Select(better, min, winnerMin);
            min = T.Select(better, trialMin, min);
        }
        return new(
            T.Select(flat, zero, scale),
            T.Select(flat, flatMin, min) ^ T.Create(-0f),
            sound | flat,
            T.Select(flat, zero, winner),
            T.Select(flat, zero, winnerMin),
            TPlan.MaxCode);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe T Error<TPlan>(T* values, T* weights, T* codes, int count, T scale, T min)
        where TPlan : struct, IAsymmetricPlan
    {
        T sum = LaneMath<T>.Zero;
        for (int i = 0; i < count; i++)
        {
            T difference = scale * codes[i] + min - values[i];
            difference = TPlan.Absolute ? T.Abs(difference) : difference * difference;
            sum += weights[i] * difference;
        }
        return sum;
    }
}
