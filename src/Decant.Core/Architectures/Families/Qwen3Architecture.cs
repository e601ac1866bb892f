using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;

namespace Decant.Core.Architectures.Families;

/// <summary>Qwen3 (Yang et al. 2025): no biases; queries and keys pass an RMS norm per head before they are rotated.</summary>
public sealed class Qwen3Architecture : DecoderArchitecture
{
    private const int DefaultContext = 32768;

    /// <inheritdoc/>
    public override string Name => "qwen3";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["qwen3"];

    /// <inheritdoc/>
    public override string GgufName => "qwen3";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { OutputBias = false };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => LlamaForm.Names;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, DefaultContext, defaultKeyValueHeads: 32, defaultHeadSize: 128);
        NormSpec norm = LlamaForm.Norm(config);
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with
        {
            QueryKeyNorm = new QueryKeyNormSpec(norm, QueryKeyNormSpan.Head),
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        int?[] windows = Qwen2Architecture.ReadWindows(config, sizes.Layers);
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.Silu),
            Width = sizes.Width,
        };
        bool tied = config.GetFlag("tie_word_embeddings", absent: false);
        return LlamaForm.Build(sizes, norm, tied, layer => attention with { Window = windows[layer] }, feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "qwen3", "Qwen3ForCausalLM");
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        Qwen2Architecture.WriteWindows(spec, config);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        Activation activation = file.Activation(GgufActivation);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        int?[] windows = sizes.Windows(file, _ => true);
        NormSpec norm = LlamaForm.Norm(file);
        return LlamaForm.BuildGguf(
            sizes,
            norm,
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with
            {
                Rope = rope,
                Window = windows[layer],
                QueryKeyNorm = new QueryKeyNormSpec(norm, QueryKeyNormSpan.Head),
                QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_q.bias"),
                OutputBias = file.HasTensor($"blk.{layer}.attn_output.bias"),
            },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] });
    }
}
