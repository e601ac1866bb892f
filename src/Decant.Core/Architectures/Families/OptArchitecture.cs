using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// OPT (Zhang et al. 2022): learned positions that begin at 2, ReLU, biases everywhere. The 350M model has its norms after each sum, none at the end, and an
/// embedding narrower than its blocks. GGUF has no architecture for it.
/// </summary>
public sealed class OptArchitecture : DecoderArchitecture
{
    // The code's own, whatever a config says.
    private const float Epsilon = 1e-5f;

    private const int PositionOffset = 2;

    /// <inheritdoc/>
    public override string Name => "opt";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["opt"];

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new()
    {
        Width = "ffn_dim",
        KeyValueHeads = "num_attention_heads",
        HeadSize = "hidden_size / num_attention_heads",
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = Names(TensorRole.AttentionNorm, TensorRole.FeedForwardNorm);

    private static TensorLayout PostNormNames { get; } = Names(TensorRole.AttentionPostNorm, TensorRole.FeedForwardPostNorm);

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(DecoderSpec spec) =>
        spec.Layers[0].NormPlacement == NormPlacement.AfterSum ? PostNormNames : HuggingFaceLayout;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.ReadMultiHead(config, Keys, defaultContext: 2048, _ => config.GetCount(Keys.Width));
        if (!config.GetFlag("layer_norm_elementwise_affine", absent: true))
            throw config.NotSupported("layer_norm_elementwise_affine", "true");
        if (!config.GetFlag("learned_embeddings", absent: true))
            throw config.NotSupported("learned_embeddings", "true: positions are embedded");
        config.RequireOff("scale_embeddings");
        bool bias = config.GetFlag("enable_bias", absent: true);
        bool before = config.GetFlag("do_layer_norm_before", absent: true);
        bool withoutFinal = config.GetFlag("_remove_final_layer_norm", absent: false);
        int embedding = config.FindCount("word_embed_proj_dim") ?? sizes.Hidden;
        AttentionSpec attention = LlamaForm.Attention(sizes, rope: null) with { QueryKeyValueBias = bias, OutputBias = bias };
        var feedForward = new FeedForwardSpec
        {
            Gated = false,
            Activation = Activations.Read(config, "activation_function", Activation.Relu),
            Width = sizes.Width,
            Bias = bias,
        };
        var norm = new NormSpec(NormKind.Layer, Epsilon, Bias: true);
        DecoderSpec spec = LlamaForm.Build(sizes, norm, config.GetFlag("tie_word_embeddings", absent: true), _ => attention, feedForward) with
        {
            Embedding = new EmbeddingSpec
            {
                Width = embedding == sizes.Hidden ? null : embedding,
                LearnedPositionCount = sizes.Context,
                LearnedPositionOffset = PositionOffset,
            },
            FinalNorm = before && !withoutFinal ? norm : null,
        };
        return before ? spec : LlamaForm.WithLayers(spec, layer => layer with { NormPlacement = NormPlacement.AfterSum });
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        DecoderDimensions sizes = DecoderDimensions.Of(spec);
        LayerSpec layer = spec.Layers[0];
        bool before = layer.NormPlacement == NormPlacement.BeforeBranch;
        return new JsonObject
        {
            ["architectures"] = new JsonArray("OPTForCausalLM"),
            ["model_type"] = "opt",
            [Keys.Hidden] = sizes.Hidden,
            [Keys.Heads] = sizes.Heads,
            [Keys.Layers] = sizes.Layers,
            [Keys.Width] = sizes.Width,
            [Keys.Context] = sizes.Context,
            [Keys.Vocabulary] = sizes.Vocabulary,
            ["activation_function"] = Activations.Write(layer.FeedForward.Activation, "relu"),
            ["do_layer_norm_before"] = before,
            ["_remove_final_layer_norm"] = before && spec.FinalNorm is null,
            ["enable_bias"] = layer.FeedForward.Bias,
            ["word_embed_proj_dim"] = spec.Embedding.Width ?? sizes.Hidden,
            ["tie_word_embeddings"] = spec.Head.Tied,
        };
    }

    private static TensorLayout Names(TensorRole attentionNorm, TensorRole feedForwardNorm) => new(
    [
        TensorLayout.Module("{prefix}embed_tokens", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}embed_positions", TensorRole.PositionEmbedding),
        TensorLayout.Module("{prefix}project_in", TensorRole.EmbeddingProjection),
        TensorLayout.Module("{prefix}project_out", TensorRole.HeadProjection),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.q_proj", TensorRole.Query),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.k_proj", TensorRole.Key),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.v_proj", TensorRole.Value),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.out_proj", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn_layer_norm", attentionNorm),
        TensorLayout.Module("{prefix}layers.{layer}.fc1", TensorRole.Up),
        TensorLayout.Module("{prefix}layers.{layer}.fc2", TensorRole.Down),
        TensorLayout.Module("{prefix}layers.{layer}.final_layer_norm", feedForwardNorm),
        TensorLayout.Module("{prefix}final_layer_norm", TensorRole.FinalNorm),
        TensorLayout.Module("lm_head", TensorRole.Head),
    ])
    {
        Prefixes = ["model.decoder.", "decoder."],
    };
}
