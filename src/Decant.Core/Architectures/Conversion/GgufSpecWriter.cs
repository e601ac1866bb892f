using Decant.Core.Architectures.Configuration;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// Writes a spec as the keys that llama.cpp's loader reads: those it requires for every architecture, then those the spec has values
/// for. What no key can say is found out by reading the result back (<see cref="GgufExport"/>).
/// </summary>
internal static class GgufSpecWriter
{
    /// <summary>Writes all keys of the spec.</summary>
    /// <returns>What llama.cpp will not do, in words.</returns>
    public static List<string> Write(DecoderSpec spec, DecoderArchitecture architecture, GgufMetadata metadata)
    {
        string prefix = architecture.GgufName + ".";
        LayerSpec first = spec.Layers[0];
        AttentionSpec attention = first.Attention;
        var notices = new List<string>();

        void Count(string key, int value) => metadata.Set(prefix + key, GgufValue.From((uint)value));
        void Number(string key, float value) => metadata.Set(prefix + key, GgufValue.From(value));
        void PerLayer(string key, Func<LayerSpec, int> of)
        {
            if (spec.Layers.All(layer => of(layer) == of(first)))
                Count(key, of(first));
            else
                metadata.Set(prefix + key, GgufValue.From(spec.Layers.Select(layer => (uint)of(layer)).ToArray()));
        }

        metadata.Set("general.architecture", GgufValue.From(architecture.GgufName!));
        metadata.Set("general.type", GgufValue.From("model"));
        Count("context_length", spec.ContextLength);
        Count("embedding_length", spec.HiddenSize);
        Count("block_count", spec.Layers.Length);
        LayerSpec? sparse = spec.Layers.FirstOrDefault(layer => layer.FeedForward.Experts is not null);
        LayerSpec? dense = spec.Layers.FirstOrDefault(layer => layer.FeedForward.Experts is null);
        PerLayer("feed_forward_length", layer => layer.FeedForward.Experts is not null && dense is not null && architecture.GgufStatesExpertWidth ? dense.FeedForward.Width : layer.FeedForward.Width);
        PerLayer("attention.head_count", layer => layer.Attention.HeadCount);
        PerLayer("attention.head_count_kv", layer => layer.Attention.KeyValueHeadCount);
        Count("attention.key_length", attention.HeadSize);
        Count("attention.value_length", attention.ValueSize);
        Number(first.Norm.Kind == NormKind.Layer ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", first.Norm.Epsilon);
        Count("vocab_size", spec.VocabularySize);
        if (sparse?.FeedForward.Experts is { } experts)
        {
            Count("expert_count", experts.Count);
            Count("expert_used_count", experts.UsedCount);
            if (architecture.GgufStatesExpertWidth)
                Count("expert_feed_forward_length", sparse.FeedForward.Width);
            if (experts.Shared is { } shared)
                Count("expert_shared_feed_forward_length", shared.Width);
        }
        GgufActivation.Write(metadata, architecture.Name, architecture.GgufActivation, first.FeedForward.Activation, notices, architecture.GgufActivationKey);
        if (architecture.GgufRopeOf(spec) is { } rope && GgufRope.Write(metadata, prefix, rope, architecture.GgufHoldsRotaryDivisors) is { } notice)
            notices.Add(notice);
        if (attention.Scale != DecoderDimensions.ScaleOf(attention.HeadSize))
        {
            Number("attention.scale", attention.Scale);
            if (!architecture.GgufScaleIsHonoured)
                notices.Add($"llama.cpp scales attention scores of {architecture.Name} models by the head size; the model wants 1/√{1 / ((double)attention.Scale * attention.Scale):0.##} instead of 1/√{attention.HeadSize}");
        }
        if (attention.SoftCap is { } attentionCap)
            Number("attn_logit_softcapping", attentionCap);
        if (spec.Head.SoftCap is { } cap)
            Number("final_logit_softcapping", cap);
        if (spec.FirstWindow is { } window)
        {
            Count("attention.sliding_window", window);
            if (spec.Layers.Any(layer => layer.Attention.Window is null))
                metadata.Set(prefix + "attention.sliding_window_pattern", GgufValue.From(spec.Layers.Select(layer => layer.Attention.Window is not null).ToArray()));
        }
        architecture.WriteGguf(spec, metadata);
        if (architecture.GgufLimits.WhyRefused(spec) is { } reason)
            notices.Add(reason);
        if (architecture.GgufDifference(spec) is { } difference)
            notices.Add(difference);
        if (!architecture.GgufWindowIsHonoured && spec.Layers.Select(layer => layer.Attention.Window).Min() is { } narrowest)
            notices.Add($"llama.cpp ignores the sliding window of {architecture.Name} models: its results differ beyond {narrowest} tokens");
        return notices;
    }
}
