using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Falcon (Almazrouei et al. 2023): both branches read the block's input, the three projections are one matrix, a key-value head's queries, key and value
/// together. The 7B shares one norm and one key-value head, the newer form has a norm for each branch and several key-value heads.
/// </summary>
public sealed class FalconArchitecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "falcon";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["falcon"];

    /// <inheritdoc/>
    public override string GgufName => "falcon";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { QueryKeyValueBias = false, OutputBias = false, FeedForwardBias = false };

    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.GeluErf;

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new()
    {
        KeyValueHeads = "num_kv_heads",
        HeadSize = "hidden_size / num_attention_heads",
        Width = "ffn_hidden_size",
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = Names(
        TensorLayout.Module("{prefix}h.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Module("{prefix}h.{layer}.post_attention_layernorm", TensorRole.FeedForwardNorm));

    private static TensorLayout TwoNormNames { get; } = Names(
        TensorLayout.Module("{prefix}h.{layer}.ln_attn", TensorRole.AttentionNorm),
        TensorLayout.Module("{prefix}h.{layer}.ln_mlp", TensorRole.FeedForwardNorm));

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = GgufNamesWith(
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.AttentionNorm));

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(DecoderSpec spec) => HasTwoNorms(spec) ? TwoNormNames : HuggingFaceLayout;

    // llama.cpp has the second norm for attention where there are two.
    /// <inheritdoc/>
    internal override TensorLayout GgufLayoutOf(DecoderSpec spec) => HasTwoNorms(spec) ? TwoNormGgufNames : GgufLayout;

    private static TensorLayout TwoNormGgufNames { get; } = GgufNamesWith(
        TensorLayout.Module("blk.{layer}.attn_norm_2", TensorRole.AttentionNorm),
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.FeedForwardNorm));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        ConfigKeys keys = Keys with
        {
            Heads = config.FirstOf(Keys.Heads, "n_head"),
            KeyValueHeads = config.FirstOf(Keys.KeyValueHeads, "n_head_kv"),
            Layers = config.FirstOf(Keys.Layers, "n_layer"),
        };
        DecoderDimensions sizes = DecoderDimensions.ReadMultiHead(config, keys, defaultContext: 2048, hidden => config.FindCount(Keys.Width) ?? checked(4 * hidden));
        if (config.FindCount("ff_factor") is { } factor && (long)factor * sizes.Hidden != sizes.Width)
            throw config.Contradiction("ff_factor", $"{Keys.Width} / {Keys.Hidden}, {sizes.Width} / {sizes.Hidden}");
        bool alibi = config.GetFlag("alibi", absent: false);
        config.RequireOff("apply_residual_connection_post_layernorm");
        bool newer = config.GetFlag("new_decoder_architecture", absent: false);
        bool multiQuery = config.GetFlag("multi_query", absent: true);
        int statedKeyValueHeads = config.FindCount(keys.KeyValueHeads, DecoderDimensions.MaximumHeads) ?? sizes.Heads;
        int keyValueHeads = newer || !multiQuery ? statedKeyValueHeads : 1;
        if (sizes.Heads % keyValueHeads != 0)
            throw config.Contradiction(keys.KeyValueHeads, $"a divisor of {keys.Heads} = {sizes.Heads}");
        sizes = sizes with { KeyValueHeads = keyValueHeads };
        bool parallel = config.GetFlag("parallel_attn", absent: true) || newer;
        int norms = config.FindCount("num_ln_in_parallel_attn") ?? (newer ? 2 : 1);
        if (norms > 2)
            throw config.NotSupported("num_ln_in_parallel_attn", "1, 2");
        bool bias = config.GetFlag("bias", absent: false);
        RopeSpec rope = RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000);
        AttentionSpec attention = LlamaForm.Attention(sizes, alibi ? null : rope) with
        {
            // softmax((q·k + bias) / √head size), where others add the bias behind the factor.
            Alibi = alibi ? new AlibiSpec { Scale = sizes.UsualScale, RoundsToBfloat16 = true } : null,
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        Activation activation = Activations.Read(config, "activation", Activation.GeluErf);
        return Finish(
            LlamaForm.Build(
                sizes,
                LlamaForm.LayerNorm(config, "layer_norm_epsilon"),
                config.GetFlag("tie_word_embeddings", absent: true),
                _ => attention,
                _ => FeedForward(activation, sizes.Width, bias)),
            parallel,
            sharesNorm: !(newer && norms == 2));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        DecoderDimensions sizes = DecoderDimensions.Of(spec);
        LayerSpec layer = spec.Layers[0];
        bool twoNorms = HasTwoNorms(spec), oneKeyHead = sizes.KeyValueHeads == 1;
        // Only the newer form has several key-value heads, fewer than heads.
        bool newer = twoNorms || (!oneKeyHead && sizes.KeyValueHeads != sizes.Heads);
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("FalconForCausalLM"),
            ["model_type"] = "falcon",
            [Keys.Hidden] = sizes.Hidden,
            [Keys.Heads] = sizes.Heads,
            [Keys.KeyValueHeads] = sizes.KeyValueHeads,
            [Keys.Layers] = sizes.Layers,
            [Keys.Width] = sizes.Width,
            [Keys.Context] = sizes.Context,
            [Keys.Vocabulary] = sizes.Vocabulary,
            ["activation"] = Activations.Write(layer.FeedForward.Activation, "gelu"),
            ["alibi"] = layer.Attention.Alibi is not null,
            ["bias"] = layer.Attention.QueryKeyValueBias,
            ["layer_norm_epsilon"] = RopeConfig.Shortest(spec.FinalNorm!.Epsilon),
            ["multi_query"] = newer || oneKeyHead,
            ["new_decoder_architecture"] = newer,
            ["num_ln_in_parallel_attn"] = newer ? twoNorms ? 2 : 1 : null,
            ["parallel_attn"] = layer.Form == BlockForm.Parallel,
            ["tie_word_embeddings"] = spec.Head.Tied,
        };
        if (spec.FirstRope is { } rope)
            config["rope_parameters"] = RopeConfig.Write(rope, sizes.HeadSize);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        Activation activation = file.Activation(GgufActivation);
        bool bias = file.HasTensor("blk.0.attn_qkv.bias");
        return Finish(
            LlamaForm.BuildGguf(
                sizes,
                LlamaForm.LayerNorm(file),
                tied: !file.HasTensor("output.weight"),
                layer => sizes.Attention(layer) with { Rope = rope, QueryKeyValueBias = bias, OutputBias = bias },
                layer => FeedForward(activation, sizes.Width[layer], bias)),
            parallel: true,
            sharesNorm: !file.HasTensor("blk.0.attn_norm_2.weight"));
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        if (spec.Layers[0].Attention.Alibi is not null)
            throw new NotSupportedModelException($"{metadata.Location}: alibi: llama.cpp has no biases by distance for falcon models, it rotates queries and keys. Write a Hugging Face folder instead.");
    }

    private static bool HasTwoNorms(DecoderSpec spec) => spec.Layers[0] is { Form: BlockForm.Parallel, SharedNorm: false };

    private static FeedForwardSpec FeedForward(Activation activation, int width, bool bias) => new() { Gated = false, Activation = activation, Width = width, Bias = bias };

    private static DecoderSpec Finish(DecoderSpec spec, bool parallel, bool sharesNorm) =>
        parallel ? LlamaForm.WithLayers(spec, layer => layer with { Form = BlockForm.Parallel, SharedNorm = sharesNorm }) : spec;

    private static TensorLayout Names(params ReadOnlySpan<TensorMapping> norms) => new(
    [
        TensorLayout.Module("{prefix}word_embeddings", TensorRole.TokenEmbedding),
        .. norms,
        TensorLayout.Fused("{prefix}h.{layer}.self_attention.query_key_value", TensorRole.Query, TensorRole.Key, TensorRole.Value) with { Groups = attention => attention.KeyValueHeadCount },
        TensorLayout.Module("{prefix}h.{layer}.self_attention.dense", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}h.{layer}.mlp.dense_h_to_4h", TensorRole.Up),
        TensorLayout.Module("{prefix}h.{layer}.mlp.dense_4h_to_h", TensorRole.Down),
        TensorLayout.Module("{prefix}ln_f", TensorRole.FinalNorm),
        TensorLayout.Module("lm_head", TensorRole.Head),
    ])
    {
        Prefixes = ["transformer.", ""],
        LeftOut = [".rotary_emb.inv_freq", ".self_attention.rotary.inv_freq", ".self_attention.maybe_rotary.inv_freq"],
    };

    private static TensorLayout GgufNamesWith(params ReadOnlySpan<TensorMapping> norms) => GgufNames.With(
    [
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        .. norms,
        TensorLayout.Fused("blk.{layer}.attn_qkv", TensorRole.Query, TensorRole.Key, TensorRole.Value),
    ]);
}
