using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// BitNet b1.58 (Ma et al. 2024, 2025): Llama whose projections multiply ternary weights with activations of 8 bits, with a norm before each branch's last
/// projection and squared ReLU.
/// </summary>
public sealed class BitNetArchitecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "bitnet";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["bitnet"];

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}embed_tokens", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.attn_sub_norm", TensorRole.AttentionOutputNorm),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.ffn_sub_norm", TensorRole.FeedForwardInnerNorm));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 2048, defaultKeyValueHeads: 5);
        ReadQuantization(config);
        NormSpec norm = LlamaForm.Norm(config, 1e-5);
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 500000)) with
        {
            OutputNorm = norm,
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.ReluSquared),
            Width = sizes.Width,
            InnerNorm = norm,
        };
        DecoderSpec spec = LlamaForm.Build(sizes, norm, config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward);
        return LlamaForm.WithLayers(spec, layer => layer with { Projections = ProjectionKind.Ternary });
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "bitnet", "BitNetForCausalLM");
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        config["quantization_config"] = new JsonObject { ["quant_method"] = "bitnet", ["linear_class"] = "autobitlinear", ["quantization_mode"] = "online" };
        return config;
    }

    // Weights as they were trained, rounded when they are used; packed ones are of another form.
    private static void ReadQuantization(ConfigReader config)
    {
        if (config.FindSection("quantization_config") is not { } quantization)
            return;
        if (quantization.FindText("quant_method") is { } method && method != "bitnet")
            throw quantization.NotSupported("quant_method", "bitnet");
        if (quantization.FindText("linear_class") is not "autobitlinear")
            throw quantization.NotSupported("linear_class", "autobitlinear: weights that are not packed");
        if (quantization.FindText("quantization_mode") is { } mode && mode != "online")
            throw quantization.NotSupported("quantization_mode", "online: weights that are rounded when they are used");
        quantization.RequireOff("use_rms_norm");
        // The head alone is not ternary, which is also what a missing list means.
        if (quantization.FindTexts("modules_to_not_convert") is { } kept && (kept.IsEmpty || kept.Any(name => name != "lm_head")))
            throw quantization.NotSupported("modules_to_not_convert", "null, [\"lm_head\"]");
        quantization.Ignore("rms_norm_eps");
    }
}
