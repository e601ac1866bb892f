using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;

namespace Decant.Core.Architectures.Families;

/// <summary>DeepSeek-V3 and R1 (DeepSeek-AI 2024): latent attention, experts scored by the logistic function and chosen from the best groups with a bias.</summary>
public sealed class DeepSeek3Architecture : DeepSeekArchitecture
{
    /// <inheritdoc/>
    public override string Name => "deepseek_v3";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["deepseek_v3"];

    /// <inheritdoc/>
    internal override bool ClaimsGguf(GgufSpecReader file) => file.FindCountOrZero("expert_gating_func") == 2;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        if (config.FindText("scoring_func") is { } scoring && scoring != "sigmoid")
            throw config.NotSupported("scoring_func", "sigmoid");
        if (config.FindText("topk_method") is { } method && method != "noaux_tc")
            throw config.NotSupported("topk_method", "noaux_tc");
        return DeepSeekConfig.Read(config, (Dense: 3, Shared: 1, Scale: 2.5), (experts, used) => new ExpertsSpec(experts, used, config.GetFlag("norm_topk_prob", absent: true))
        {
            Scoring = ExpertScoring.Sigmoid,
            ChoiceBias = true,
            Groups = DeepSeekConfig.ReadGroups(config, experts, (8, 4), sumsTopTwo: true),
        });
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = DeepSeekConfig.Write(spec, "deepseek_v3", "DeepseekV3ForCausalLM");
        config["norm_topk_prob"] = spec.Layers.Select(layer => layer.FeedForward.Experts).FirstOrDefault(experts => experts is not null)?.Renormalise ?? true;
        return config;
    }
}
