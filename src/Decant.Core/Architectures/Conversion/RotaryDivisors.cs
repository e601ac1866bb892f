using System.Collections.Immutable;

namespace Decant.Core.Architectures.Conversion;

/// <summary>What a scaling divides each rotary frequency by, as <c>rope_freqs.weight</c> stores it. Computed in double precision.</summary>
internal static class RotaryDivisors
{
    /// <summary>The divisors [rotary / 2] of a scaling whose frequencies do not depend on the length of the call.</summary>
    public static ImmutableArray<float> Of(RopeSpec rope) => rope.Scaling switch
    {
        RopeScaling.Llama3 llama3 => Each(rope, (_, frequency) => Llama3Bands.DivisorOf(llama3, frequency)),
        RopeScaling.Yarn yarn => Yarn(rope, yarn),
        RopeScaling.FrequencyDivisors divisors => divisors.Divisors,
        _ => throw new InvalidOperationException($"{rope.Scaling} has no fixed divisors."),
    };

    /// <summary>Llama 3's bands that give these divisors, or null if there are none.</summary>
    /// <param name="rope">The rotary settings they belong to.</param>
    /// <param name="divisors">[rotary / 2].</param>
    /// <param name="context">The model's context length, which the original one may be.</param>
    public static RopeScaling.Llama3? Recognise(RopeSpec rope, ImmutableArray<float> divisors, int context) =>
        Llama3Bands.Solve([.. Enumerable.Range(0, rope.RotaryCount / 2).Select(i => Frequency(rope, i))], divisors, context);

    private static ImmutableArray<float> Each(RopeSpec rope, Func<int, double, double> divisor)
    {
        var result = ImmutableArray.CreateBuilder<float>(rope.RotaryCount / 2);
        for (int i = 0; i < rope.RotaryCount / 2; i++)
            result.Add((float)divisor(i, Frequency(rope, i)));
        return result.MoveToImmutable();
    }

    private static double Frequency(RopeSpec rope, int pair) => Math.Pow(rope.Base, -2.0 * pair / rope.RotaryCount);

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
                ? layer with { Attention = layer.Attention with { Rope = rope with { Scaling = Recognise(rope, divisors.Divisors, spec.ContextLength) ?? RopeScaling.None } } }
                : layer),
        ],
    };
}
