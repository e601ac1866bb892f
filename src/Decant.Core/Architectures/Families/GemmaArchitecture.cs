using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Gemma (Mesnard et al. 2024): scaled embeddings, norm weights stored less one, heads of a size of their own, GELU in its tanh form, one head tied to the
/// embedding.
/// </summary>
public sealed class GemmaArchitecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "gemma";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["gemma"];

    /// <inheritdoc/>
    public override string GgufName => "gemma";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { TiedHead = true };

    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.GeluTanh;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.post_attention_layernorm", TensorRole.FeedForwardNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}norm", TensorRole.FinalNorm) with { Elements = ElementFunctions.PlusOne });

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 8192, defaultKeyValueHeads: 16, defaultHeadSize: 256);
        config.RequireOff("use_bidirectional_attention");
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with
        {
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        // The first checkpoints say "gelu" and mean its tanh form, which a hidden_activation of null tells.
        bool isOlder = config.HasEvenNull("hidden_activation");
        string key = isOlder ? "hidden_activation" : "hidden_act";
        if (isOlder)
            config.Ignore("hidden_act");
        var feedForward = new FeedForwardSpec { Gated = true, Activation = Activations.Read(config, key, Activation.GeluTanh), Width = sizes.Width };
        return Finish(LlamaForm.Build(sizes, LlamaForm.Norm(config), config.GetFlag("tie_word_embeddings", absent: true), _ => attention, feedForward));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "gemma", "GemmaForCausalLM");
        config["hidden_act"] = Activations.Write(spec.Layers[0].FeedForward.Activation, "gelu_pytorch_tanh");
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
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
            LlamaForm.Norm(file),
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with { Rope = rope },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] }));
    }

    private static DecoderSpec Finish(DecoderSpec spec) => spec with { Embedding = new EmbeddingSpec { Scale = (float)Math.Sqrt(spec.HiddenSize) } };
}
