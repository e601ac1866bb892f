using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>DeepSeek-V2 (DeepSeek-AI 2024): latent attention, experts scored by softmax whose weights are scaled, not renormalised.</summary>
public sealed class DeepSeek2Architecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "deepseek_v2";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["deepseek_v2"];

    /// <inheritdoc/>
    public override string GgufName => "deepseek2";

    /// <inheritdoc/>
    internal override RopePairing HuggingFacePairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override bool GgufStatesExpertWidth => true;

    /// <inheritdoc/>
    internal override bool GgufScaleIsHonoured => true;

    /// <inheritdoc/>
    internal override ConfigKeys Keys => DeepSeekForm.Keys;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => DeepSeekForm.NarrowQueryNames;

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout => DeepSeekForm.NarrowQueryGgufNames;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(DecoderSpec spec) =>
        DeepSeekForm.HasNarrowQuery(spec) ? DeepSeekForm.NarrowQueryNames : DeepSeekForm.WideQueryNames;

    /// <inheritdoc/>
    internal override TensorLayout GgufLayoutOf(DecoderSpec spec) =>
        DeepSeekForm.HasNarrowQuery(spec) ? DeepSeekForm.NarrowQueryGgufNames : DeepSeekForm.WideQueryGgufNames;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        config.RequireOff("norm_topk_prob");
        if (config.FindText("scoring_func") is { } scoring && scoring != "softmax")
            throw config.NotSupported("scoring_func", "softmax");
        string method = config.FindText("topk_method") ?? "greedy";
        if (method is not ("greedy" or "group_limited_greedy"))
            throw config.NotSupported("topk_method", "greedy, group_limited_greedy");
        return DeepSeekForm.ReadConfig(config, (experts, used) =>
        {
            ExpertGroupsSpec? groups = DeepSeekForm.ReadGroups(config, experts, sumsTopTwo: false);
            return new ExpertsSpec(experts, used, Renormalise: false) { Groups = method == "greedy" ? null : groups };
        });
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = DeepSeekForm.WriteConfig(spec, "deepseek_v2", "DeepseekV2ForCausalLM");
        config["topk_method"] = spec.Layers.Any(layer => layer.FeedForward.Experts?.Groups is not null) ? "group_limited_greedy" : "greedy";
        config["norm_topk_prob"] = false;
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file) => DeepSeekForm.ReadGguf(file);

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata) => DeepSeekForm.WriteGguf(spec, metadata);

    /// <inheritdoc/>
    internal override DecoderSpec ForGguf(DecoderSpec spec) => DeepSeekForm.ForGguf(spec);

    /// <inheritdoc/>
    internal override DecoderSpec ForHuggingFace(DecoderSpec spec) => DeepSeekForm.ForHuggingFace(spec);

    /// <inheritdoc/>
    internal override TensorData ForGguf(DecoderSpec spec, TensorId id, TensorData data) => DeepSeekForm.ForGguf(spec, id, data);

    /// <inheritdoc/>
    internal override TensorData ForHuggingFace(DecoderSpec spec, TensorId id, TensorData data) => DeepSeekForm.ForHuggingFace(spec, id, data);

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) => DeepSeekForm.GgufDifference(spec);
}
