using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// BLOOM (Scao et al. 2022): ALiBi in place of positions, a norm right after the embedding, the three projections one matrix, head by head, biases
/// everywhere.
/// </summary>
public sealed class BloomArchitecture : DecoderArchitecture
{
    private const int DefaultContext = 2048;

    /// <inheritdoc/>
    public override string Name => "bloom";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["bloom"];

    /// <inheritdoc/>
    public override string GgufName => "bloom";

    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.GeluTanh;

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new()
    {
        Layers = "n_layer",
        Heads = "n_head",
        KeyValueHeads = "n_head",
        HeadSize = "hidden_size / n_head",
        Width = "4 × hidden_size",
        Context = "seq_length",
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}word_embeddings", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}word_embeddings_layernorm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("{prefix}h.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Fused("{prefix}h.{layer}.self_attention.query_key_value", TensorRole.Query, TensorRole.Key, TensorRole.Value) with { Groups = attention => attention.HeadCount },
        TensorLayout.Module("{prefix}h.{layer}.self_attention.dense", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}h.{layer}.post_attention_layernorm", TensorRole.FeedForwardNorm),
        TensorLayout.Module("{prefix}h.{layer}.mlp.dense_h_to_4h", TensorRole.Up),
        TensorLayout.Module("{prefix}h.{layer}.mlp.dense_4h_to_h", TensorRole.Down),
        TensorLayout.Module("{prefix}ln_f", TensorRole.FinalNorm),
        TensorLayout.Module("lm_head", TensorRole.Head),
    ])
    {
        Prefixes = ["transformer.", ""],
    };

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = GgufNames.With(
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("token_embd_norm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.AttentionNorm),
        TensorLayout.Fused("blk.{layer}.attn_qkv", TensorRole.Query, TensorRole.Key, TensorRole.Value));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        config.RequireOff("apply_residual_connection_post_layernorm");
        // How it was trained, and how sums of several processors are formed.
        config.Ignore("offset_alibi", "skip_bias_add", "skip_bias_add_qkv", "masked_softmax_fusion", "bias_dropout_fusion", "attention_softmax_in_fp32", "slow_but_exact", "n_inner");
        ConfigKeys keys = Keys with
        {
            Hidden = config.FirstOf(Keys.Hidden, "n_embed"),
            Heads = config.FirstOf(Keys.Heads, "num_attention_heads"),
            Layers = config.FirstOf(Keys.Layers, "num_hidden_layers"),
        };
        DecoderDimensions sizes = DecoderDimensions.ReadMultiHead(config, keys, DefaultContext, hidden => checked(4 * hidden));
        return Finish(LlamaForm.Build(
            sizes,
            LlamaForm.LayerNorm(config, "layer_norm_epsilon"),
            config.GetFlag("tie_word_embeddings", absent: true),
            _ => Complete(LlamaForm.Attention(sizes, rope: null)),
            _ => FeedForward(Activation.GeluTanh, sizes.Width)));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        DecoderDimensions sizes = DecoderDimensions.Of(spec);
        return new JsonObject
        {
            ["architectures"] = new JsonArray("BloomForCausalLM"),
            ["model_type"] = "bloom",
            [Keys.Hidden] = sizes.Hidden,
            [Keys.Heads] = sizes.Heads,
            [Keys.Layers] = sizes.Layers,
            [Keys.Context] = sizes.Context,
            [Keys.Vocabulary] = sizes.Vocabulary,
            ["layer_norm_epsilon"] = RopeConfig.Shortest(spec.FinalNorm!.Epsilon),
            ["tie_word_embeddings"] = spec.Head.Tied,
        };
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        Activation activation = file.Activation(GgufActivation);
        return Finish(LlamaForm.BuildGguf(
            sizes,
            LlamaForm.LayerNorm(file),
            tied: !file.HasTensor("output.weight"),
            layer => Complete(sizes.Attention(layer)),
            layer => FeedForward(activation, sizes.Width[layer])));
    }

    private static AttentionSpec Complete(AttentionSpec attention) => attention with { Alibi = new AlibiSpec(), QueryKeyValueBias = true, OutputBias = true };

    private static FeedForwardSpec FeedForward(Activation activation, int width) => new() { Gated = false, Activation = activation, Width = width, Bias = true };

    private static DecoderSpec Finish(DecoderSpec spec) => spec with { Embedding = new EmbeddingSpec { Norm = spec.FinalNorm } };
}
