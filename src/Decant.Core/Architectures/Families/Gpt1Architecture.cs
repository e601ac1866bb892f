using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// GPT (Radford et al. 2018), model_type <c>openai-gpt</c>: norms after each sum, none at the end, learned positions, fused projections stored transposed.
/// GGUF has no architecture for it.
/// </summary>
public sealed class Gpt1Architecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "openai-gpt";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["openai-gpt"];

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new()
    {
        Hidden = "n_embd",
        Layers = "n_layer",
        Heads = "n_head",
        KeyValueHeads = "n_head",
        HeadSize = "n_embd / n_head",
        Width = "4 × n_embd",
        Context = "n_positions",
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}tokens_embed", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}positions_embed", TensorRole.PositionEmbedding),
        TensorLayout.Fused("{prefix}h.{layer}.attn.c_attn", TensorRole.Query, TensorRole.Key, TensorRole.Value) with { Transposed = true },
        TensorLayout.Module("{prefix}h.{layer}.attn.c_proj", TensorRole.AttentionOutput) with { Transposed = true },
        TensorLayout.Module("{prefix}h.{layer}.ln_1", TensorRole.AttentionPostNorm),
        TensorLayout.Module("{prefix}h.{layer}.mlp.c_fc", TensorRole.Up) with { Transposed = true },
        TensorLayout.Module("{prefix}h.{layer}.mlp.c_proj", TensorRole.Down) with { Transposed = true },
        TensorLayout.Module("{prefix}h.{layer}.ln_2", TensorRole.FeedForwardPostNorm),
        TensorLayout.Module("lm_head", TensorRole.Head),
    ])
    {
        Prefixes = ["transformer.", ""],
        LeftOut = [".attn.bias", ".position_ids", "position_ids"],
    };

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        config.Ignore("n_ctx", "predict_special_tokens", "n_special");
        DecoderDimensions sizes = DecoderDimensions.ReadMultiHead(config, Keys, defaultContext: 512, hidden => checked(4 * hidden));
        AttentionSpec attention = LlamaForm.Attention(sizes, rope: null) with { QueryKeyValueBias = true, OutputBias = true };
        var feedForward = new FeedForwardSpec { Gated = false, Activation = ReadActivation(config), Width = sizes.Width, Bias = true };
        bool tied = config.GetFlag("tie_word_embeddings", absent: true);
        DecoderSpec spec = LlamaForm.Build(sizes, LlamaForm.LayerNorm(config, "layer_norm_epsilon"), tied, _ => attention, feedForward);
        return LlamaForm.WithLayers(
            spec with { FinalNorm = null, Embedding = new EmbeddingSpec { LearnedPositionCount = sizes.Context } },
            layer => layer with { NormPlacement = NormPlacement.AfterSum });
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        DecoderDimensions sizes = DecoderDimensions.Of(spec);
        return new JsonObject
        {
            ["architectures"] = new JsonArray("OpenAIGPTLMHeadModel"),
            ["model_type"] = "openai-gpt",
            [Keys.Hidden] = sizes.Hidden,
            [Keys.Heads] = sizes.Heads,
            [Keys.Layers] = sizes.Layers,
            [Keys.Context] = sizes.Context,
            [Keys.Vocabulary] = sizes.Vocabulary,
            ["afn"] = spec.Layers[0].FeedForward.Activation switch { Activation.Relu => "relu", Activation.Silu => "silu", _ => "gelu" },
            ["layer_norm_epsilon"] = RopeConfig.Shortest(spec.Layers[0].Norm.Epsilon),
            ["tie_word_embeddings"] = spec.Head.Tied,
        };
    }

    // In this family "gelu" is the tanh form.
    private static Activation ReadActivation(ConfigReader config) => config.FindText("afn") switch
    {
        null or "gelu" => Activation.GeluTanh,
        "relu" => Activation.Relu,
        "silu" or "swish" => Activation.Silu,
        _ => throw config.NotSupported("afn", "gelu, relu, silu, swish"),
    };
}
