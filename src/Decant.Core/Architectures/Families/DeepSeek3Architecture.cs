using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>DeepSeek-V3 and R1 (DeepSeek-AI 2024): latent attention, experts scored by the logistic function and chosen from the best groups with a bias.</summary>
public sealed class DeepSeek3Architecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "deepseek_v3";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["deepseek_v3"];

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
    internal override bool ClaimsGguf(GgufSpecReader file) => file.FindCountOrZero("expert_gating_func") == 2;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        if (config.FindText("scoring_func") is { } scoring && scoring != "sigmoid")
            throw config.NotSupported("scoring_func", "sigmoid");
        if (config.FindText("topk_method") is { } method && method != "noaux_tc")
            throw config.NotSupported("topk_method", "noaux_tc");
        return DeepSeekForm.ReadConfig(config, (experts, used) => new ExpertsSpec(experts, used, config.GetFlag("norm_topk_prob", absent: true))
        {
            Scoring = ExpertScoring.Sigmoid,
            ChoiceBias = true,
            Groups = DeepSeekForm.ReadGroups(config, experts, sumsTopTwo: true),
        });
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = DeepSeekForm.WriteConfig(spec, "deepseek_v3", "DeepseekV3ForCausalLM");
        config["norm_topk_prob"] = spec.Layers.Select(layer => layer.FeedForward.Experts).FirstOrDefault(experts => experts is not null)?.Renormalise ?? true;
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
