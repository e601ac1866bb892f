using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// What Llama and its many descendants share: norms before each branch, grouped-query attention with rotary positions, a gated
/// feed-forward part, and the names of their tensors and keys. A family adds what it does otherwise.
/// </summary>
internal static class LlamaForm
{
    /// <summary>Tables that older versions of transformers stored with the weights.</summary>
    public static ImmutableArray<string> LeftOut { get; } =
        [".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached", ".position_ids", ".attn.bias", ".attn.masked_bias"];

    /// <summary>The tensor names of Llama in Hugging Face checkpoints.</summary>
    public static TensorLayout Names { get; } = NamesWith();

    /// <summary>Llama's names after lines that come first.</summary>
    public static TensorLayout NamesWith(params ReadOnlySpan<TensorMapping> first) => new(
    [
        .. first,
        TensorLayout.Module("{prefix}embed_tokens", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.q_proj", TensorRole.Query),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.k_proj", TensorRole.Key),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.v_proj", TensorRole.Value),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.q_norm", TensorRole.QueryNorm),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.k_norm", TensorRole.KeyNorm),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.o_proj", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}layers.{layer}.post_attention_layernorm", TensorRole.FeedForwardNorm),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.gate_proj", TensorRole.Gate),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.up_proj", TensorRole.Up),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.down_proj", TensorRole.Down),
        TensorLayout.Module("{prefix}norm", TensorRole.FinalNorm),
        TensorLayout.Module("lm_head", TensorRole.Head),
    ])
    {
        Prefixes = ["model.", ""],
        LeftOut = LeftOut,
    };

    /// <summary>The decoder of this form.</summary>
    public static DecoderSpec Build(DecoderDimensions sizes, NormSpec norm, bool tied, Func<int, AttentionSpec> attention, FeedForwardSpec feedForward) =>
        Build(sizes, norm, tied, attention, _ => feedForward);

    /// <summary>The decoder of this form, whose blocks' feed-forward parts differ.</summary>
    public static DecoderSpec Build(
        DecoderDimensions sizes, NormSpec norm, bool tied, Func<int, AttentionSpec> attention, Func<int, FeedForwardSpec> feedForward) => new()
    {
        VocabularySize = sizes.Vocabulary,
        HiddenSize = sizes.Hidden,
        ContextLength = sizes.Context,
        Layers = [.. Enumerable.Range(0, sizes.Layers).Select(layer => new LayerSpec { Norm = norm, Attention = attention(layer), FeedForward = feedForward(layer) })],
        FinalNorm = norm,
        Head = new HeadSpec { Tied = tied },
    };

    /// <summary>The decoder of this form in a GGUF file.</summary>
    public static DecoderSpec BuildGguf(
        GgufDimensions sizes, NormSpec norm, bool tied, Func<int, AttentionSpec> attention, Func<int, FeedForwardSpec> feedForward) => new()
    {
        VocabularySize = sizes.Vocabulary,
        HiddenSize = sizes.Hidden,
        ContextLength = sizes.Context,
        Layers = [.. Enumerable.Range(0, sizes.Layers).Select(layer => new LayerSpec { Norm = norm, Attention = attention(layer), FeedForward = feedForward(layer) })],
        FinalNorm = norm,
        Head = new HeadSpec { Tied = tied },
    };

    /// <summary>Attention of these sizes, without biases, norms and windows.</summary>
    public static AttentionSpec Attention(DecoderDimensions sizes, RopeSpec? rope) => new()
    {
        HeadCount = sizes.Heads,
        KeyValueHeadCount = sizes.KeyValueHeads,
        HeadSize = sizes.HeadSize,
        ValueSize = sizes.HeadSize,
        Scale = sizes.UsualScale,
        Rope = rope,
    };

    /// <summary>The norm of this form, from <c>rms_norm_eps</c>.</summary>
    public static NormSpec Norm(ConfigReader config, double absent = 1e-6) =>
        new(NormKind.RootMeanSquare, (float)(config.FindPositive("rms_norm_eps") ?? absent));

    /// <summary>The norm of this form, from GGUF.</summary>
    public static NormSpec Norm(GgufSpecReader file) => new(NormKind.RootMeanSquare, file.GetPositive("attention.layer_norm_rms_epsilon"));

    /// <summary>The norm of families that subtract the mean.</summary>
    public static NormSpec LayerNorm(ConfigReader config, string key, double absent = 1e-5, bool bias = true) =>
        new(NormKind.Layer, (float)(config.FindPositive(key) ?? absent), bias);

    /// <summary>The norm of families that subtract the mean, from GGUF.</summary>
    public static NormSpec LayerNorm(GgufSpecReader file, bool bias = true) => new(NormKind.Layer, file.GetPositive("attention.layer_norm_epsilon"), bias);

    /// <summary>The spec with every block changed alike.</summary>
    public static DecoderSpec WithLayers(DecoderSpec spec, Func<LayerSpec, LayerSpec> change) => spec with { Layers = [.. spec.Layers.Select(change)] };

    /// <summary>The config keys of this form.</summary>
    public static JsonObject WriteConfig(DecoderSpec spec, string modelType, string className)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(className),
            ["model_type"] = modelType,
            ["rms_norm_eps"] = RopeConfig.Shortest(spec.FinalNorm!.Epsilon),
            ["tie_word_embeddings"] = spec.Head.Tied,
            ["hidden_act"] = Activations.Write(spec.Layers[0].FeedForward.Activation, "silu"),
        };
        DecoderDimensions.Of(spec).Write(config, ConfigKeys.Usual);
        if (spec.FirstRope is { } rope)
            config["rope_parameters"] = RopeConfig.Write(rope, spec.Layers[0].Attention.HeadSize);
        return config;
    }

    /// <summary>
    /// The window of each layer, from <c>layer_types</c> if the config has it, else from the family's rule.
    /// </summary>
    /// <param name="config">The config.</param>
    /// <param name="layers">Blocks.</param>
    /// <param name="window">The window's length, or null if windows are off.</param>
    /// <param name="usual">Which layers have the window by the family's rule.</param>
    public static int?[] Windows(ConfigReader config, int layers, int? window, Func<int, bool> usual)
    {
        if (config.FindTexts("layer_types") is not { } types)
            return [.. Enumerable.Range(0, layers).Select(layer => usual(layer) ? window : null)];
        if (types.Length != layers)
            throw config.Contradiction("layer_types", $"{layers} entries, as many as num_hidden_layers");
        return [.. types.AsEnumerable().Select(type => type switch
        {
            "full_attention" => (int?)null,
            "sliding_attention" => window ?? throw config.Contradiction("layer_types", "no sliding_attention, for the sliding window is off"),
            _ => throw config.NotSupported("layer_types", "full_attention, sliding_attention"),
        })];
    }

    /// <summary>The <c>layer_types</c> of a spec.</summary>
    public static JsonArray LayerTypes(DecoderSpec spec) =>
        new([.. spec.Layers.Select(layer => (JsonNode)JsonValue.Create(layer.Attention.Window is null ? "full_attention" : "sliding_attention"))]);
}
