using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Families;

/// <summary>SmolLM3 (Bakouch et al. 2025): Llama whose every fourth block does not rotate queries and keys.</summary>
public sealed class SmolLm3Architecture : DecoderArchitecture
{
    private const int DefaultInterval = 4;

    /// <inheritdoc/>
    public override string Name => "smollm3";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["smollm3"];

    /// <inheritdoc/>
    public override string GgufName => "smollm3";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { OutputBias = false, FeedForwardBias = false };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => LlamaForm.Names;

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 32768, defaultKeyValueHeads: 4);
        bool bias = config.GetFlag("attention_bias", absent: false);
        RopeSpec rope = RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 2e6);
        AttentionSpec attention = LlamaForm.Attention(sizes, rope: null) with { QueryKeyValueBias = bias, OutputBias = bias };
        int interval = config.FindCount("no_rope_layer_interval") ?? DefaultInterval;
        ImmutableArray<int>? rotated = config.FindCounts("no_rope_layers");
        if (rotated is { } list && list.Length != sizes.Layers)
            throw config.Contradiction("no_rope_layers", $"{sizes.Layers} numbers, as many as {Keys.Layers}");
        bool Rotates(int layer) => rotated is { } flags ? flags[layer] != 0 : IsRotated(layer, interval);
        // Blocks that rotate see everything; Qwen's key, which published configs carry, is not read.
        int? stated = config.FindCountOrNone("sliding_window");
        int? window = config.GetFlag("use_sliding_window", absent: false) && stated > 0 ? stated : null;
        config.Ignore("max_window_layers");
        int?[] windows = LlamaForm.Windows(config, sizes.Layers, window, layer => !Rotates(layer));
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.Silu),
            Width = sizes.Width,
            Bias = config.GetFlag("mlp_bias", absent: false),
        };
        return LlamaForm.Build(
            sizes,
            LlamaForm.Norm(config),
            config.GetFlag("tie_word_embeddings", absent: true),
            layer => attention with { Window = windows[layer], Rope = Rotates(layer) ? rope : null },
            feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "smollm3", "SmolLM3ForCausalLM");
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        config["mlp_bias"] = spec.Layers[0].FeedForward.Bias;
        config["no_rope_layers"] = new JsonArray([.. spec.Layers.Select(layer => (JsonNode)JsonValue.Create(layer.Attention.Rope is null ? 0 : 1))]);
        Qwen2Architecture.WriteWindows(spec, config);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        int?[] windows = sizes.Windows(file, _ => true);
        Activation activation = file.Activation(GgufActivation);
        bool[]? rotated = file.FindDecantFlags(DecantKeys.RotatedLayers, sizes.Layers);
        return LlamaForm.BuildGguf(
            sizes,
            LlamaForm.Norm(file),
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with
            {
                Rope = (rotated?[layer] ?? IsRotated(layer, DefaultInterval)) ? rope : null,
                Window = windows[layer],
                QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_q.bias"),
                OutputBias = file.HasTensor($"blk.{layer}.attn_output.bias"),
            },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer], Bias = file.HasTensor($"blk.{layer}.ffn_down.bias") });
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        bool[] rotated = [.. spec.Layers.Select(layer => layer.Attention.Rope is not null)];
        if (!rotated.Select((rotates, layer) => rotates == IsRotated(layer, DefaultInterval)).All(usual => usual))
            metadata.Set(DecantKeys.RotatedLayers, GgufValue.From(rotated));
    }

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) =>
        spec.Layers.Select((layer, i) => (layer.Attention.Rope is not null) == IsRotated(i, DefaultInterval)).All(usual => usual)
            ? null
            : $"llama.cpp leaves every {DefaultInterval}th block of {Name} models without rotary positions; this model leaves others";

    private static bool IsRotated(int layer, int interval) => (layer + 1) % interval != 0;
}
