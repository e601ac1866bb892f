using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>OLMo 2 (OLMo team 2024): norms on the branches' outputs and none before them, and over the whole of queries and keys.</summary>
public sealed class Olmo2Architecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "olmo2";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["olmo2"];

    /// <inheritdoc/>
    public override string GgufName => "olmo2";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { HeadsFillHidden = true, TiedHead = false };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}layers.{layer}.post_attention_layernorm", TensorRole.AttentionPostNorm),
        TensorLayout.Module("{prefix}layers.{layer}.post_feedforward_layernorm", TensorRole.FeedForwardPostNorm));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 2048);
        NormSpec norm = LlamaForm.Norm(config, 1e-5);
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with
        {
            QueryKeyNorm = new QueryKeyNormSpec(norm, QueryKeyNormSpan.Projection),
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        var feedForward = new FeedForwardSpec { Gated = true, Activation = Activations.Read(config, "hidden_act", Activation.Silu), Width = sizes.Width };
        return Finish(LlamaForm.Build(sizes, norm, config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "olmo2", "Olmo2ForCausalLM");
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        NormSpec norm = LlamaForm.Norm(file);
        Activation activation = file.Activation(GgufActivation);
        return Finish(LlamaForm.BuildGguf(
            sizes,
            norm,
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with { Rope = rope, QueryKeyNorm = new QueryKeyNormSpec(norm, QueryKeyNormSpan.Projection) },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] }));
    }

    private static DecoderSpec Finish(DecoderSpec spec) => LlamaForm.WithLayers(spec, layer => layer with { NormPlacement = NormPlacement.AfterBranch });
}
