using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Mixtral (Jiang et al. 2024): Mistral with a mixture of experts in every block, whose chosen weights are renormalised. GGUF has no
/// architecture of its own for it.
/// </summary>
public sealed class MixtralArchitecture : DecoderArchitecture
{
    private const int DefaultContext = 131072;

    /// <inheritdoc/>
    public override string Name => "mixtral";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["mixtral"];

    /// <inheritdoc/>
    public override string GgufName => "llama";

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}layers.{layer}.block_sparse_moe.gate", TensorRole.Router),
        TensorLayout.Module("{prefix}layers.{layer}.block_sparse_moe.experts.{expert}.w1", TensorRole.Gate),
        TensorLayout.Module("{prefix}layers.{layer}.block_sparse_moe.experts.{expert}.w3", TensorRole.Up),
        TensorLayout.Module("{prefix}layers.{layer}.block_sparse_moe.experts.{expert}.w2", TensorRole.Down));

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override bool GgufHoldsRotaryDivisors => true;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, DefaultContext, defaultKeyValueHeads: 8);
        config.RequireOff("attention_bias");
        config.RequireOff("mlp_bias");
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 1e6)) with
        {
            Window = config.FindCount("sliding_window"),
        };
        int experts = config.FindCount(Keys.Experts, DecoderDimensions.MaximumExperts / sizes.Layers) ?? 8;
        int used = config.FindCount("num_experts_per_tok") ?? 2;
        if (used > experts)
            throw config.Contradiction("num_experts_per_tok", $"a number up to {Keys.Experts} = {experts}");
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.Silu),
            Width = sizes.Width,
            Experts = new ExpertsSpec(experts, used, Renormalise: true),
        };
        return LlamaForm.Build(sizes, LlamaForm.Norm(config, 1e-5), config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "mixtral", "MixtralForCausalLM");
        config["sliding_window"] = spec.Layers[0].Attention.Window;
        ExpertsSpec experts = spec.Layers[0].FeedForward.Experts!;
        config[Keys.Experts] = experts.Count;
        config["num_experts_per_tok"] = experts.UsedCount;
        return config;
    }

    /// <inheritdoc/>
    internal override bool ClaimsGguf(GgufSpecReader file) => file.FindCountOrZero("expert_count") is > 0;

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        Activation activation = file.Activation(GgufActivation);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        int?[] windows = sizes.Windows(file, _ => true);
        int experts = file.GetCount("expert_count", DecoderDimensions.MaximumExperts / sizes.Layers);
        var choice = new ExpertsSpec(experts, file.GetCount("expert_used_count", experts), Renormalise: true);
        return LlamaForm.BuildGguf(
            sizes,
            LlamaForm.Norm(file),
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with { Rope = rope, Window = windows[layer] },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer], Experts = choice });
    }
}
