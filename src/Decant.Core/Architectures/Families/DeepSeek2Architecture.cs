using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;

namespace Decant.Core.Architectures.Families;

/// <summary>DeepSeek-V2 (DeepSeek-AI 2024): latent attention, experts scored by softmax whose weights are scaled, not renormalised.</summary>
public sealed class DeepSeek2Architecture : DeepSeekArchitecture
{
    /// <inheritdoc/>
    public override string Name => "deepseek_v2";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["deepseek_v2"];

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        config.RequireOff("norm_topk_prob");
        if (config.FindText("scoring_func") is { } scoring && scoring != "softmax")
            throw config.NotSupported("scoring_func", "softmax");
        string method = config.FindText("topk_method") ?? "greedy";
        if (method is not ("greedy" or "group_limited_greedy"))
            throw config.NotSupported("topk_method", "greedy, group_limited_greedy");
        // The reference rotates neighbours together whatever this key, which is V3's, says.
        if (!config.GetFlag("rope_interleave", absent: true))
            throw config.NotSupported("rope_interleave", "true");
        return DeepSeekConfig.Read(config, (Dense: 0, Shared: 2, Scale: 1), (experts, used) =>
        {
            ExpertGroupsSpec? groups = DeepSeekConfig.ReadGroups(config, experts, (1, 1), sumsTopTwo: false);
            return new ExpertsSpec(experts, used, Renormalise: false) { Groups = method == "greedy" ? null : groups };
        });
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = DeepSeekConfig.Write(spec, "deepseek_v2", "DeepseekV2ForCausalLM");
        config["topk_method"] = spec.Layers.Any(layer => layer.FeedForward.Experts?.Groups is not null) ? "group_limited_greedy" : "greedy";
        config["norm_topk_prob"] = false;
        return config;
    }
}
