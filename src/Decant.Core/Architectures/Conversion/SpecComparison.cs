using Decant.Core.Architectures.Configuration;

namespace Decant.Core.Architectures.Conversion;

/// <summary>Compares a spec with what a written file reads back as: the proof that a container can hold the model.</summary>
internal static class SpecComparison
{
    /// <summary>How far rotary divisors may lie apart that are equal but for single-precision rounding.</summary>
    private const float DivisorTolerance = 1e-5f;

    /// <summary>The first difference in words, or null if the specs compute the same up to the rounding of stored single-precision numbers.</summary>
    public static string? FirstDifference(DecoderSpec expected, DecoderSpec got)
    {
        if (expected.Layers.Length != got.Layers.Length)
            return $"{expected.Layers.Length} blocks became {got.Layers.Length}";
        return Differ("vocabulary", expected.VocabularySize, got.VocabularySize)
            ?? Differ("hidden size", expected.HiddenSize, got.HiddenSize)
            ?? Differ("context length", expected.ContextLength, got.ContextLength)
            ?? Differ("embedding", expected.Embedding, got.Embedding)
            ?? Differ("final norm", expected.FinalNorm, got.FinalNorm)
            ?? Differ("head", expected.Head, got.Head)
            ?? Enumerable.Range(0, expected.Layers.Length).Select(layer => LayerDifference(layer, expected.Layers[layer], got.Layers[layer])).FirstOrDefault(d => d is not null);
    }

    /// <summary>The first difference between two encoders; heads are not compared, for a config does not tell which of them a checkpoint has.</summary>
    public static string? FirstDifference(EncoderSpec expected, EncoderSpec got)
    {
        if (expected.Layers.Length != got.Layers.Length)
            return $"{expected.Layers.Length} blocks became {got.Layers.Length}";
        return Differ("vocabulary", expected.VocabularySize, got.VocabularySize)
            ?? Differ("hidden size", expected.HiddenSize, got.HiddenSize)
            ?? Differ("context length", expected.ContextLength, got.ContextLength)
            ?? Differ("embedding", expected.Embedding, got.Embedding)
            ?? Differ("blocks of a group", expected.GroupLength, got.GroupLength)
            ?? Differ("steps", string.Join(", ", expected.Steps), string.Join(", ", got.Steps))
            ?? Differ("final norm", expected.FinalNorm, got.FinalNorm)
            ?? Enumerable.Range(0, expected.Layers.Length).Select(layer => LayerDifference(layer, expected.Layers[layer], got.Layers[layer])).FirstOrDefault(d => d is not null);
    }

    private static string? LayerDifference(int layer, LayerSpec expected, LayerSpec got)
    {
        string at = $"block {layer}: ";
        return Differ(at + "form", expected.Form, got.Form)
            ?? Differ(at + "norms", expected.NormPlacement, got.NormPlacement)
            ?? Differ(at + "norm", expected.Norm, got.Norm)
            ?? Differ(at + "residual scale", expected.ResidualScale, got.ResidualScale)
            ?? Differ(at + "feed-forward", expected.FeedForward, got.FeedForward)
            ?? Differ(at + "attention", expected.Attention with { Rope = null }, got.Attention with { Rope = null })
            ?? RopeDifference(at + "rotary positions", expected.Attention.Rope, got.Attention.Rope)
            ?? Differ(at + "attention without a norm", expected.SkipsAttentionNorm, got.SkipsAttentionNorm)
            ?? Differ(at + "cross-attention", expected.CrossAttention, got.CrossAttention)
            ?? Differ(at + "shared norm", expected.SharedNorm, got.SharedNorm)
            ?? Differ(at + "projections", expected.Projections, got.Projections);
    }

    private static string? RopeDifference(string what, RopeSpec? expected, RopeSpec? got)
    {
        if (expected is null || got is null)
            return Differ(what, expected, got);
        (RopeSpec first, RopeSpec second) = (Rounded(expected), Rounded(got));
        // A file of divisors and a config that names the bands say the same thing.
        if ((first.Scaling is RopeScaling.FrequencyDivisors) != (second.Scaling is RopeScaling.FrequencyDivisors)
            && first.Scaling is RopeScaling.Llama3 or RopeScaling.FrequencyDivisors && second.Scaling is RopeScaling.Llama3 or RopeScaling.FrequencyDivisors)
        {
            bool close = RotaryDivisors.Of(first).Zip(RotaryDivisors.Of(second)).All(pair => Math.Abs(pair.First - pair.Second) <= DivisorTolerance * pair.First);
            if (close)
                (first, second) = (first with { Scaling = RopeScaling.None }, second with { Scaling = RopeScaling.None });
        }
        // Divisors are many numbers: what is wrong with them is said in words.
        if ((first.Scaling is RopeScaling.FrequencyDivisors) != (second.Scaling is RopeScaling.FrequencyDivisors))
            return $"{what}: divisors of frequencies (rope_freqs.weight) that no bands as Llama 3 has them (1, a ramp, one factor) give cannot be stated";
        return Differ(what, first, second);
    }

    private static RopeSpec Rounded(RopeSpec rope) => rope with
    {
        Base = Rounded(rope.Base),
        Scaling = rope.Scaling switch
        {
            RopeScaling.Linear linear => new RopeScaling.Linear(Rounded(linear.Factor)),
            RopeScaling.DynamicNtk dynamic => dynamic with { Factor = Rounded(dynamic.Factor) },
            RopeScaling.Llama3 llama3 => new RopeScaling.Llama3(
                Rounded(llama3.Factor), Rounded(llama3.LowFrequencyFactor), Rounded(llama3.HighFrequencyFactor), llama3.OriginalContext),
            RopeScaling.Yarn yarn => new RopeScaling.Yarn(
                Rounded(yarn.Factor), yarn.OriginalContext, Rounded(yarn.BetaFast), Rounded(yarn.BetaSlow), Rounded(yarn.AttentionFactor), yarn.Truncate),
            RopeScaling.LongRope longrope => longrope with { AttentionFactor = Rounded(longrope.AttentionFactor) },
            var other => other,
        },
    };

    private static double Rounded(double value) => RopeConfig.Shortest((float)value);

    private static string? Differ<T>(string what, T expected, T got) =>
        EqualityComparer<T>.Default.Equals(expected, got) ? null : $"{what}: {Changes(Show(expected), Show(got))}";

    // Of two records of one kind, only the members that differ.
    private static string Changes(string expected, string got)
    {
        (string kind, string[] before) = Members(expected);
        (string other, string[] after) = Members(got);
        string[] changes = kind != other || before.Length == 0 || before.Length != after.Length
            ? []
            : [.. before.Zip(after).Where(pair => pair.First != pair.Second).Select(pair => $"{pair.First} became {pair.Second[(pair.Second.IndexOf('=') + 1)..].Trim()}")];
        return changes.Length == 0 ? $"{expected} became {got}" : string.Join(", ", changes);
    }

    /// <summary>The members in a record's text, <c>Kind { A = 1, B = Other { C = 2 } }</c>; none of other texts.</summary>
    private static (string Kind, string[] Members) Members(string text)
    {
        int start = text.IndexOf(" { ", StringComparison.Ordinal);
        if (start < 0 || !text.EndsWith(" }", StringComparison.Ordinal))
            return (text, []);
        var members = new List<string>();
        int depth = 0, first = start + 3;
        for (int i = first; i < text.Length - 2; i++)
        {
            depth += text[i] is '{' or '[' or '(' ? 1 : text[i] is '}' or ']' or ')' ? -1 : 0;
            if (depth == 0 && text[i] == ',')
            {
                members.Add(text[first..i].Trim());
                first = i + 1;
            }
        }
        members.Add(text[first..^2].Trim());
        return (text[..start], [.. members.Select(member => member.EndsWith('=') ? member + " none" : member)]);
    }

    private static string Show<T>(T value) => value?.ToString() ?? "none";
}
