using System.Collections.Immutable;

namespace Decant.Core.Architectures.Conversion;

/// <summary>What a scaling divides each rotary frequency by, as <c>rope_freqs.weight</c> stores it. Computed in double precision.</summary>
internal static class RotaryDivisors
{
    /// <summary>How far stored divisors may lie from computed ones to be recognised: the rounding of single precision, a few times.</summary>
    private const double Tolerance = 1e-5;

    /// <summary>The divisors [rotary / 2] of a scaling whose frequencies do not depend on the length of the call.</summary>
    public static ImmutableArray<float> Of(RopeSpec rope) => rope.Scaling switch
    {
        RopeScaling.Llama3 llama3 => Each(rope, (_, frequency) => Llama3(llama3, frequency)),
        RopeScaling.Yarn yarn => Yarn(rope, yarn),
        RopeScaling.FrequencyDivisors divisors => divisors.Divisors,
        _ => throw new InvalidOperationException($"{rope.Scaling} has no fixed divisors."),
    };

    /// <summary>
    /// Finds the published Llama 3 settings (factor 8 or 32, or the largest divisor; bands 1 and 4; 8192 positions) that give these
    /// divisors, or null.
    /// </summary>
    public static RopeScaling.Llama3? Recognise(RopeSpec rope, ImmutableArray<float> divisors)
    {
        var candidate = new RopeScaling.Llama3(divisors.Max(), 1, 4, 8192);
        ImmutableArray<float> expected = Each(rope, (_, frequency) => Llama3(candidate, frequency));
        for (int i = 0; i < divisors.Length; i++)
        {
            if (Math.Abs(expected[i] - divisors[i]) > Tolerance * expected[i])
                return null;
        }
        return candidate;
    }

    private static ImmutableArray<float> Each(RopeSpec rope, Func<int, double, double> divisor)
    {
        var result = ImmutableArray.CreateBuilder<float>(rope.RotaryCount / 2);
        for (int i = 0; i < rope.RotaryCount / 2; i++)
            result.Add((float)divisor(i, Math.Pow(rope.Base, -2.0 * i / rope.RotaryCount)));
        return result.MoveToImmutable();
    }

    private static double Llama3(RopeScaling.Llama3 scaling, double frequency)
    {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < scaling.OriginalContext / scaling.HighFrequencyFactor)
            return 1;
        if (wavelength > scaling.OriginalContext / scaling.LowFrequencyFactor)
            return scaling.Factor;
        double t = (scaling.OriginalContext / wavelength - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        return 1 / ((1 - t) / scaling.Factor + t);
    }

    private static ImmutableArray<float> Yarn(RopeSpec rope, RopeScaling.Yarn scaling)
    {
        double Dimension(double rotations) =>
            rope.RotaryCount * Math.Log(scaling.OriginalContext / (rotations * 2 * Math.PI)) / (2 * Math.Log(rope.Base));
        double low = Dimension(scaling.BetaFast), high = Dimension(scaling.BetaSlow);
        if (scaling.Truncate)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, rope.RotaryCount - 1));
        if (low == high)
            high += 0.001;
        return Each(rope, (i, _) =>
        {
            double ramp = Math.Clamp((i - low) / (high - low), 0, 1);
            return 1 / (ramp / scaling.Factor + 1 - ramp);
        });
    }

    /// <summary>The spec with divisors that a known scaling gives replaced by it, as configs name it, and others left out.</summary>
    public static DecoderSpec Named(DecoderSpec spec) => spec with
    {
        Layers =
        [
            .. spec.Layers.Select(layer => layer.Attention.Rope is { Scaling: RopeScaling.FrequencyDivisors divisors } rope
                ? layer with { Attention = layer.Attention with { Rope = rope with { Scaling = Recognise(rope, divisors.Divisors) ?? RopeScaling.None } } }
                : layer),
        ],
    };
}
