using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>GPT-2 (Radford et al. 2019): LayerNorm, learned positions, fused projections stored transposed (Conv1D), biases everywhere.</summary>
public sealed class Gpt2Architecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "gpt2";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["gpt2"];

    /// <inheritdoc/>
    public override string GgufName => "gpt2";

    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.GeluTanh;

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new()
    {
        Hidden = "n_embd",
        Width = "n_inner",
        Layers = "n_layer",
        Heads = "n_head",
        KeyValueHeads = "n_head",
        HeadSize = "n_embd / n_head",
        Context = "n_positions",
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}wte", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}wpe", TensorRole.PositionEmbedding),
        TensorLayout.Module("{prefix}h.{layer}.ln_1", TensorRole.AttentionNorm),
        TensorLayout.Fused("{prefix}h.{layer}.attn.c_attn", TensorRole.Query, TensorRole.Key, TensorRole.Value) with { Transposed = true },
        TensorLayout.Module("{prefix}h.{layer}.attn.c_proj", TensorRole.AttentionOutput) with { Transposed = true },
        TensorLayout.Module("{prefix}h.{layer}.ln_2", TensorRole.FeedForwardNorm),
        TensorLayout.Module("{prefix}h.{layer}.mlp.c_fc", TensorRole.Up) with { Transposed = true },
        TensorLayout.Module("{prefix}h.{layer}.mlp.c_proj", TensorRole.Down) with { Transposed = true },
        TensorLayout.Module("{prefix}ln_f", TensorRole.FinalNorm),
        TensorLayout.Module("lm_head", TensorRole.Head),
    ])
    {
        Prefixes = ["transformer.", ""],
        LeftOut = [".attn.bias", ".attn.masked_bias", ".position_ids"],
    };

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = GgufNames.With(
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("position_embd", TensorRole.PositionEmbedding),
        TensorLayout.Fused("blk.{layer}.attn_qkv", TensorRole.Query, TensorRole.Key, TensorRole.Value));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.ReadMultiHead(config, Keys, defaultContext: 1024, hidden => config.FindCount(Keys.Width) ?? checked(4 * hidden));
        bool scaled = config.GetFlag("scale_attn_weights", absent: true);
        bool scaledByLayer = config.GetFlag("scale_attn_by_inverse_layer_idx", absent: false);
        // It changes the order of scaling and the precision of half-precision runs; single precision computes the same either way.
        config.GetFlag("reorder_and_upcast_attn", absent: false);
        // An older name of n_positions, which alone sizes the table.
        config.Ignore("n_ctx", "predict_special_tokens", "n_special");
        return Build(
            new GgufDimensions
            {
                Vocabulary = sizes.Vocabulary,
                Hidden = sizes.Hidden,
                Context = sizes.Context,
                Layers = sizes.Layers,
                Heads = Same(sizes.Layers, sizes.Heads),
                KeyValueHeads = Same(sizes.Layers, sizes.KeyValueHeads),
                HeadSize = sizes.HeadSize,
                ValueSize = sizes.HeadSize,
                Width = Same(sizes.Layers, sizes.Width),
            },
            (float)(config.FindPositive("layer_norm_epsilon") ?? 1e-5),
            Activations.Read(config, "activation_function", Activation.GeluTanh),
            layer => (scaled ? sizes.UsualScale : 1) / (scaledByLayer ? layer + 1 : 1),
            config.GetFlag("tie_word_embeddings", absent: true));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        DecoderDimensions sizes = DecoderDimensions.Of(spec);
        float first = spec.Layers[0].Attention.Scale;
        return new JsonObject
        {
            ["architectures"] = new JsonArray("GPT2LMHeadModel"),
            ["model_type"] = "gpt2",
            [Keys.Hidden] = sizes.Hidden,
            [Keys.Heads] = sizes.Heads,
            [Keys.Layers] = sizes.Layers,
            [Keys.Width] = sizes.Width,
            [Keys.Context] = sizes.Context,
            [Keys.Vocabulary] = sizes.Vocabulary,
            ["activation_function"] = Activations.Write(spec.Layers[0].FeedForward.Activation, "gelu_new"),
            ["layer_norm_epsilon"] = RopeConfig.Shortest(spec.FinalNorm!.Epsilon),
            ["scale_attn_weights"] = first == sizes.UsualScale,
            ["scale_attn_by_inverse_layer_idx"] = spec.Layers.Length > 1 && spec.Layers[1].Attention.Scale != first,
            ["tie_word_embeddings"] = spec.Head.Tied,
        };
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        Activation activation = file.Activation(GgufActivation);
        return Build(
            sizes,
            file.GetPositive("attention.layer_norm_epsilon"),
            activation,
            _ => file.FindPositive("attention.scale") ?? DecoderDimensions.ScaleOf(sizes.HeadSize),
            tied: !file.HasTensor("output.weight"));
    }

    private static DecoderSpec Build(GgufDimensions sizes, float epsilon, Activation activation, Func<int, float> scale, bool tied)
    {
        var norm = new NormSpec(NormKind.Layer, epsilon, Bias: true);
        DecoderSpec spec = LlamaForm.BuildGguf(
            sizes,
            norm,
            tied,
            layer => sizes.Attention(layer, scale(layer)) with { QueryKeyValueBias = true, OutputBias = true },
            layer => new FeedForwardSpec { Gated = false, Activation = activation, Width = sizes.Width[layer], Bias = true });
        return spec with { Embedding = new EmbeddingSpec { LearnedPositionCount = sizes.Context } };
    }

    private static int[] Same(int count, int value)
    {
        int[] values = new int[count];
        Array.Fill(values, value);
        return values;
    }
}
