using System.Collections.Immutable;

namespace Decant.Core.Architectures;

/// <summary>Which elements of a head are rotated together (Su et al. 2021).</summary>
public enum RopePairing
{
    /// <summary>(i, i + rotary/2): Hugging Face's layout of most families.</summary>
    Half,
    /// <summary>(2i, 2i + 1): GGUF's layout of the <c>llama</c> architecture, Cohere.</summary>
    Interleaved,
}

/// <summary>
/// Rotary position embedding: frequency i is θᵢ = base^(−2i/rotary) for i &lt; rotary/2, changed by <see cref="Scaling"/>. Angles, cosines and
/// sines are single precision. A checkpoint's pairing follows from how its rows are stored; converters reorder rows between the two.
/// </summary>
public sealed record RopeSpec
{
    /// <summary>Which elements form pairs in this checkpoint.</summary>
    public required RopePairing Pairing { get; init; }

    /// <summary>Rotated elements of each head; the rest pass through.</summary>
    public required int RotaryCount { get; init; }

    /// <summary>The first rotated element of a head: 0 but for latent attention, which rotates the last ones.</summary>
    public int FirstElement { get; init; }

    /// <summary>The base (rope_theta).</summary>
    public required double Base { get; init; }

    /// <summary>How frequencies are changed for longer contexts.</summary>
    public RopeScaling Scaling { get; init; } = RopeScaling.None;
}

/// <summary>Changes of the rotary frequencies.</summary>
public abstract record RopeScaling
{
    /// <summary>No change.</summary>
    public static RopeScaling None { get; } = new NoScaling();

    /// <summary>No change.</summary>
    public sealed record NoScaling : RopeScaling;

    /// <summary>Positions divided by a factor (Chen et al. 2023).</summary>
    /// <param name="Factor">The factor.</param>
    public sealed record Linear(double Factor) : RopeScaling;

    /// <summary>Dynamic NTK: the base grows with the length of each call once it passes the original context.</summary>
    /// <param name="Factor">The factor.</param>
    /// <param name="OriginalContext">The context length below which nothing changes.</param>
    public sealed record DynamicNtk(double Factor, int OriginalContext) : RopeScaling;

    /// <summary>Llama 3.1's wavelength bands.</summary>
    /// <param name="Factor">Divisor of low frequencies.</param>
    /// <param name="LowFrequencyFactor">Bound of the low band.</param>
    /// <param name="HighFrequencyFactor">Bound of the high band.</param>
    /// <param name="OriginalContext">The context length before extension.</param>
    public sealed record Llama3(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContext) : RopeScaling;

    /// <summary>YaRN (Peng et al. 2023).</summary>
    /// <param name="Factor">The factor.</param>
    /// <param name="OriginalContext">The context length before extension.</param>
    /// <param name="BetaFast">Rotations above which a frequency is kept.</param>
    /// <param name="BetaSlow">Rotations below which it is divided.</param>
    /// <param name="AttentionFactor">Factor on cosines and sines.</param>
    /// <param name="Truncate">True if the ramp's ends are rounded to whole dimensions.</param>
    public sealed record Yarn(double Factor, int OriginalContext, double BetaFast, double BetaSlow, double AttentionFactor, bool Truncate = true) : RopeScaling;

    /// <summary>longrope: one list of divisors up to the original context, another for longer calls.</summary>
    /// <param name="ShortFactors">[rotary / 2].</param>
    /// <param name="LongFactors">[rotary / 2].</param>
    /// <param name="OriginalContext">The context length before extension.</param>
    /// <param name="AttentionFactor">Factor on cosines and sines, for both lists.</param>
    public sealed record LongRope(ImmutableArray<float> ShortFactors, ImmutableArray<float> LongFactors, int OriginalContext, double AttentionFactor) : RopeScaling
    {
        /// <summary>Equal if all values are.</summary>
        public bool Equals(LongRope? other) =>
            other is not null && OriginalContext == other.OriginalContext && AttentionFactor.Equals(other.AttentionFactor)
            && ShortFactors.SequenceEqual(other.ShortFactors) && LongFactors.SequenceEqual(other.LongFactors);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(OriginalContext, AttentionFactor, ShortFactors.Length);
    }

    /// <summary>A divisor per frequency, as GGUF's <c>rope_freqs.weight</c> stores Llama 3's bands.</summary>
    /// <param name="Divisors">[rotary / 2].</param>
    public sealed record FrequencyDivisors(ImmutableArray<float> Divisors) : RopeScaling
    {
        /// <summary>Equal if all values are.</summary>
        public bool Equals(FrequencyDivisors? other) => other is not null && Divisors.SequenceEqual(other.Divisors);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(Divisors.Length, Divisors.Length > 0 ? Divisors[^1] : 0);
    }
}
