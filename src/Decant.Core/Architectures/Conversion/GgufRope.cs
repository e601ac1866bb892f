using System.Collections.Immutable;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// Rotary settings in GGUF, as llama.cpp reads them: linear and YaRN scaling as keys, Llama 3's bands as a tensor of divisors, longrope
/// as two tensors. What those cannot say stands under <c>decant.</c> as well, and wins when Decant reads the file.
/// </summary>
internal static class GgufRope
{
    private const string Divisors = "rope_freqs.weight", LongFactors = "rope_factors_long.weight", ShortFactors = "rope_factors_short.weight";

    /// <summary>Reads the rotary settings.</summary>
    public static RopeSpec Read(GgufSpecReader file, int headSize, int contextLength, RopePairing pairing)
    {
        int rotary = file.FindCount("rope.dimension_count", headSize) ?? headSize;
        if (rotary % 2 != 0)
            throw BadFileException.Expected(file.Location, $"metadata key {file.KeyOf("rope.dimension_count")}", "an even number", $"{rotary}");
        double rotaryBase = RopeConfig.Shortest(file.FindPositive("rope.freq_base") ?? 10000);
        if (rotaryBase <= 1)
            throw BadFileException.Expected(file.Location, $"metadata key {file.KeyOf("rope.freq_base")}", "a number above 1", $"{rotaryBase}");
        var rope = new RopeSpec { Pairing = pairing, RotaryCount = rotary, Base = rotaryBase };
        RopeScaling stored = ReadStored(file, rotary, contextLength);
        return rope with { Scaling = ReadDecant(file, contextLength, rotary) ?? stored };
    }

    /// <summary>Writes the keys of a rotary spec.</summary>
    /// <param name="metadata">Where to.</param>
    /// <param name="prefix">The architecture's name and a dot.</param>
    /// <param name="rope">The settings.</param>
    /// <param name="holdsDivisors">True if llama.cpp loads divisors for the architecture.</param>
    /// <returns>What llama.cpp will not do, in words, or null.</returns>
    public static string? Write(GgufMetadata metadata, string prefix, RopeSpec rope, bool holdsDivisors)
    {
        metadata.Set(prefix + "rope.dimension_count", GgufValue.From((uint)rope.RotaryCount));
        metadata.Set(prefix + "rope.freq_base", GgufValue.From((float)rope.Base));
        switch (rope.Scaling)
        {
            case RopeScaling.NoScaling:
                return null;
            case RopeScaling.FrequencyDivisors when holdsDivisors:
                return null;
            case RopeScaling.Linear linear:
                metadata.Set(prefix + "rope.scaling.type", GgufValue.From("linear"));
                metadata.Set(prefix + "rope.scaling.factor", GgufValue.From((float)linear.Factor));
                return null;
            case RopeScaling.Yarn yarn when IsUsual(yarn):
                metadata.Set(prefix + "rope.scaling.type", GgufValue.From("yarn"));
                metadata.Set(prefix + "rope.scaling.factor", GgufValue.From((float)yarn.Factor));
                metadata.Set(prefix + "rope.scaling.original_context_length", GgufValue.From((uint)yarn.OriginalContext));
                return null;
            case RopeScaling.Yarn yarn:
                // Divisors and a factor say the same as the keys, and older versions of llama.cpp do not read YaRN's bounds.
                WriteDecant(metadata, "yarn", yarn.Factor, yarn.OriginalContext);
                metadata.Set(DecantKeys.RopeBetaFast, Double(yarn.BetaFast));
                metadata.Set(DecantKeys.RopeBetaSlow, Double(yarn.BetaSlow));
                metadata.Set(DecantKeys.RopeAttentionFactor, Double(yarn.AttentionFactor));
                metadata.Set(DecantKeys.RopeTruncate, GgufValue.From(yarn.Truncate));
                if (holdsDivisors)
                {
                    metadata.Set(prefix + "rope.scaling.type", GgufValue.From("none"));
                    metadata.Set(prefix + "rope.scaling.attn_factor", GgufValue.From((float)yarn.AttentionFactor));
                    return null;
                }
                metadata.Set(prefix + "rope.scaling.type", GgufValue.From("yarn"));
                metadata.Set(prefix + "rope.scaling.factor", GgufValue.From((float)yarn.Factor));
                metadata.Set(prefix + "rope.scaling.original_context_length", GgufValue.From((uint)yarn.OriginalContext));
                metadata.Set(prefix + "rope.scaling.yarn_beta_fast", GgufValue.From((float)yarn.BetaFast));
                metadata.Set(prefix + "rope.scaling.yarn_beta_slow", GgufValue.From((float)yarn.BetaSlow));
                metadata.Set(prefix + "rope.scaling.attn_factor", GgufValue.From((float)(yarn.AttentionFactor / RopeConfig.YarnAttentionFactor(yarn.Factor, 1))));
                return RotaryDivisors.Of(rope).SequenceEqual(RotaryDivisors.Of(rope with { Scaling = new RopeScaling.Yarn(yarn.Factor, yarn.OriginalContext, 32, 1, yarn.AttentionFactor) }))
                    ? null
                    : $"llama.cpp takes 32 and 1 rotations for YaRN's bounds in models of this architecture, rounded to whole frequencies; this model has {yarn.BetaFast:0.###} and {yarn.BetaSlow:0.###}{(yarn.Truncate ? "" : ", not rounded")}";
            case RopeScaling.Llama3 llama3:
                WriteDecant(metadata, "llama3", llama3.Factor, llama3.OriginalContext);
                metadata.Set(DecantKeys.RopeLowFrequency, Double(llama3.LowFrequencyFactor));
                metadata.Set(DecantKeys.RopeHighFrequency, Double(llama3.HighFrequencyFactor));
                return holdsDivisors ? null : "llama.cpp loads no rotary divisors for this architecture: it runs without the llama3 scaling";
            case RopeScaling.DynamicNtk dynamic:
                WriteDecant(metadata, "dynamic", dynamic.Factor, dynamic.OriginalContext);
                return $"llama.cpp has no dynamic NTK scaling: its results differ beyond {dynamic.OriginalContext} tokens";
            case RopeScaling.LongRope longrope:
                metadata.Set(prefix + "rope.scaling.type", GgufValue.From("longrope"));
                metadata.Set(prefix + "rope.scaling.original_context_length", GgufValue.From((uint)longrope.OriginalContext));
                metadata.Set(prefix + "rope.scaling.attn_factor", GgufValue.From((float)longrope.AttentionFactor));
                return $"llama.cpp chooses longrope's factors by the size of its context, not by the length of the text: shorter texts differ if the context is larger than {longrope.OriginalContext}";
            default:
                return "llama.cpp loads no rotary divisors for this architecture: it runs without the scaling";
        }
    }

    /// <summary>The tensors that belong to a rotary spec, by canonical name.</summary>
    public static IEnumerable<(TensorRole Role, TensorData Data)> Tensors(RopeSpec rope, bool holdsDivisors)
    {
        switch (rope.Scaling)
        {
            case RopeScaling.LongRope longrope:
                yield return (TensorRole.RopeLongFactors, Vector(LongFactors, longrope.LongFactors));
                yield return (TensorRole.RopeShortFactors, Vector(ShortFactors, longrope.ShortFactors));
                break;
            case RopeScaling.Llama3 or RopeScaling.FrequencyDivisors when holdsDivisors:
            case RopeScaling.Yarn yarn when holdsDivisors && !IsUsual(yarn):
                yield return (TensorRole.RopeFrequencyDivisors, Vector(Divisors, RotaryDivisors.Of(rope)));
                break;
        }
    }

    private static bool IsUsual(RopeScaling.Yarn yarn) =>
        yarn is { BetaFast: 32, BetaSlow: 1, Truncate: true }
        && Math.Abs(yarn.AttentionFactor - RopeConfig.YarnAttentionFactor(yarn.Factor, 1)) < 1e-12;

    private static RopeScaling ReadStored(GgufSpecReader file, int rotary, int contextLength)
    {
        double? factor = file.FindPositiveOrZero("rope.scaling.factor") ?? file.FindPositiveOrZero("rope.scale_linear");
        if (factor == 0)
            factor = null;
        float attention = file.FindPositive("rope.scaling.attn_factor") ?? 1;
        int original = file.FindCount("rope.scaling.original_context_length") ?? contextLength;
        string type = file.FindText("rope.scaling.type") ?? "linear";
        ImmutableArray<float>? divisors = file.FindVector(Divisors, rotary / 2);
        ImmutableArray<float>? longer = file.FindVector(LongFactors, rotary / 2), shorter = file.FindVector(ShortFactors, rotary / 2);
        // llama.cpp's converter writes the two tensors and no type, and its loader asks for the tensors alone.
        if (type is "linear" or "none" && factor is null && longer is not null && shorter is not null)
            type = "longrope";
        switch (type)
        {
            case "yarn":
                double stretch = factor ?? 1;
                return new RopeScaling.Yarn(
                    stretch, original,
                    file.FindPositive("rope.scaling.yarn_beta_fast") ?? 32, file.FindPositive("rope.scaling.yarn_beta_slow") ?? 1,
                    attention * RopeConfig.YarnAttentionFactor(stretch, 1));
            case "longrope":
                if (longer is null || shorter is null)
                    throw BadFileException.Expected(file.Location, $"tensor {(longer is null ? LongFactors : ShortFactors)}", $"{rotary / 2} numbers for longrope", "no such tensor");
                return new RopeScaling.LongRope(shorter.Value, longer.Value, original, RopeConfig.Shortest(attention));
            case "linear" or "none":
                if (type == "linear" && factor is { } divisor && divisor != 1)
                {
                    if (divisors is not null || attention != 1)
                        throw file.NotSupported("rope.scaling.type", "linear together with rope_freqs or attn_factor", "one of them");
                    return new RopeScaling.Linear(divisor);
                }
                if (attention != 1 && !HasDecant(file))
                    throw file.NotSupported("rope.scaling.attn_factor", $"{attention}", "1, or type yarn or longrope");
                return divisors is { } d && d.Any(value => value != 1) ? new RopeScaling.FrequencyDivisors(d) : RopeScaling.None;
            default:
                throw file.NotSupported("rope.scaling.type", type, "none, linear, yarn, longrope");
        }
    }

    private static bool HasDecant(GgufSpecReader file) => file.FindDecantText(DecantKeys.RopeScaling) is not null;

    private static RopeScaling? ReadDecant(GgufSpecReader file, int contextLength, int rotary)
    {
        if (file.FindDecantText(DecantKeys.RopeScaling) is not { } type)
            return null;
        double factor = file.FindDecantNumber(DecantKeys.RopeFactor) ?? 1;
        double context = file.FindDecantNumber(DecantKeys.RopeOriginalContext) ?? contextLength;
        int original = context is > 1 and <= ConfigReader.MaximumCount
            ? (int)context
            : throw BadFileException.Expected(file.Location, $"metadata key {DecantKeys.RopeOriginalContext}", "a number above 1", $"{context}");
        switch (type)
        {
            case "dynamic" when rotary > 2:
                return new RopeScaling.DynamicNtk(factor, original);
            case "llama3":
                double low = file.FindDecantNumber(DecantKeys.RopeLowFrequency) ?? 1, high = file.FindDecantNumber(DecantKeys.RopeHighFrequency) ?? 4;
                return high > low
                    ? new RopeScaling.Llama3(factor, low, high, original)
                    : throw BadFileException.Expected(file.Location, $"metadata key {DecantKeys.RopeHighFrequency}", $"a number above {low}", $"{high}");
            case "yarn":
                double fast = file.FindDecantNumber(DecantKeys.RopeBetaFast) ?? 32, slow = file.FindDecantNumber(DecantKeys.RopeBetaSlow) ?? 1;
                return new RopeScaling.Yarn(
                    factor, original, fast, slow,
                    file.FindDecantNumber(DecantKeys.RopeAttentionFactor) ?? RopeConfig.YarnAttentionFactor(factor, 1),
                    file.FindDecantFlag(DecantKeys.RopeTruncate, absent: true));
            default:
                throw new NotSupportedModelException($"{file.Location}: metadata key {DecantKeys.RopeScaling}: {type} is not supported. Supported: dynamic, llama3, yarn.");
        }
    }

    private static void WriteDecant(GgufMetadata metadata, string type, double factor, int originalContext)
    {
        metadata.Set(DecantKeys.RopeScaling, GgufValue.From(type));
        metadata.Set(DecantKeys.RopeFactor, Double(factor));
        metadata.Set(DecantKeys.RopeOriginalContext, GgufValue.From((uint)originalContext));
    }

    private static GgufValue Double(double value) => new(GgufValueType.Float64, value);

    private static MemoryTensor Vector(string name, ImmutableArray<float> values) =>
        MemoryTensor.FromValues(name, new TensorShape(values.Length), values.AsSpan());
}
