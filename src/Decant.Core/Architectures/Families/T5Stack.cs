using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Families;

/// <summary>What the blocks of T5's encoder and decoder have alike.</summary>
/// <param name="Sizes">Sizes; the blocks are the encoder's.</param>
/// <param name="Norm">All norms.</param>
/// <param name="FeedForward">All feed-forward parts.</param>
/// <param name="Bias">How distances fall into buckets.</param>
internal sealed record T5Stack(DecoderDimensions Sizes, NormSpec Norm, FeedForwardSpec FeedForward, RelativeBiasSpec Bias)
{
    private const int DefaultContext = 512, DefaultBuckets = 32, DefaultMaximumDistance = 128, MostBuckets = 1 << 16;
    private const int FewestBuckets = 4;

    /// <summary>How config.json spells the keys that state sizes.</summary>
    public static ConfigKeys Keys { get; } = new()
    {
        Hidden = "d_model",
        Width = "d_ff",
        Layers = "num_layers",
        Heads = "num_heads",
        KeyValueHeads = "num_heads",
        HeadSize = "d_kv",
        Context = "n_positions",
    };

    // No factor on scores.
    private AttentionSpec Attention => LlamaForm.Attention(Sizes, rope: null) with { Scale = 1, Bidirectional = true };

    /// <summary>Reads config.json.</summary>
    /// <param name="config">The config.</param>
    /// <param name="defaultFeedForward">How the feed-forward part is called if the config does not say.</param>
    public static T5Stack Read(ConfigReader config, string defaultFeedForward)
    {
        config.Ignore("dropout_rate", "initializer_factor", "classifier_dropout", "output_past", "add_cross_attention", "scalable_attention");
        int heads = config.GetCount(Keys.Heads, DecoderDimensions.MaximumHeads);
        var sizes = new DecoderDimensions
        {
            Vocabulary = config.GetCount(Keys.Vocabulary),
            Hidden = config.GetCount(Keys.Hidden),
            Context = config.FindCount(Keys.Context) ?? DefaultContext,
            Layers = config.GetCount(Keys.Layers, DecoderDimensions.MaximumLayers),
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = config.GetCount(Keys.HeadSize, DecoderDimensions.MaximumHeads),
            Width = config.GetCount(Keys.Width),
        };
        int buckets = config.FindCount("relative_attention_num_buckets", MostBuckets) ?? DefaultBuckets;
        if (buckets < FewestBuckets)
            throw config.Contradiction("relative_attention_num_buckets", $"at least {FewestBuckets}");
        int distance = config.FindCount("relative_attention_max_distance", MostBuckets) ?? DefaultMaximumDistance;
        if (distance <= buckets / 2)
            throw config.Contradiction("relative_attention_max_distance", $"more than half of relative_attention_num_buckets = {buckets}");
        (bool gated, Activation activation) = ReadFeedForward(config, defaultFeedForward);
        return new(
            sizes,
            new NormSpec(NormKind.RootMeanSquare, (float)(config.FindPositive("layer_norm_epsilon") ?? 1e-6)),
            new FeedForwardSpec { Gated = gated, Activation = activation, Width = sizes.Width },
            new RelativeBiasSpec(buckets, distance, TableLayer: 0));
    }

    /// <summary>The keys that <see cref="Read(ConfigReader, string)"/> reads.</summary>
    public static JsonObject WriteConfig(EncoderSpec spec, string modelType, string className)
    {
        LayerSpec first = spec.Layers[0];
        RelativeBiasSpec bias = first.Attention.RelativeBias!;
        string activation = Activations.Write(first.FeedForward.Activation, first.FeedForward.Gated ? "gelu_new" : "relu");
        return new JsonObject
        {
            ["architectures"] = new JsonArray(className),
            ["model_type"] = modelType,
            [Keys.Vocabulary] = spec.VocabularySize,
            [Keys.Hidden] = spec.HiddenSize,
            [Keys.HeadSize] = first.Attention.HeadSize,
            [Keys.Width] = first.FeedForward.Width,
            [Keys.Layers] = spec.Layers.Length,
            [Keys.Heads] = first.Attention.HeadCount,
            [Keys.Context] = spec.ContextLength,
            ["relative_attention_num_buckets"] = bias.BucketCount,
            ["relative_attention_max_distance"] = bias.MaximumDistance,
            ["layer_norm_epsilon"] = RopeConfig.Shortest(first.Norm.Epsilon),
            ["feed_forward_proj"] = first.FeedForward.Gated ? activation == "gelu_new" ? "gated-gelu" : "gated-" + activation : activation,
        };
    }

    /// <summary>Reads a GGUF file, of an encoder alone or beside a decoder.</summary>
    public static T5Stack Read(GgufSpecReader file)
    {
        // The same number under both names, for llama.cpp's loader asks for either.
        file.Ignore("attention.layer_norm_epsilon", "attention.head_count_kv");
        int heads = file.GetCount("attention.head_count", DecoderDimensions.MaximumHeads);
        var sizes = new DecoderDimensions
        {
            Vocabulary = file.Vocabulary(),
            Hidden = file.GetCount("embedding_length"),
            Context = file.GetCount("context_length"),
            Layers = file.GetCount("block_count", DecoderDimensions.MaximumLayers),
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = file.GetCount("attention.key_length", DecoderDimensions.MaximumHeads),
            Width = file.GetCount("feed_forward_length"),
        };
        if (file.FindCount("attention.value_length") is { } values && values != sizes.HeadSize)
            throw file.NotSupported("attention.value_length", $"{values}", $"the same as key_length, {sizes.HeadSize}");
        int buckets = file.GetCount("attention.relative_buckets_count", MostBuckets);
        int distance = file.FindOtherCount(DecantKeys.RelativeMaximumDistance) ?? DefaultMaximumDistance;
        if (buckets < FewestBuckets || distance <= buckets / 2 || distance > MostBuckets)
        {
            throw BadFileException.Expected(
                file.Location, $"metadata key {file.KeyOf("attention.relative_buckets_count")}", $"from {FewestBuckets} to less than twice the largest distance, {distance}", $"{buckets}");
        }
        bool gated = file.HasTensor("enc.blk.0.ffn_gate.weight");
        return new(
            sizes, LlamaForm.Norm(file), new FeedForwardSpec { Gated = gated, Activation = file.Activation(UsualActivation(gated)), Width = sizes.Width },
            new RelativeBiasSpec(buckets, distance, TableLayer: 0));
    }

    /// <summary>Writes what the keys of other encoders do not say of a stack's blocks.</summary>
    public static void WriteGguf(EncoderSpec spec, string prefix, GgufMetadata metadata, List<string> notices)
    {
        LayerSpec first = spec.Layers[0];
        RelativeBiasSpec bias = first.Attention.RelativeBias!;
        metadata.Set(prefix + "attention.key_length", GgufValue.From((uint)first.Attention.HeadSize));
        metadata.Set(prefix + "attention.value_length", GgufValue.From((uint)first.Attention.ValueSize));
        metadata.Set(prefix + "attention.layer_norm_epsilon", GgufValue.From(first.Norm.Epsilon));
        metadata.Set(prefix + "attention.layer_norm_rms_epsilon", GgufValue.From(first.Norm.Epsilon));
        metadata.Set(prefix + "attention.relative_buckets_count", GgufValue.From((uint)bias.BucketCount));
        if (bias.MaximumDistance == DefaultMaximumDistance)
            return;
        metadata.Set(DecantKeys.RelativeMaximumDistance, GgufValue.From((uint)bias.MaximumDistance));
        notices.Add($"llama.cpp puts distances from {DefaultMaximumDistance} on into the last bucket of T5's biases; this model has {bias.MaximumDistance}");
    }

    /// <summary>True if the blocks of a file have tables of biases of their own.</summary>
    public static bool HasOwnTables(GgufSpecReader file) => file.HasTensor("enc.blk.1.attn_rel_b.weight") || file.HasTensor("dec.blk.1.attn_rel_b.weight");

    /// <summary>The activation that T5 files have, which GGUF has no key for.</summary>
    public static Activation UsualActivation(bool gated) => gated ? Activation.GeluTanh : Activation.Relu;

    /// <summary>The encoder.</summary>
    /// <param name="tableOf">The block whose table of biases a block uses.</param>
    public EncoderSpec Encoder(Func<int, int> tableOf) => new()
    {
        VocabularySize = Sizes.Vocabulary,
        HiddenSize = Sizes.Hidden,
        ContextLength = Sizes.Context,
        Layers =
        [
            .. Enumerable.Range(0, Sizes.Layers).Select(layer => new LayerSpec
            {
                Norm = Norm,
                Attention = Attention with { RelativeBias = Bias with { TableLayer = tableOf(layer) } },
                FeedForward = FeedForward,
            }),
        ],
        FinalNorm = Norm,
    };

    /// <summary>The decoder.</summary>
    /// <param name="layers">Its blocks.</param>
    /// <param name="head">Its head.</param>
    /// <param name="tableOf">The block whose table of biases a block uses.</param>
    public DecoderSpec Decoder(int layers, HeadSpec head, Func<int, int> tableOf) => new()
    {
        VocabularySize = Sizes.Vocabulary,
        HiddenSize = Sizes.Hidden,
        ContextLength = Sizes.Context,
        Layers =
        [
            .. Enumerable.Range(0, layers).Select(layer => new LayerSpec
            {
                Norm = Norm,
                Attention = Attention with { Bidirectional = false, RelativeBias = Bias with { TableLayer = tableOf(layer) } },
                CrossAttention = Attention,
                FeedForward = FeedForward,
            }),
        ],
        FinalNorm = Norm,
        Head = head,
    };

    private static (bool Gated, Activation Activation) ReadFeedForward(ConfigReader config, string absent)
    {
        string form = config.FindText("feed_forward_proj") ?? absent;
        bool gated = form.StartsWith("gated-", StringComparison.Ordinal);
        string name = gated ? form["gated-".Length..] : form;
        // The one name that means another function here than elsewhere.
        Activation activation = form == "gated-gelu" ? Activation.GeluTanh : Activations.Find(name) ?? throw config.NotSupported("feed_forward_proj", "relu, gated-gelu, and other activations with and without gated-");
        if (config.FindText("dense_act_fn") is { } stated && Activations.Find(stated) != activation)
            throw config.Contradiction("dense_act_fn", $"{Activations.Write(activation, "gelu_new")}, which follows from feed_forward_proj = {form}");
        if (config.GetFlag("is_gated_act", absent: gated) != gated)
            throw config.Contradiction("is_gated_act", $"{(gated ? "true" : "false")}, which follows from feed_forward_proj = {form}");
        return (gated, activation);
    }
}
