using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;

namespace Decant.Core.Architectures.Families;

/// <summary>Qwen2 and Qwen2.5 (Yang et al. 2024): Llama with biases on queries, keys and values, and windows on the upper layers if switched on.</summary>
public sealed class Qwen2Architecture : DecoderArchitecture
{
    private const int DefaultContext = 32768;

    /// <inheritdoc/>
    public override string Name => "qwen2";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["qwen2"];

    /// <inheritdoc/>
    public override string GgufName => "qwen2";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { HeadsFillHidden = true };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => LlamaForm.Names;

    /// <summary>The window of each layer by Qwen's keys: <c>use_sliding_window</c>, <c>max_window_layers</c>, <c>layer_types</c>.</summary>
    internal static int?[] ReadWindows(ConfigReader config, int layers)
    {
        int? stated = config.HasEvenNull("sliding_window") ? config.FindCountOrNone("sliding_window") : 4096;
        int? window = config.GetFlag("use_sliding_window", absent: false) && stated > 0 ? stated : null;
        int firstWindowed = config.FindCountOrNone("max_window_layers") ?? 28;
        return LlamaForm.Windows(config, layers, window, layer => layer >= firstWindowed);
    }

    /// <summary>Qwen's window keys.</summary>
    internal static void WriteWindows(DecoderSpec spec, JsonObject config)
    {
        config["use_sliding_window"] = spec.FirstWindow is not null;
        config["sliding_window"] = spec.FirstWindow;
        config["layer_types"] = LlamaForm.LayerTypes(spec);
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, DefaultContext, defaultKeyValueHeads: 32);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with { QueryKeyValueBias = true };
        config.RequireOff("use_mrope");
        config.RequireOff("attention_bias");
        int?[] windows = ReadWindows(config, sizes.Layers);
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.Silu),
            Width = sizes.Width,
        };
        bool tied = config.GetFlag("tie_word_embeddings", absent: false);
        return LlamaForm.Build(sizes, LlamaForm.Norm(config), tied, layer => attention with { Window = windows[layer] }, feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "qwen2", "Qwen2ForCausalLM");
        WriteWindows(spec, config);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        Activation activation = file.Activation(GgufActivation);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        int?[] windows = sizes.Windows(file, _ => true);
        return LlamaForm.BuildGguf(
            sizes,
            LlamaForm.Norm(file),
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with { Rope = rope, Window = windows[layer], QueryKeyValueBias = true },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] });
    }
}
