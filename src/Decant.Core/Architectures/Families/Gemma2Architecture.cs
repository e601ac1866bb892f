using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Gemma 2 (Riviere et al. 2024): scaled embeddings, norm weights stored less one, norms before and after each branch, capped scores
/// and logits, a window on every other layer, and a query scale of its own.
/// </summary>
public sealed class Gemma2Architecture : DecoderArchitecture
{
    private const int DefaultWindow = 4096;
    private const float DefaultAttentionCap = 50, DefaultCap = 30;

    /// <inheritdoc/>
    public override string Name => "gemma2";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["gemma2"];

    /// <inheritdoc/>
    public override string GgufName => "gemma2";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { TiedHead = true };

    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.GeluTanh;

    /// <inheritdoc/>
    internal override bool GgufWindowIsHonoured => true;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.post_attention_layernorm", TensorRole.AttentionPostNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.pre_feedforward_layernorm", TensorRole.FeedForwardNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}layers.{layer}.post_feedforward_layernorm", TensorRole.FeedForwardPostNorm) with { Elements = ElementFunctions.PlusOne },
        TensorLayout.Module("{prefix}norm", TensorRole.FinalNorm) with { Elements = ElementFunctions.PlusOne });

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 8192, defaultKeyValueHeads: 4, defaultHeadSize: 256);
        config.RequireOff("use_bidirectional_attention");
        // The reference reads hidden_activation only; published configs carry the older key too.
        config.Ignore("hidden_act");
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with
        {
            Scale = DecoderDimensions.ScaleOf(config.FindPositive("query_pre_attn_scalar") ?? 256),
            SoftCap = ReadCap(config, "attn_logit_softcapping", DefaultAttentionCap),
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        int? window = config.HasEvenNull("sliding_window") ? config.FindCount("sliding_window") : DefaultWindow;
        // The first published configs have it beside the key that is read.
        if (config.FindCount("sliding_window_size") is { } again && again != window)
            throw config.Contradiction("sliding_window_size", $"the same number as in sliding_window = {window?.ToString(CultureInfo.InvariantCulture) ?? "null"}");
        int?[] windows = LlamaForm.Windows(config, sizes.Layers, window, IsWindowed);
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_activation", Activation.GeluTanh),
            Width = sizes.Width,
        };
        float? cap = ReadCap(config, "final_logit_softcapping", DefaultCap);
        bool tied = config.GetFlag("tie_word_embeddings", absent: true);
        return Finish(LlamaForm.Build(sizes, LlamaForm.Norm(config), tied, layer => attention with { Window = windows[layer] }, feedForward), cap);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "gemma2", "Gemma2ForCausalLM");
        AttentionSpec attention = spec.Layers[0].Attention;
        config.Remove("hidden_act");
        config["hidden_activation"] = Activations.Write(spec.Layers[0].FeedForward.Activation, "gelu_pytorch_tanh");
        config["attention_bias"] = attention.QueryKeyValueBias;
        config["attn_logit_softcapping"] = attention.SoftCap is { } attentionCap ? RopeConfig.Shortest(attentionCap) : null;
        config["final_logit_softcapping"] = spec.Head.SoftCap is { } cap ? RopeConfig.Shortest(cap) : null;
        // The scale is 1 / √n rounded; n itself is a whole number in every published config.
        config["query_pre_attn_scalar"] = Math.Round(1 / ((double)attention.Scale * attention.Scale), 3);
        config["sliding_window"] = spec.FirstWindow;
        config["layer_types"] = LlamaForm.LayerTypes(spec);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        Activation activation = file.Activation(GgufActivation);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        int?[] windows = sizes.Windows(file, IsWindowed, DefaultWindow);
        // llama.cpp tells the 27B model, whose queries are scaled by its hidden size, by its 46 blocks.
        float scale = file.FindPositive("attention.scale")
            ?? DecoderDimensions.ScaleOf(sizes.Layers == 46 ? sizes.Hidden / sizes.Heads[0] : sizes.HeadSize);
        float attentionCap = file.FindPositive("attn_logit_softcapping") ?? DefaultAttentionCap;
        float cap = file.FindPositive("final_logit_softcapping") ?? DefaultCap;
        return Finish(
            LlamaForm.BuildGguf(
                sizes,
                LlamaForm.Norm(file),
                tied: !file.HasTensor("output.weight"),
                layer => sizes.Attention(layer, scale) with { Rope = rope, Window = windows[layer], SoftCap = attentionCap },
                layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] }),
            cap);
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        // llama.cpp alternates by itself and would read an array as well, but files of its own converter have none.
        if (spec.Layers.Select((layer, i) => (layer.Attention.Window is not null) == IsWindowed(i)).All(usual => usual))
            metadata.Remove("gemma2.attention.sliding_window_pattern");
        else
            metadata.Set("gemma2.attention.sliding_window_pattern", GgufValue.From(spec.Layers.Select(layer => layer.Attention.Window is not null).ToArray()));
        // A missing key means a window of 4096.
        if (spec.FirstWindow is null)
            metadata.Set("gemma2.attention.sliding_window", GgufValue.From((uint)DefaultWindow));
    }

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) =>
        spec.FirstWindow is null ? $"llama.cpp does not load this model: of {Name} models it takes those with a sliding window in some blocks" : null;

    private static bool IsWindowed(int layer) => layer % 2 == 0;

    private static float? ReadCap(ConfigReader config, string key, float absent) =>
        config.HasEvenNull(key) ? (float?)config.FindPositive(key) : absent;

    private static DecoderSpec Finish(DecoderSpec spec, float? cap) => spec with
    {
        Embedding = new EmbeddingSpec { Scale = (float)Math.Sqrt(spec.HiddenSize) },
        Layers = [.. spec.Layers.Select(layer => layer with { NormPlacement = NormPlacement.BeforeBranch | NormPlacement.AfterBranch })],
        Head = spec.Head with { SoftCap = cap },
    };
}
