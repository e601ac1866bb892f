using System.Globalization;
using System.Text.Json.Nodes;
using Decant.Cli.Output;
using Decant.Core.Architectures;
using Decant.Core.Tensors;

namespace Decant.Cli.Models;

/// <summary>
/// How a model is built, for people and as JSON. What all kinds of models have comes from <see cref="ModelSpec"/>; the kinds that say more are told apart here and
/// nowhere else in the verb.
/// </summary>
internal static class LayoutSummary
{
    private const int MostBlocksNamed = 8;

    // What a cache holds where nothing else is asked for.
    private const int BytesOfCachedElement = 2;

    /// <summary>Rows of name and value, one for each side of the layout.</summary>
    public static IEnumerable<(string Name, string Value)> Facts(ModelSpec spec)
    {
        yield return ("context", Context(spec));
        yield return ("blocks", Blocks(spec));
        LayerSpec[] layers = LayersOf(spec);
        AttentionSpec[] attention = [.. layers.Select(layer => layer.Attention)];
        if (attention.Length > 0)
        {
            yield return ("attention", spec is EncoderDecoderSpec both ? Heads(both) : Heads(attention) + (attention[0].Bidirectional ? ", both ways" : ""));
            if (Windows(attention) is { } windows)
                yield return ("window", windows);
        }
        if (Mixing(spec) is { } mixing)
            yield return mixing;
        yield return ("positions", Positions(spec, attention));
        if (layers.Length > 0)
            yield return ("feed-forward", FeedForward([.. layers.Select(layer => layer.FeedForward)]));
    }

    /// <summary>The <c>layout</c> object of the verb's document; what a kind of model does not have is null.</summary>
    public static JsonObject ToJson(ModelSpec spec)
    {
        LayerSpec[] layers = LayersOf(spec);
        AttentionSpec[] attention = [.. layers.Select(layer => layer.Attention)];
        FeedForwardSpec? feedForward = layers.FirstOrDefault()?.FeedForward;
        ExpertsSpec? experts = layers.Select(layer => layer.FeedForward.Experts).FirstOrDefault(e => e is not null);
        RopeSpec? rope = attention.Select(a => a.Rope).FirstOrDefault(r => r is not null);
        return new JsonObject
        {
            ["layers"] = spec.LayerCountOf(StackKind.Main),
            ["encoder_layers"] = spec.LayerCountOf(StackKind.Encoder),
            ["hidden_size"] = spec.HiddenSize,
            ["vocabulary_size"] = spec.VocabularySize,
            ["context_length"] = spec.ContextLength,
            ["tied_embeddings"] = spec.HeadIsTied,
            ["heads"] = attention.FirstOrDefault()?.HeadCount,
            ["key_value_heads"] = attention.FirstOrDefault()?.KeyValueHeadCount,
            ["head_size"] = attention.FirstOrDefault()?.HeadSize,
            ["window"] = attention.Select(a => a.Window).FirstOrDefault(window => window is not null),
            ["windowed_layers"] = attention.Count(a => a.Window is not null),
            ["positions"] = PositionKind(spec, attention),
            ["rope_base"] = rope?.Base,
            ["rope_scaling"] = rope is null ? null : ScalingName(rope.Scaling),
            ["rotary_size"] = rope?.RotaryCount,
            ["feed_forward_size"] = feedForward?.Width,
            ["activation"] = feedForward is null ? null : Name(feedForward.Activation),
            ["gated"] = feedForward?.Gated,
            ["experts"] = experts?.Count,
            ["experts_used"] = experts?.UsedCount,
            ["cache_bytes_per_token"] = CachingLayersOf(spec) is { Length: > 0 } caching ? CachedByteCount(caching) : null,
            ["blocks"] = new JsonArray([.. layers.Select(layer => (JsonNode)new JsonObject
            {
                ["heads"] = layer.Attention.HeadCount,
                ["key_value_heads"] = layer.Attention.KeyValueHeadCount,
                ["head_size"] = layer.Attention.HeadSize,
                ["value_size"] = layer.Attention.ValueSize,
                ["window"] = layer.Attention.Window,
                ["rope_base"] = layer.Attention.Rope?.Base,
                ["experts"] = layer.FeedForward.Experts?.Count,
            })]),
        };
    }

    /// <summary>The blocks of kinds of models that are built of them, an encoder's before a decoder's; none of other kinds.</summary>
    private static LayerSpec[] LayersOf(ModelSpec spec) => spec switch
    {
        DecoderSpec decoder => [.. decoder.Layers],
        EncoderSpec encoder => [.. encoder.Layers],
        EncoderDecoderSpec both => [.. both.Encoder.Layers, .. both.Decoder.Layers],
        _ => [],
    };

    // Blocks that keep keys and values of what was read.
    private static LayerSpec[] CachingLayersOf(ModelSpec spec) => spec switch
    {
        DecoderSpec decoder => [.. decoder.Layers],
        EncoderDecoderSpec both => [.. both.Decoder.Layers],
        _ => [],
    };

    private static int? LearnedPositionsOf(ModelSpec spec) => spec switch
    {
        DecoderSpec decoder => decoder.Embedding.LearnedPositionCount,
        EncoderSpec encoder => encoder.Embedding.LearnedPositionCount,
        ReformerSpec reformer => reformer.PositionCount,
        _ => null,
    };

    // Blocks that run one after another may be the same stored one.
    private static int StepsOf(ModelSpec spec) => spec is EncoderSpec encoder ? encoder.StepCount * encoder.GroupLength : LayersOf(spec).Length;

    private static string Context(ModelSpec spec)
    {
        string text = $"{Quantities.Count(spec.ContextLength)} tokens";
        LayerSpec[] caching = CachingLayersOf(spec);
        if (spec is RecurrentSpec)
            return $"{text} in training; a text of any length takes the same memory";
        return caching.Length == 0 ? text : $"{text}; each takes {Quantities.Bytes(CachedByteCount(caching))} of keys and values (F16)";
    }

    private static long CachedByteCount(IEnumerable<LayerSpec> layers) =>
        layers.Sum(layer => (long)layer.Attention.KeyValueHeadCount * (layer.Attention.HeadSize + layer.Attention.ValueSize) * BytesOfCachedElement);

    private static string Blocks(ModelSpec spec)
    {
        int main = spec.LayerCountOf(StackKind.Main);
        int encoder = spec.LayerCountOf(StackKind.Encoder);
        string count = encoder == 0 ? $"{main}" : $"{encoder} that encode and {main} that decode,";
        if (StepsOf(spec) > main + encoder)
            count = $"{count} stored, {StepsOf(spec)} run,";
        return $"{count} of width {Quantities.Count(spec.HiddenSize)}; {Head(spec)}";
    }

    private static string Head(ModelSpec spec) => spec switch
    {
        { HeadIsTied: true } => "head tied to the embedding",
        EncoderSpec { TokenHead: null, ClassCount: { } classes } => $"head for {classes} classes",
        EncoderSpec { TokenHead: null } => "no head",
        _ => "embedding and head apart",
    };

    // A decoder's blocks attend to what it wrote and, in a second step, to all that was encoded.
    private static string Heads(EncoderDecoderSpec both)
    {
        string encoder = Heads([.. both.Encoder.Layers.Select(layer => layer.Attention)]);
        string decoder = Heads([.. both.Decoder.Layers.Select(layer => layer.Attention)]);
        const string encoderWay = "encoder both ways", decoderWay = "decoder causal, with cross-attention";
        return encoder == decoder ? $"{encoder}; {encoderWay}, {decoderWay}" : $"{encoder}, {encoderWay}; {decoder}, {decoderWay}";
    }

    private static string Heads(AttentionSpec[] attention)
    {
        AttentionSpec first = attention[0];
        string text = first.KeyValueHeadCount == first.HeadCount
            ? $"{first.HeadCount} heads of {first.HeadSize}"
            : $"{first.HeadCount} heads of {first.HeadSize} on {first.KeyValueHeadCount} key-value heads";
        if (first.Latent is { } latent)
            text += $"; latent (MLA): keys and values from {latent.KeyValueRank} numbers a token";
        int others = attention.Count(a => (a.HeadCount, a.KeyValueHeadCount, a.HeadSize) != (first.HeadCount, first.KeyValueHeadCount, first.HeadSize));
        return others == 0 ? text : $"{text}; otherwise in {others} of {attention.Length} blocks";
    }

    // Blocks that mix positions in another way than by attention to all of them.
    private static (string, string)? Mixing(ModelSpec spec) => spec switch
    {
        RecurrentSpec { Layers: [var first, ..] } => ("mixing", first.Mixer switch
        {
            SelectiveScanSpec scan => $"selective scan, {Quantities.Count(scan.InnerSize)} channels with {scan.StateSize} numbers each (Mamba)",
            HeadScanSpec scan => $"scan by {scan.HeadCount} heads of {scan.HeadSize}, {scan.StateSize} numbers a channel (Mamba 2)",
            TimeMixingSpec mixing => $"decaying means of {Quantities.Count(mixing.Width)} channels (RWKV-4)",
            MixerSpec other => other.GetType().Name,
        }),
        ReformerSpec { Layers: [var first, ..] } reformer => ("attention", $"{first.Attention.HeadCount} heads of {first.Attention.HeadSize}, in chunks: "
            + $"{reformer.Layers.Count(layer => layer.Attention is HashedAttentionSpec)} of {reformer.Layers.Length} blocks by hashes (LSH), the others local"),
        _ => null,
    };

    private static string? Windows(AttentionSpec[] attention)
    {
        int[] windows = [.. attention.Select(a => a.Window).OfType<int>().Distinct().Order()];
        if (windows.Length == 0)
            return null;
        int[] whole = [.. Enumerable.Range(0, attention.Length).Where(i => attention[i].Window is null)];
        string text = $"{string.Join(" or ", windows.Select(window => Quantities.Count(window)))} tokens in {attention.Length - whole.Length} of {attention.Length} blocks";
        return whole.Length switch
        {
            0 => text,
            1 => $"{text}; block {whole[0]} sees all",
            <= MostBlocksNamed => $"{text}; blocks {string.Join(", ", whole)} see all",
            _ => $"{text}; blocks {string.Join(", ", whole.Take(MostBlocksNamed))} ... see all",
        };
    }

    private static string Positions(ModelSpec spec, AttentionSpec[] attention)
    {
        AttentionSpec[] rotating = [.. attention.Where(a => a.Rope is not null)];
        if (rotating.Length == 0)
        {
            return PositionKind(spec, attention) switch
            {
                "alibi" => "ALiBi: nearer tokens weigh more",
                "learned" => $"{Quantities.Count(LearnedPositionsOf(spec)!.Value)} learned",
                "relative" => "relative: a learned bias for each distance",
                "none" => "none",
                _ => "by the order of reading",
            };
        }
        double[] bases = [.. rotating.Select(a => a.Rope!.Base).Distinct()];
        RopeSpec first = rotating[0].Rope!;
        string text = $"rotary, base {string.Join(" or ", bases.Select(b => b.ToString("#,0.##", CultureInfo.InvariantCulture)))}";
        if (first.RotaryCount < rotating[0].HeadSize)
            text += $", {first.RotaryCount} of {rotating[0].HeadSize} elements";
        if (first.Scaling is not RopeScaling.NoScaling)
            text += $", {Scaling(first.Scaling)}";
        return rotating.Length == attention.Length ? text : $"{text}, in {rotating.Length} of {attention.Length} blocks";
    }

    private static string? PositionKind(ModelSpec spec, AttentionSpec[] attention) => spec switch
    {
        _ when attention.Any(a => a.Rope is not null) => "rotary",
        _ when attention.Any(a => a.Alibi is not null) => "alibi",
        _ when attention.Any(a => a.RelativeBias is not null) => "relative",
        _ when LearnedPositionsOf(spec) is not null => "learned",
        _ => attention.Length > 0 ? "none" : null,
    };

    private static string FeedForward(FeedForwardSpec[] layers)
    {
        FeedForwardSpec shown = Array.Find(layers, layer => layer.Experts is not null) ?? layers[0];
        string text = $"{Quantities.Count(shown.Width)} wide, {(shown.Gated ? "gated " : "")}{Name(shown.Activation)}";
        if (shown.Experts is not { } experts)
            return text;
        text = $"{experts.UsedCount} of {experts.Count} experts, each {text}";
        if (experts.Shared is { } shared)
            text += $", and one of {Quantities.Count(shared.Width)} always";
        int dense = layers.Count(layer => layer.Experts is null);
        return dense == 0 ? text : $"{text}; dense in {dense} of {layers.Length} blocks";
    }

    private static string Name(Activation activation) => activation switch
    {
        Activation.Silu => "SiLU",
        Activation.GeluTanh => "GELU (tanh)",
        Activation.GeluErf => "GELU",
        Activation.Relu => "ReLU",
        Activation.ReluSquared => "squared ReLU",
        Activation.Tanh => "tanh",
        _ => activation.ToString(),
    };

    private static string Scaling(RopeScaling scaling) => scaling switch
    {
        RopeScaling.Linear linear => $"linear × {Number(linear.Factor)}",
        RopeScaling.DynamicNtk dynamic => $"dynamic × {Number(dynamic.Factor)} from {Quantities.Count(dynamic.OriginalContext)} on",
        RopeScaling.Llama3 bands => $"llama3 × {Number(bands.Factor)} from {Quantities.Count(bands.OriginalContext)}",
        RopeScaling.Yarn yarn => $"yarn × {Number(yarn.Factor)} from {Quantities.Count(yarn.OriginalContext)}",
        RopeScaling.LongRope longRope => $"longrope from {Quantities.Count(longRope.OriginalContext)}",
        _ => ScalingName(scaling),
    };

    private static string ScalingName(RopeScaling scaling) => scaling switch
    {
        RopeScaling.NoScaling => "none",
        RopeScaling.Linear => "linear",
        RopeScaling.DynamicNtk => "dynamic",
        RopeScaling.Llama3 => "llama3",
        RopeScaling.Yarn => "yarn",
        RopeScaling.LongRope => "longrope",
        RopeScaling.FrequencyDivisors => "frequency divisors",
        _ => scaling.GetType().Name,
    };

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
