using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Search;

/// <summary>
/// <c>Decant.Core.Formats.Search.DescentSearch</c> on lanes. A lane that made no change in a sweep makes none in the next either, so
/// sweeping on until every lane has settled gives what stopping each at once would.
/// </summary>
internal static unsafe class DescentLanes<T>
    where T : unmanaged, ILanes<T>
{
    private const int SweepCount = 5;
    private const float SmallestMagnitude = 1e-15f;

    /// <summary>
    /// Symmetric codes with weights x² for two blocks at once: every step waits for the one before, so two independent descents take
    /// hardly longer than one. Writes codes shifted by <paramref name="maxCode"/>, as numbers.
    /// </summary>
    /// <param name="values">The elements of both blocks, one after the other.</param>
    /// <param name="count">Elements of one block.</param>
    /// <param name="maxCode">Half the number of codes.</param>
    /// <param name="codes">One vector per element.</param>
    /// <param name="scales">Receives the two scales.</param>
    /// <param name="sound">Loses the lanes in which something could not be rounded.</param>
    public static void SymmetricPair(T* values, int count, float maxCode, T* codes, T* scales, ref T sound)
    {
        T* secondValues = values + count, secondCodes = codes + count;
        var first = new Descent(values, count, maxCode, codes);
        var second = new Descent(secondValues, count, maxCode, secondCodes);
        for (int sweep = 0; sweep < SweepCount; sweep++)
        {
            T changed = LaneMath<T>.Zero;
            for (int i = 0; i < count; i++)
            {
                changed |= first.Improve(values[i], ref codes[i], maxCode);
                changed |= second.Improve(secondValues[i], ref secondCodes[i], maxCode);
            }
            if (T.MaskBits(changed) == 0)
                break;
        }
        scales[0] = first.Finish(count, maxCode, codes, ref sound);
        scales[1] = second.Finish(count, maxCode, secondCodes, ref sound);
    }

    /// <summary>The sums of one block during <see cref="SymmetricPair"/>.</summary>
    private struct Descent
    {
        private readonly T tiny;
        private T a;
        private T b;
        private T safe;

        /// <summary>Starts from the grid that maps the largest element to -maxCode.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Descent(T* values, int count, float maxCode, T* codes)
        {
            T max = LaneMath<T>.SignedMaximum(values, count);
            tiny = T.Abs(max) < T.Create(SmallestMagnitude);
            safe = T.FromBits(-1);
            T inverse = T.Create(-maxCode) / max;
            T sumA = LaneMath<T>.Zero, sumB = LaneMath<T>.Zero;
            for (int i = 0; i < count; i++)
            {
                T x = values[i], w = x * x;
                T l = LaneMath<T>.Nearest(inverse * x, -maxCode, maxCode - 1);
                codes[i] = l;
                sumA += w * x * l;
                sumB += w * l * l;
            }
            a = sumA;
            b = sumB;
        }

        /// <summary>Takes one element out, proposes its best code and keeps it where the fit improves; returns those lanes.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Improve(T x, ref T code, float maxCode)
        {
            T w = x * x, wx = w * x, l = code;
            T trialA = a - wx * l;
            T trialB = b - w * l * l;
            T target = x * trialB / trialA;
            T open = trialA > LaneMath<T>.Zero;
            safe &= ~open | LaneMath<T>.IsRoundable(target);
            T proposed = LaneMath<T>.Nearest(target, -maxCode, maxCode - 1);
            trialA += wx * proposed;
            trialB += w * proposed * proposed;
            T accept = open & (proposed < l | proposed > l) & trialB > LaneMath<T>.Zero & trialA * trialA * b > a * a * trialB;
            code = T.Select(accept, proposed, l);
            a = T.Select(accept, trialA, a);
            b = T.Select(accept, trialB, b);
            return accept & ~tiny;
        }

        /// <summary>Shifts the codes and returns the scale; a block of (almost) zeros has neither.</summary>
        public readonly T Finish(int count, float maxCode, T* codes, ref T sound)
        {
            for (int i = 0; i < count; i++)
                codes[i] = T.Select(tiny, LaneMath<T>.Zero, codes[i] + T.Create(maxCode));
            sound &= safe | tiny;
            return T.Select(tiny, LaneMath<T>.Zero, T.Select(b > LaneMath<T>.Zero, a / b, LaneMath<T>.Zero));
        }
    }

    /// <summary>Codes of non-negative values, as numbers; returns the scale.</summary>
    /// <param name="values">8 or 16 values.</param>
    /// <param name="weights">One vector per value.</param>
    /// <param name="count">How many.</param>
    /// <param name="maxCode">15 or 63.</param>
    /// <param name="codes">One vector per value.</param>
    /// <param name="sound">Loses the lanes in which something could not be rounded or is negative.</param>
    public static T Positive(T* values, T* weights, int count, float maxCode, T* codes, ref T sound)
    {
        T zero = LaneMath<T>.Zero;
        T max = zero, negative = zero;
        for (int i = 0; i < count; i++)
        {
            max = T.Max(max, values[i]);
            negative |= values[i] < zero;
        }
        T tiny = max < T.Create(SmallestMagnitude);
        T inverse = T.Create(maxCode) / max;
        T best = GridError(values, weights, count, maxCode, inverse);
        for (int step = -4; step <= 4; step++)
        {
            if (step == 0)
                continue;
            T trial = T.Create(0.1f * step + maxCode) / max;
            T error = GridError(values, weights, count, maxCode, trial);
            T better = error < best;
            best = T.Select(better, error, best);
            inverse = T.Select(better, trial, inverse);
        }
        T a = zero, b = zero;
        for (int i = 0; i < count; i++)
        {
            T l = T.Min(T.Create(maxCode), LaneMath<T>.Nearest(inverse * values[i]));
            codes[i] = l;
            a += weights[i] * values[i] * l;
            b += weights[i] * l * l;
        }
        T safe = ~negative;
        for (int sweep = 0; sweep < SweepCount; sweep++)
        {
            T changed = zero;
            for (int i = 0; i < count; i++)
            {
                T x = values[i], w = weights[i], wx = w * x, l = codes[i];
                T trialA = a - wx * l;
                T trialB = b - w * l * l;
                T target = x * trialB / trialA;
                T open = trialA > zero & trialB > zero;
                safe &= tiny | ~open | LaneMath<T>.IsRoundable(target);
                T code = T.Min(T.Create(maxCode), LaneMath<T>.Nearest(target));
                trialA += wx * code;
                trialB += w * code * code;
                T accept = open & (code < l | code > l) & trialA * trialA * b > a * a * trialB;
                codes[i] = T.Select(accept, code, l);
                a = T.Select(accept, trialA, a);
                b = T.Select(accept, trialB, b);
                changed |= accept;
            }
            if (T.MaskBits(changed & ~tiny) == 0)
                break;
        }
        for (int i = 0; i < count; i++)
            codes[i] = T.Select(tiny, zero, codes[i]);
        sound &= safe;
        return T.Select(tiny, zero, T.Select(b > zero, a / b, zero));
    }

    private static T GridError(T* values, T* weights, int count, float maxCode, T inverse)
    {
        T scale = T.Create(1f) / inverse, sum = LaneMath<T>.Zero;
        for (int i = 0; i < count; i++)
        {
            T l = T.Min(T.Create(maxCode), LaneMath<T>.Nearest(inverse * values[i]));
            T difference = values[i] - scale * l;
            sum += weights[i] * difference * difference;
        }
        return sum;
    }
}
