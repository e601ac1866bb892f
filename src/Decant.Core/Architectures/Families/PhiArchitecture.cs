using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Phi-1, 1.5 and 2 (Gunasekar et al. 2023; Javaheripi et al. 2023): both branches read one LayerNorm, half of each head is rotated, biases everywhere, the
/// head's too.
/// </summary>
public sealed class PhiArchitecture : DecoderArchitecture
{
    private const double DefaultFraction = 0.5;

    /// <inheritdoc/>
    public override string Name => "phi";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["phi"];

    /// <inheritdoc/>
    public override string GgufName => "phi2";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { TiedHead = false };

    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.GeluTanh;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}embed_tokens", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.q_proj", TensorRole.Query),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.k_proj", TensorRole.Key),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.v_proj", TensorRole.Value),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.dense", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.fc1", TensorRole.Up),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.fc2", TensorRole.Down),
        TensorLayout.Module("{prefix}final_layernorm", TensorRole.FinalNorm));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 2048);
        config.RequireOff("qk_layernorm");
        AttentionSpec attention = LlamaForm.Attention(
            sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000, partial: true, defaultFraction: DefaultFraction));
        NormSpec norm = LlamaForm.LayerNorm(config, "layer_norm_eps");
        Activation activation = Activations.Read(config, "hidden_act", Activation.GeluTanh);
        return Finish(LlamaForm.Build(
            sizes, norm, config.GetFlag("tie_word_embeddings", absent: false), _ => WithBias(attention), _ => FeedForward(activation, sizes.Width)));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "phi", "PhiForCausalLM");
        config.Remove("rms_norm_eps");
        config["hidden_act"] = Activations.Write(spec.Layers[0].FeedForward.Activation, "gelu_new");
        config["layer_norm_eps"] = RopeConfig.Shortest(spec.FinalNorm!.Epsilon);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        Activation activation = file.Activation(GgufActivation);
        return Finish(LlamaForm.BuildGguf(
            sizes,
            LlamaForm.LayerNorm(file),
            tied: !file.HasTensor("output.weight"),
            layer => WithBias(sizes.Attention(layer) with { Rope = rope }),
            layer => FeedForward(activation, sizes.Width[layer])));
    }

    private static AttentionSpec WithBias(AttentionSpec attention) => attention with { QueryKeyValueBias = true, OutputBias = true };

    private static FeedForwardSpec FeedForward(Activation activation, int width) => new() { Gated = false, Activation = activation, Width = width, Bias = true };

    private static DecoderSpec Finish(DecoderSpec spec) => LlamaForm.WithLayers(
        spec with { Head = spec.Head with { Bias = true } },
        layer => layer with { Form = BlockForm.Parallel, SharedNorm = true });
}
