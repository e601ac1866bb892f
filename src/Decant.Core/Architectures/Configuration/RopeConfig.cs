using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Decant.Core.Architectures.Configuration;

/// <summary>
/// Rotary settings of config.json, in the spelling of transformers 5 (one object <c>rope_parameters</c>, perhaps one per layer
/// type) and in the older one (<c>rope_theta</c>, <c>rope_scaling</c> with <c>type</c> or <c>rope_type</c>,
/// <c>partial_rotary_factor</c>). Formulas and defaults follow transformers' modeling_rope_utils.
/// </summary>
internal static class RopeConfig
{
    /// <summary>Reads the rotary settings.</summary>
    /// <param name="config">The config.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <param name="contextLength">max_position_embeddings.</param>
    /// <param name="defaultBase">rope_theta if the config states none.</param>
    /// <param name="partial">True if the family rotates a fraction of the head when told; otherwise such a fraction is refused.</param>
    /// <param name="layerType">The entry of a per-layer-type object to read.</param>
    /// <param name="defaultFraction">The rotated fraction if the config states none.</param>
    /// <param name="baseKey">How the older spelling calls the base.</param>
    /// <param name="fractionKey">How the older spelling calls the rotated fraction.</param>
    /// <param name="defaultOriginal">The family's default of a top-level original_max_position_embeddings, if it has one.</param>
    public static RopeSpec Read(
        ConfigReader config, int headSize, int contextLength, double defaultBase,
        bool partial = false, string? layerType = null, double defaultFraction = 1, int? defaultOriginal = null,
        string baseKey = "rope_theta", string fractionKey = "partial_rotary_factor")
    {
        ConfigReader? newer = config.FindSection("rope_parameters"), older = config.FindSection("rope_scaling");
        double? topBase = config.FindPositive(baseKey);
        double? topFraction = config.FindPositive(fractionKey);
        if (newer is not null && layerType is not null && newer.Has(layerType))
            newer = newer.FindSection(layerType);
        // Phi-3 states the original context beside the section; that one wins in the reference.
        int? topOriginal = config.FindCount("original_max_position_embeddings") ?? defaultOriginal;
        var shared = new Shared(config, headSize, contextLength, topBase ?? defaultBase, topFraction ?? defaultFraction, fractionKey, partial, topOriginal);
        RopeSpec? fromNewer = newer is null ? null : ReadSection(newer, shared);
        RopeSpec? fromOlder = older is null ? null : ReadSection(older, shared);
        if (fromNewer is not null && fromOlder is not null && !AreEqual(fromNewer, fromOlder))
            throw config.Contradiction("rope_scaling", "the same settings as in rope_parameters");
        if (fromNewer is not null && topBase is not null && topBase != fromNewer.Base)
            throw config.Contradiction(baseKey, "the same number as in rope_parameters");
        if (topFraction is not null && newer?.FindPositive("partial_rotary_factor") is { } ownFraction && ownFraction != topFraction)
            throw config.Contradiction(fractionKey, "the same number as in rope_parameters");
        return fromNewer ?? fromOlder ?? Build(config, "rope_theta", shared, shared.Base, shared.Fraction, RopeScaling.None);
    }

    /// <summary>The object <c>rope_parameters</c> of a spec.</summary>
    public static JsonObject Write(RopeSpec rope, int headSize)
    {
        var section = new JsonObject { ["rope_theta"] = rope.Base };
        if (rope.RotaryCount != headSize)
            section["partial_rotary_factor"] = (double)rope.RotaryCount / headSize;
        switch (rope.Scaling)
        {
            case RopeScaling.NoScaling:
                section["rope_type"] = "default";
                break;
            case RopeScaling.Linear linear:
                section["rope_type"] = "linear";
                section["factor"] = linear.Factor;
                break;
            case RopeScaling.DynamicNtk dynamic:
                section["rope_type"] = "dynamic";
                section["factor"] = dynamic.Factor;
                break;
            case RopeScaling.Llama3 llama3:
                section["rope_type"] = "llama3";
                section["factor"] = llama3.Factor;
                section["low_freq_factor"] = llama3.LowFrequencyFactor;
                section["high_freq_factor"] = llama3.HighFrequencyFactor;
                section["original_max_position_embeddings"] = llama3.OriginalContext;
                break;
            case RopeScaling.Yarn yarn:
                section["rope_type"] = "yarn";
                section["factor"] = yarn.Factor;
                section["original_max_position_embeddings"] = yarn.OriginalContext;
                if (yarn.BetaFast != 32)
                    section["beta_fast"] = yarn.BetaFast;
                if (yarn.BetaSlow != 1)
                    section["beta_slow"] = yarn.BetaSlow;
                if (yarn.AttentionFactor != YarnAttentionFactor(yarn.Factor, 1))
                    section["attention_factor"] = yarn.AttentionFactor;
                if (!yarn.Truncate)
                    section["truncate"] = false;
                break;
            case RopeScaling.LongRope longrope:
                section["rope_type"] = "longrope";
                section["short_factor"] = new JsonArray([.. longrope.ShortFactors.Select(f => JsonValue.Create(Shortest(f)))]);
                section["long_factor"] = new JsonArray([.. longrope.LongFactors.Select(f => JsonValue.Create(Shortest(f)))]);
                section["original_max_position_embeddings"] = longrope.OriginalContext;
                break;
            default:
                throw new InvalidOperationException($"No config spelling for {rope.Scaling}.");
        }
        return section;
    }

    /// <summary>0.1 · m · ln s + 1, the factor on cosines and sines that YaRN's authors recommend.</summary>
    public static double YarnAttentionFactor(double factor, double multiplier) => factor <= 1 ? 1 : 0.1 * multiplier * Math.Log(factor) + 1;

    /// <summary>√(1 + ln s / ln n0) for a context stretched by s, the default of longrope.</summary>
    public static double LongRopeAttentionFactor(double factor, int originalContext) =>
        factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(originalContext));

    /// <summary>The double with the shortest decimal that reads back as this single: 0.002f becomes 0.002.</summary>
    public static double Shortest(float value) =>
        double.Parse(value.ToString("R", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>
    /// The number with the fewest digits whose reciprocal rounds to this single: what a config divides by where a spec multiplies.
    /// </summary>
    public static double DivisorOf(float scale)
    {
        float nearest = (float)(1 / (double)scale);
        return ((ReadOnlySpan<float>)[MathF.BitDecrement(nearest), nearest, MathF.BitIncrement(nearest)]).ToArray()
            .Select(Shortest)
            .Where(divisor => (float)(1 / divisor) == scale)
            .OrderBy(divisor => divisor.ToString("R", System.Globalization.CultureInfo.InvariantCulture).Length)
            .FirstOrDefault(1 / (double)scale);
    }

    private static RopeSpec ReadSection(ConfigReader section, Shared shared)
    {
        double rotaryBase = section.FindPositive("rope_theta") ?? shared.Base;
        double fraction = section.FindPositive("partial_rotary_factor") ?? shared.Fraction;
        string? newerName = section.FindText("rope_type"), olderName = section.FindText("type");
        string key = newerName is null && olderName is not null ? "type" : "rope_type";
        string type = newerName ?? olderName ?? "default";
        if (newerName is null && olderName is null && (section.Has("factor") || section.Has("short_factor")))
            throw section.Contradiction("rope_type", "the kind of scaling that the factors beside it are for");
        int rotary = RotaryCount(section, shared, fraction);
        RopeScaling scaling = type switch
        {
            "default" => RopeScaling.None,
            // By 1 divides nothing.
            "linear" => section.GetPositive("factor") is not 1 and var factor ? new RopeScaling.Linear(factor) : RopeScaling.None,
            "dynamic" => new RopeScaling.DynamicNtk(section.GetPositive("factor"), shared.ContextLength),
            "llama3" => ReadLlama3(section, shared),
            "yarn" => ReadYarn(section, shared),
            // "su" is the name that the first Phi-3 checkpoints used.
            "longrope" or "su" => ReadLongRope(section, shared, rotary),
            _ => throw section.NotSupported(key, "default, linear, dynamic, llama3, yarn, longrope"),
        };
        return Build(section, "rope_theta", shared, rotaryBase, fraction, scaling);
    }

    private static int RotaryCount(ConfigReader section, Shared shared, double fraction)
    {
        (ConfigReader owner, string key) = section.Has("partial_rotary_factor") ? (section, "partial_rotary_factor") : (shared.Config, shared.FractionKey);
        if (fraction != 1 && (!shared.Partial || fraction > 1))
            throw owner.NotSupported(key, shared.Partial ? "fractions up to 1" : "1");
        int rotary = (int)(shared.HeadSize * fraction);
        if (rotary >= 2 && rotary % 2 == 0)
            return rotary;
        string expected = $"a value that rotates an even number of elements, at least 2, of the {shared.HeadSize} in a head";
        throw fraction == 1 ? shared.Config.Contradiction("head_dim", expected) : owner.Contradiction(key, expected);
    }

    private static RopeSpec Build(ConfigReader section, string baseKey, Shared shared, double rotaryBase, double fraction, RopeScaling scaling)
    {
        if (rotaryBase <= 1)
            throw section.Contradiction(baseKey, "a number above 1");
        int rotary = RotaryCount(section, shared, fraction);
        if (scaling is RopeScaling.DynamicNtk && rotary == 2)
            throw section.NotSupported("rope_type", "dynamic only for more than 2 rotated elements");
        return new RopeSpec { Pairing = RopePairing.Half, RotaryCount = rotary, Base = rotaryBase, Scaling = scaling };
    }

    private static RopeScaling.Llama3 ReadLlama3(ConfigReader section, Shared shared)
    {
        double low = section.GetPositive("low_freq_factor"), high = section.GetPositive("high_freq_factor");
        if (high <= low)
            throw section.Contradiction("high_freq_factor", $"a number above low_freq_factor = {low}");
        return new(section.GetPositive("factor"), low, high, OriginalContext(section, shared));
    }

    private static RopeScaling.Yarn ReadYarn(ConfigReader section, Shared shared)
    {
        int original = OriginalContext(section, shared);
        double factor = section.FindPositive("factor") ?? (double)shared.ContextLength / original;
        double? multiplier = section.FindNumber("mscale"), allMultiplier = section.FindNumber("mscale_all_dim");
        double attention = section.FindPositive("attention_factor")
            ?? (multiplier is { } m && m != 0 && allMultiplier is { } all && all != 0
                ? YarnAttentionFactor(factor, m) / YarnAttentionFactor(factor, all)
                : YarnAttentionFactor(factor, 1));
        if (!double.IsFinite(attention) || attention <= 0)
            throw section.Contradiction("mscale", "a number that gives a positive attention factor");
        // Zero stands for the default, as in the reference.
        double fast = section.FindNumber("beta_fast") is { } f && f != 0 ? f : 32, slow = section.FindNumber("beta_slow") is { } s && s != 0 ? s : 1;
        if (fast < slow || slow <= 0)
            throw section.Contradiction("beta_fast", $"a number not below beta_slow = {slow}, both above 0");
        return new(factor, original, fast, slow, attention, section.GetFlag("truncate", absent: true));
    }

    private static RopeScaling.LongRope ReadLongRope(ConfigReader section, Shared shared, int rotary)
    {
        int original = OriginalContext(section, shared);
        double factor = section.FindPositive("factor") ?? (double)shared.ContextLength / original;
        double attention = section.FindPositive("attention_factor") ?? LongRopeAttentionFactor(factor, original);
        return new(Factors(section, "short_factor", rotary / 2), Factors(section, "long_factor", rotary / 2), original, attention);
    }

    private static ImmutableArray<float> Factors(ConfigReader section, string key, int count)
    {
        if (section.FindNumbers(key) is not { } numbers || numbers.Length != count)
            throw section.Contradiction(key, $"{count} numbers, one per rotated pair");
        var factors = ImmutableArray.CreateRange(numbers, number => (float)number);
        return factors.All(f => f > 0 && float.IsFinite(f)) ? factors : throw section.Contradiction(key, "numbers above 0");
    }

    private static int OriginalContext(ConfigReader section, Shared shared)
    {
        int? inside = section.FindCount("original_max_position_embeddings");
        int context = shared.OriginalContext ?? inside ?? shared.ContextLength;
        return context > 1 ? context : throw section.Contradiction("original_max_position_embeddings", "a number above 1");
    }

    private static bool AreEqual(RopeSpec first, RopeSpec second) =>
        first.Scaling is RopeScaling.LongRope a && second.Scaling is RopeScaling.LongRope b
            ? a.ShortFactors.SequenceEqual(b.ShortFactors) && a.LongFactors.SequenceEqual(b.LongFactors)
                && (first with { Scaling = RopeScaling.None }) == (second with { Scaling = RopeScaling.None })
                && a.OriginalContext == b.OriginalContext && a.AttentionFactor == b.AttentionFactor
            : first == second;

    private sealed record Shared(ConfigReader Config, int HeadSize, int ContextLength, double Base, double Fraction, string FractionKey, bool Partial, int? OriginalContext);
}
