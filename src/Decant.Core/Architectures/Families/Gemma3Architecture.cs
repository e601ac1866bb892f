using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Gemma 3's text models (Kamath et al. 2025): Gemma 2 without caps, with norms of queries and keys, and five windowed blocks to a global one, whose
/// rotations have bases of their own.
/// </summary>
public sealed class Gemma3Architecture : DecoderArchitecture
{
    private const int DefaultWindow = 4096, DefaultPeriod = 6;
    private const string Windowed = "sliding_attention", Global = "full_attention";

    /// <inheritdoc/>
    public override string Name => "gemma3";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["gemma3_text"];

    /// <inheritdoc/>
    public override string GgufName => "gemma3";

    /// <inheritdoc/>
    internal override bool GgufWindowIsHonoured => true;

    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.GeluTanh;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.q_norm", TensorRole.QueryNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.k_norm", TensorRole.KeyNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.post_attention_layernorm", TensorRole.AttentionPostNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.pre_feedforward_layernorm", TensorRole.FeedForwardNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.post_feedforward_layernorm", TensorRole.FeedForwardPostNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}norm", TensorRole.FinalNorm) with { Elements = ElementFunctions.PlusOne });

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 131072, defaultKeyValueHeads: 4, defaultHeadSize: 256);
        config.RequireOff("use_bidirectional_attention");
        // Gemma 2's key: the reference reads it and caps no scores.
        config.FindPositive("attn_logit_softcapping");
        NormSpec norm = LlamaForm.Norm(config);
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, rope: null) with
        {
            Scale = DecoderDimensions.ScaleOf(config.FindPositive("query_pre_attn_scalar") ?? 256),
            QueryKeyNorm = new QueryKeyNormSpec(norm, QueryKeyNormSpan.Head),
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        int? window = config.HasEvenNull("sliding_window") ? config.FindCount("sliding_window") : DefaultWindow;
        int period = ReadPeriod(config);
        int?[] windows = LlamaForm.Windows(config, sizes.Layers, window, layer => IsWindowed(layer, period));
        (RopeSpec global, RopeSpec local) = ReadRopes(config, sizes);
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_activation", Activation.GeluTanh),
            Width = sizes.Width,
        };
        float? cap = (float?)config.FindPositive("final_logit_softcapping");
        bool tied = config.GetFlag("tie_word_embeddings", absent: true);
        return Finish(
            LlamaForm.Build(
                sizes, norm, tied, layer => attention with { Window = windows[layer], Rope = windows[layer] is null ? global : local }, feedForward),
            cap);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "gemma3_text", "Gemma3ForCausalLM");
        AttentionSpec attention = spec.Layers[0].Attention;
        config.Remove("hidden_act");
        config["hidden_activation"] = Activations.Write(spec.Layers[0].FeedForward.Activation, "gelu_pytorch_tanh");
        config["attention_bias"] = attention.QueryKeyValueBias;
        config["final_logit_softcapping"] = spec.Head.SoftCap is { } cap ? RopeConfig.Shortest(cap) : null;
        config["query_pre_attn_scalar"] = Math.Round(1 / ((double)attention.Scale * attention.Scale), 3);
        config["sliding_window"] = spec.FirstWindow;
        config["layer_types"] = LlamaForm.LayerTypes(spec);
        var ropes = new JsonObject();
        foreach ((string type, bool windowed) in (ReadOnlySpan<(string, bool)>)[(Global, false), (Windowed, true)])
        {
            if (spec.Layers.FirstOrDefault(layer => (layer.Attention.Window is not null) == windowed) is { } example)
                ropes[type] = RopeConfig.Write(example.Attention.Rope!, example.Attention.HeadSize);
        }
        config["rope_parameters"] = ropes;
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec global = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        RopeSpec local = new() { Pairing = GgufPairing, RotaryCount = global.RotaryCount, Base = RopeConfig.Shortest(file.FindPositive("rope.freq_base_swa") ?? 10000) };
        int?[] windows = sizes.Windows(file, layer => IsWindowed(layer, DefaultPeriod));
        NormSpec norm = LlamaForm.Norm(file);
        // llama.cpp tells the 27B model, whose queries are scaled by its hidden size, by its 62 blocks.
        float scale = file.FindPositive("attention.scale") ?? DecoderDimensions.ScaleOf(sizes.Layers == 62 ? sizes.Hidden / sizes.Heads[0] : sizes.HeadSize);
        file.Ignore("attn_logit_softcapping");
        float? cap = file.FindPositive("final_logit_softcapping");
        Activation activation = file.Activation(GgufActivation);
        return Finish(
            LlamaForm.BuildGguf(
                sizes,
                norm,
                tied: !file.HasTensor("output.weight"),
                layer => sizes.Attention(layer, scale) with
                {
                    Rope = windows[layer] is null ? global : local,
                    Window = windows[layer],
                    QueryKeyNorm = new QueryKeyNormSpec(norm, QueryKeyNormSpan.Head),
                },
                layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] }),
            cap);
    }

    /// <inheritdoc/>
    /// <remarks>The usual keys are of the global blocks; the windowed ones have another.</remarks>
    internal override RopeSpec? GgufRopeOf(DecoderSpec spec) => GlobalRope(spec) ?? spec.FirstRope;

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        if (spec.Layers.FirstOrDefault(layer => layer.Attention.Window is not null)?.Attention.Rope is { } local)
            metadata.Set("gemma3.rope.freq_base_swa", GgufValue.From((float)local.Base));
        if (spec.Layers.Select((layer, i) => (layer.Attention.Window is not null) == IsWindowed(i, DefaultPeriod)).All(usual => usual))
            metadata.Remove("gemma3.attention.sliding_window_pattern");
        else if (spec.FirstWindow is not null)
            metadata.Set("gemma3.attention.sliding_window_pattern", GgufValue.From(spec.Layers.Select(layer => layer.Attention.Window is not null).ToArray()));
    }

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) =>
        spec.FirstWindow is not null
        && GlobalRope(spec)?.Scaling is RopeScaling.Yarn yarn
        && Math.Abs(yarn.AttentionFactor - RopeConfig.YarnAttentionFactor(yarn.Factor, 1)) > 1e-6
            ? "llama.cpp gives the rotation of blocks with a window what YaRN's attention_factor is beside its usual value; this model has it in the other blocks alone"
            : null;

    private static RopeSpec? GlobalRope(DecoderSpec spec) => spec.Layers.FirstOrDefault(layer => layer.Attention.Window is null)?.Attention.Rope;

    private static bool IsWindowed(int layer, int period) => (layer + 1) % period != 0;

    /// <summary>One block in so many is global. Versions of transformers spelled the key either way, and some configs have both.</summary>
    private static int ReadPeriod(ConfigReader config)
    {
        int? older = config.FindCount("sliding_window_pattern"), newer = config.FindCount("_sliding_window_pattern");
        if (older is not null && newer is not null && older != newer)
            throw config.Contradiction("_sliding_window_pattern", $"the same number as in sliding_window_pattern = {older}");
        return older ?? newer ?? DefaultPeriod;
    }

    private static (RopeSpec Global, RopeSpec Local) ReadRopes(ConfigReader config, DecoderDimensions sizes)
    {
        double localBase = config.FindPositive("rope_local_base_freq") ?? 10000;
        RopeSpec global = RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 1e6, layerType: Global);
        bool hasLocal = config.FindSection("rope_parameters") is { } section && section.Has(Windowed);
        RopeSpec local = hasLocal
            ? RopeConfig.Read(config, sizes.HeadSize, sizes.Context, localBase, layerType: Windowed)
            : global with { Base = localBase, Scaling = RopeScaling.None };
        return (global, local);
    }

    private static DecoderSpec Finish(DecoderSpec spec, float? cap) => LlamaForm.WithLayers(
        spec with { Embedding = new EmbeddingSpec { Scale = (float)Math.Sqrt(spec.HiddenSize) }, Head = spec.Head with { SoftCap = cap } },
        layer => layer with { NormPlacement = NormPlacement.BeforeBranch | NormPlacement.AfterBranch });
}
