using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Families;

/// <summary>Granite 3 (Granite team 2024): Llama with factors on the embedding, on scores, on both branches, and on logits.</summary>
public sealed class GraniteArchitecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "granite";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["granite"];

    /// <inheritdoc/>
    public override string GgufName => "granite";

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => LlamaForm.Names;

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override bool GgufScaleIsHonoured => true;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 2048);
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with
        {
            Scale = (float)(config.FindPositive("attention_multiplier") ?? 1),
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.Silu),
            Width = sizes.Width,
            Bias = config.GetFlag("mlp_bias", absent: false),
        };
        DecoderSpec spec = LlamaForm.Build(sizes, LlamaForm.Norm(config), config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward);
        return Finish(
            spec,
            (float)(config.FindPositive("embedding_multiplier") ?? 1),
            (float)(config.FindPositive("residual_multiplier") ?? 1),
            config.FindPositive("logits_scaling") ?? 1);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "granite", "GraniteForCausalLM");
        LayerSpec layer = spec.Layers[0];
        config["attention_bias"] = layer.Attention.QueryKeyValueBias;
        config["mlp_bias"] = layer.FeedForward.Bias;
        config["attention_multiplier"] = RopeConfig.Shortest(layer.Attention.Scale);
        config["embedding_multiplier"] = RopeConfig.Shortest(spec.Embedding.Scale);
        config["residual_multiplier"] = RopeConfig.Shortest(layer.ResidualScale);
        config["logits_scaling"] = RopeConfig.DivisorOf(spec.Head.Scale);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        float? scale = file.FindPositive("attention.scale");
        Activation activation = file.Activation(GgufActivation);
        DecoderSpec spec = LlamaForm.BuildGguf(
            sizes,
            LlamaForm.Norm(file),
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer, scale) with
            {
                Rope = rope,
                QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_q.bias"),
                OutputBias = file.HasTensor($"blk.{layer}.attn_output.bias"),
            },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer], Bias = file.HasTensor($"blk.{layer}.ffn_down.bias") });
        return Finish(
            spec,
            file.FindPositive("embedding_scale") ?? 1,
            file.FindPositive("residual_scale") ?? 1,
            RopeConfig.Shortest(file.FindPositive("logit_scale") ?? 1));
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        metadata.Set("granite.attention.scale", GgufValue.From(spec.Layers[0].Attention.Scale));
        metadata.Set("granite.embedding_scale", GgufValue.From(spec.Embedding.Scale));
        metadata.Set("granite.residual_scale", GgufValue.From(spec.Layers[0].ResidualScale));
        metadata.Set("granite.logit_scale", GgufValue.From((float)RopeConfig.DivisorOf(spec.Head.Scale)));
    }

    private static DecoderSpec Finish(DecoderSpec spec, float embeddingScale, float residualScale, double logitsDivisor) => LlamaForm.WithLayers(
        spec with { Embedding = new EmbeddingSpec { Scale = embeddingScale }, Head = spec.Head with { Scale = (float)(1 / logitsDivisor) } },
        layer => layer with { ResidualScale = residualScale });
}
