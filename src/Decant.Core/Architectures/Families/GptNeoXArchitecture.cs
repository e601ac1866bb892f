using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// GPT-NeoX and Pythia (Black et al. 2022; Biderman et al. 2023): both branches read the block's input through norms of their own, a part of each head is
/// rotated, the three projections are one matrix, head by head.
/// </summary>
public sealed class GptNeoXArchitecture : DecoderArchitecture
{
    private const double DefaultFraction = 0.25;

    /// <inheritdoc/>
    public override string Name => "gpt_neox";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["gpt_neox"];

    /// <inheritdoc/>
    public override string GgufName => "gptneox";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { TiedHead = false, QueryKeyValueBias = true, OutputBias = true };

    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.GeluErf;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}embed_in", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Fused("{prefix}layers.{layer}.attention.query_key_value", TensorRole.Query, TensorRole.Key, TensorRole.Value) with { Groups = attention => attention.HeadCount },
        TensorLayout.Module("{prefix}layers.{layer}.attention.dense", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}layers.{layer}.post_attention_layernorm", TensorRole.FeedForwardNorm),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.dense_h_to_4h", TensorRole.Up),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.dense_4h_to_h", TensorRole.Down),
        TensorLayout.Module("{prefix}final_layer_norm", TensorRole.FinalNorm),
        TensorLayout.Module("embed_out", TensorRole.Head),
    ])
    {
        Prefixes = ["gpt_neox.", ""],
        LeftOut = [".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"],
    };

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = GgufNames.With(
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.AttentionNorm),
        TensorLayout.Fused("blk.{layer}.attn_qkv", TensorRole.Query, TensorRole.Key, TensorRole.Value));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 2048);
        RopeSpec rope = RopeConfig.Read(
            config, sizes.HeadSize, sizes.Context, 10000, partial: true, defaultFraction: DefaultFraction, baseKey: "rotary_emb_base", fractionKey: "rotary_pct");
        // How far training had come.
        config.Ignore("num_steps");
        bool bias = config.GetFlag("attention_bias", absent: true);
        AttentionSpec attention = LlamaForm.Attention(sizes, rope) with { QueryKeyValueBias = bias, OutputBias = bias };
        Activation activation = Activations.Read(config, "hidden_act", Activation.GeluErf);
        return Finish(
            LlamaForm.Build(
                sizes,
                LlamaForm.LayerNorm(config, "layer_norm_eps"),
                config.GetFlag("tie_word_embeddings", absent: false),
                _ => attention,
                _ => FeedForward(activation, sizes.Width)),
            config.GetFlag("use_parallel_residual", absent: true));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "gpt_neox", "GPTNeoXForCausalLM");
        config.Remove("rms_norm_eps");
        config.Remove(Keys.KeyValueHeads);
        config.Remove(Keys.HeadSize);
        config["hidden_act"] = Activations.Write(spec.Layers[0].FeedForward.Activation, "gelu");
        config["layer_norm_eps"] = RopeConfig.Shortest(spec.FinalNorm!.Epsilon);
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        config["use_parallel_residual"] = spec.Layers[0].Form == BlockForm.Parallel;
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        Activation activation = file.Activation(GgufActivation);
        return Finish(
            LlamaForm.BuildGguf(
                sizes,
                LlamaForm.LayerNorm(file),
                tied: !file.HasTensor("output.weight"),
                layer => sizes.Attention(layer) with
                {
                    Rope = rope,
                    QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_qkv.bias"),
                    OutputBias = file.HasTensor($"blk.{layer}.attn_output.bias"),
                },
                layer => FeedForward(activation, sizes.Width[layer])),
            file.GetFlag("use_parallel_residual", absent: true));
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata) =>
        metadata.Set("gptneox.use_parallel_residual", GgufValue.From(spec.Layers[0].Form == BlockForm.Parallel));

    private static FeedForwardSpec FeedForward(Activation activation, int width) => new() { Gated = false, Activation = activation, Width = width, Bias = true };

    private static DecoderSpec Finish(DecoderSpec spec, bool parallel) =>
        parallel ? LlamaForm.WithLayers(spec, layer => layer with { Form = BlockForm.Parallel }) : spec;
}
