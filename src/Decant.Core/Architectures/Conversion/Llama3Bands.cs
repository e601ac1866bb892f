using System.Collections.Immutable;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// Solves Llama 3's bands from the divisors d they give: 1/d is 1 above one frequency, 1/factor below another, and between them linear in the frequency,
/// 1/d = t + (1 − t)/factor with t from 0 to 1. Only the two bounding wavelengths can be found, original context / low and / high: of all triples that state them the
/// published one, or the one of fewest digits, is taken.
/// </summary>
internal static class Llama3Bands
{
    // Rounding of single precision a few times; then what two programs' rounding of frequencies makes of it.
    private static readonly double[] tolerances = [1e-6, 1e-5];

    // Wherever divisors leave a choice.
    private static readonly double[] ratios = [4, 2, 8, 16, 3, 32, 1.5, 64, 1.25, 1.1];
    private static readonly double[] factors = [8, 32, 16, 4, 2, 64, 128, 256];
    private static readonly int[] contexts = [8192, 4096, 2048, 16384, 32768, 1024, 512, 65536, 131072, 256, 128, 64, 32, 16];

    private const int MostDigits = 5;

    /// <summary>Bands that give these divisors, or null if there are none.</summary>
    /// <param name="frequencies">The rotary frequencies, falling.</param>
    /// <param name="divisors">As many divisors.</param>
    /// <param name="context">A context length the original one may be.</param>
    public static RopeScaling.Llama3? Solve(ImmutableArray<double> frequencies, ImmutableArray<float> divisors, int context)
    {
        double largest = divisors.Max();
        if (largest <= 1 || divisors.Any(divisor => !(divisor >= 1 - tolerances[0])))
            return null;
        foreach (double tolerance in tolerances)
        {
            // The largest divisor is the factor, unless the lowest frequency lies on the ramp.
            foreach (double factor in factors.Where(factor => factor > largest * (1 + tolerance)).Prepend(RopeFactor(largest)))
            {
                foreach ((double low, double high) in Bounds(frequencies, divisors, factor))
                {
                    if (Nicest(frequencies, divisors, factor, low, high, context, tolerance) is { } found)
                        return found;
                }
            }
        }
        return null;
    }

    /// <summary>The divisor of one frequency.</summary>
    public static double DivisorOf(RopeScaling.Llama3 scaling, double frequency)
    {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < scaling.OriginalContext / scaling.HighFrequencyFactor)
            return 1;
        if (wavelength > scaling.OriginalContext / scaling.LowFrequencyFactor)
            return scaling.Factor;
        double t = (scaling.OriginalContext / wavelength - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        return 1 / ((1 - t) / scaling.Factor + t);
    }

    /// <summary>The frequencies between which the ramp may lie: its lower and upper end.</summary>
    private static IEnumerable<(double Low, double High)> Bounds(ImmutableArray<double> frequencies, ImmutableArray<float> divisors, double factor)
    {
        double[] ramp = [.. divisors.Select(divisor => (1.0 / divisor - 1 / factor) / (1 - 1 / factor))];
        int[] within = [.. Enumerable.Range(0, ramp.Length).Where(i => ramp[i] > tolerances[0] && ramp[i] < 1 - tolerances[0])];
        if (within.Length >= 2)
        {
            (int first, int last) = (within[0], within[^1]);
            double slope = (ramp[first] - ramp[last]) / (frequencies[first] - frequencies[last]);
            double low = frequencies[last] - ramp[last] / slope;
            if (slope > 0 && low > 0)
                yield return (low, low + 1 / slope);
            yield break;
        }
        if (within.Length == 1)
        {
            foreach (double ratio in ratios)
            {
                double low = frequencies[within[0]] / (1 + ramp[within[0]] * (ratio - 1));
                yield return (low, low * ratio);
            }
            yield break;
        }
        // All at one end or the other: any ramp between them will do.
        int kept = ramp.Count(t => t >= 1 - tolerances[0]);
        if (kept == ramp.Length)
            yield break;
        (double upper, double lower) = kept == 0 ? (frequencies[0] * 64, frequencies[0]) : (frequencies[kept - 1], frequencies[kept]);
        foreach (double ratio in ratios.Append(Math.Sqrt(upper / lower)).Where(ratio => ratio * ratio <= upper / lower * (1 + tolerances[0])))
        {
            foreach (int context in contexts)
            {
                double low = 2 * Math.PI / context;
                if (low > lower && low * ratio < upper)
                    yield return (low, low * ratio);
            }
            double middle = Math.Sqrt(upper * lower / ratio);
            yield return (middle, middle * ratio);
        }
    }

    private static RopeScaling.Llama3? Nicest(
        ImmutableArray<double> frequencies, ImmutableArray<float> divisors, double factor, double low, double high, int context, double tolerance)
    {
        double longest = 2 * Math.PI / low;
        int[] candidates = [.. contexts.Append(context).Append((int)Math.Clamp(Math.Round(longest), 2, int.MaxValue - 1)).Where(c => c > 1).Distinct().OrderBy(c => Rounded(c / longest, 1) == 1 ? 0 : 1)];
        for (int digits = 1; digits <= MostDigits; digits++)
        {
            foreach (int original in candidates)
            {
                if (Checked(new(factor, Rounded(original / longest, digits), Rounded(original / longest * (high / low), digits), original)) is { } found)
                    return found;
            }
        }
        return Checked(new(factor, contexts[0] / longest, contexts[0] / longest * (high / low), contexts[0]));

        RopeScaling.Llama3? Checked(RopeScaling.Llama3 scaling)
        {
            if (!(scaling.LowFrequencyFactor > 0 && scaling.HighFrequencyFactor > scaling.LowFrequencyFactor))
                return null;
            for (int i = 0; i < divisors.Length; i++)
            {
                double expected = DivisorOf(scaling, frequencies[i]);
                if (!(Math.Abs(expected - divisors[i]) <= tolerance * expected))
                    return null;
            }
            return scaling;
        }
    }

    private static double RopeFactor(double largest) => Configuration.RopeConfig.Shortest((float)largest);

    private static double Rounded(double value, int digits) => double.Parse(
        value.ToString("E" + (digits - 1).ToString(System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture),
        System.Globalization.CultureInfo.InvariantCulture);
}
