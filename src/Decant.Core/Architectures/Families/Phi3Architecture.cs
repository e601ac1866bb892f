using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>Phi-3, 3.5 and Phi-4-mini (Abdin et al. 2024): Llama with fused projections, longrope, partial rotation and a window.</summary>
public sealed class Phi3Architecture : DecoderArchitecture
{
    private const int DefaultContext = 4096;

    /// <inheritdoc/>
    public override string Name => "phi3";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["phi3"];

    /// <inheritdoc/>
    public override string GgufName => "phi3";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { HeadsFillHidden = true };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}embed_tokens", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Fused("{prefix}layers.{layer}.self_attn.qkv_proj", TensorRole.Query, TensorRole.Key, TensorRole.Value),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.o_proj", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}layers.{layer}.post_attention_layernorm", TensorRole.FeedForwardNorm),
        TensorLayout.Fused("{prefix}layers.{layer}.mlp.gate_up_proj", TensorRole.Gate, TensorRole.Up));

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = GgufNames.With(
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("rope_factors_long", TensorRole.RopeLongFactors),
        TensorLayout.Module("rope_factors_short", TensorRole.RopeShortFactors),
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.AttentionNorm),
        TensorLayout.Fused("blk.{layer}.attn_qkv", TensorRole.Query, TensorRole.Key, TensorRole.Value),
        TensorLayout.Module("blk.{layer}.attn_output", TensorRole.AttentionOutput),
        TensorLayout.Module("blk.{layer}.ffn_norm", TensorRole.FeedForwardNorm),
        TensorLayout.Fused("blk.{layer}.ffn_up", TensorRole.Gate, TensorRole.Up));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, DefaultContext);
        // Phi-4-mini states these at their neutral values.
        config.RequireOff("attention_bias");
        config.RequireOff("mlp_bias");
        config.RequireOff("lm_head_bias");
        config.RequireOne("full_attn_mod");
        config.RequireOne("interpolate_factor");
        RopeSpec rope = RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000, partial: true, defaultOriginal: 4096);
        AttentionSpec attention = LlamaForm.Attention(sizes, rope) with { Window = config.FindCount("sliding_window") };
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.Silu),
            Width = sizes.Width,
        };
        return LlamaForm.Build(sizes, LlamaForm.Norm(config, 1e-5), config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "phi3", "Phi3ForCausalLM");
        config["sliding_window"] = spec.Layers[0].Attention.Window;
        config["original_max_position_embeddings"] = (spec.FirstRope!.Scaling as RopeScaling.LongRope)?.OriginalContext ?? 4096;
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        Activation activation = file.Activation(GgufActivation);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        int?[] windows = sizes.Windows(file, _ => true);
        return LlamaForm.BuildGguf(
            sizes,
            LlamaForm.Norm(file),
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with { Rope = rope, Window = windows[layer] },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] });
    }
}
