using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Mistral 7B and its relatives (Jiang et al. 2023): Llama with a sliding window. A config without the key means 4096, one that says null
/// means none. GGUF has no architecture of its own for it.
/// </summary>
public sealed class MistralArchitecture : DecoderArchitecture
{
    private const int DefaultContext = 131072;

    /// <inheritdoc/>
    public override string Name => "mistral";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["mistral"];

    /// <inheritdoc/>
    public override string GgufName => "llama";

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => LlamaForm.Names;

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override bool GgufHoldsRotaryDivisors => true;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, DefaultContext, defaultKeyValueHeads: 8);
        config.RequireOff("attention_bias");
        config.RequireOff("mlp_bias");
        int? window = config.HasEvenNull("sliding_window") ? config.FindCount("sliding_window") : 4096;
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with { Window = window };
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.Silu),
            Width = sizes.Width,
        };
        return LlamaForm.Build(sizes, LlamaForm.Norm(config), config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "mistral", "MistralForCausalLM");
        config["sliding_window"] = spec.Layers[0].Attention.Window;
        return config;
    }

    /// <inheritdoc/>
    internal override bool ClaimsGguf(GgufSpecReader file) =>
        file.FindCountOrZero("expert_count") is null or 0 && file.FindCountOrZero("attention.sliding_window") is > 0;

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
            layer => sizes.Attention(layer) with { Rope = rope, Window = windows[layer] },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] });
    }
}
