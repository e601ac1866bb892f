using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// T5 (Raffel et al. 2020) and T5 v1.1: an encoder–decoder with biases by distance in place of positions, no factor on scores, norms without a mean in front of
/// every branch and no biases. v1.1 gates the feed-forward part and has logits of full size.
/// </summary>
public class T5Architecture : Architecture<EncoderDecoderSpec>
{
    private const int DefaultContext = 512, DefaultBuckets = 32, DefaultMaximumDistance = 128, MostBuckets = 1 << 16;
    private const int FewestBuckets = 4;

    private static readonly ConfigKeys keys = new()
    {
        Hidden = "d_model",
        Width = "d_ff",
        Layers = "num_layers",
        Heads = "num_heads",
        KeyValueHeads = "num_heads",
        HeadSize = "d_kv",
        Context = "n_positions",
    };

    /// <inheritdoc/>
    public override string Name => "t5";

    /// <inheritdoc/>
    public override string Kind => "encoder–decoder";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["t5", "mt5"];

    /// <inheritdoc/>
    public override string GgufName => "t5";

    /// <inheritdoc/>
    internal override bool ClaimsGguf(GgufSpecReader file) => !HasOwnTables(file);

    /// <summary>True if the blocks of a file have tables of biases of their own.</summary>
    internal static bool HasOwnTables(GgufSpecReader file) => file.HasTensor("enc.blk.1.attn_rel_b.weight") || file.HasTensor("dec.blk.1.attn_rel_b.weight");

    /// <inheritdoc/>
    internal sealed override ConfigKeys Keys => keys;

    /// <summary>The block whose table of biases a block uses.</summary>
    internal virtual int BiasTableOf(int layer) => 0;

    /// <summary>How its feed-forward part is called if the config does not say.</summary>
    internal virtual string DefaultFeedForward => "relu";

    /// <summary>The class of its checkpoints, for config.json.</summary>
    internal virtual string ClassName => "T5ForConditionalGeneration";

    /// <inheritdoc/>
    internal sealed override bool ClaimsConfig(ConfigReader config) => !config.ClassEndsWith("EncoderModel");

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("shared", TensorRole.TokenEmbedding),
        .. Block("encoder", StackKind.Encoder, isDecoder: false),
        TensorLayout.Module("encoder.final_layer_norm", TensorRole.FinalNorm) with { Stack = StackKind.Encoder },
        .. Block("decoder", StackKind.Main, isDecoder: true),
        TensorLayout.Module("decoder.final_layer_norm", TensorRole.FinalNorm),
        TensorLayout.Module("lm_head", TensorRole.Head),
        // Other names that the one embedding is stored under.
        TensorLayout.Module("encoder.embed_tokens", TensorRole.TokenEmbedding),
        TensorLayout.Module("decoder.embed_tokens", TensorRole.TokenEmbedding),
    ])
    {
        // The original checkpoints have biases in the first cross-attention, which were never used.
        UnusedHeads = ["decoder.block.0.layer.1.EncDecAttention.relative_attention_bias"],
    };

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = new(
    [
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        .. GgufBlock("enc", StackKind.Encoder),
        TensorLayout.Module("enc.output_norm", TensorRole.FinalNorm) with { Stack = StackKind.Encoder },
        .. GgufBlock("dec", StackKind.Main),
        TensorLayout.Module("dec.output_norm", TensorRole.FinalNorm),
        TensorLayout.Module("output", TensorRole.Head),
    ])
    {
        UnusedHeads = ["dec.blk.0.cross_attn_rel_b"],
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(EncoderDecoderSpec spec) => ForFeedForward(HuggingFaceLayout, spec.Encoder.Layers[0].FeedForward.Gated);

    /// <summary>The names of models whose feed-forward part is gated, or is not.</summary>
    internal static TensorLayout ForFeedForward(TensorLayout layout, bool gated)
    {
        string other = gated ? ".wi" : ".wi_1";
        return layout with { Mappings = [.. layout.Mappings.Where(mapping => !mapping.Module.EndsWith(other, StringComparison.Ordinal))] };
    }

    /// <inheritdoc/>
    internal override string LayersKeyOf(StackKind stack) => stack == StackKind.Encoder ? "num_layers" : "num_decoder_layers";

    /// <inheritdoc/>
    internal override string GgufLayersKeyOf(StackKind stack) => stack == StackKind.Encoder ? "block_count" : "decoder_block_count";

    /// <inheritdoc/>
    internal override void RequireForm(ConfigReader config)
    {
        config.RequireOff("tie_encoder_decoder");
        if (!config.GetFlag("is_encoder_decoder", absent: true))
            throw config.NotSupported("is_encoder_decoder", "true");
    }

    /// <inheritdoc/>
    internal override EncoderDecoderSpec ReadConfig(ConfigReader config)
    {
        (DecoderDimensions sizes, NormSpec norm, FeedForwardSpec feedForward, RelativeBiasSpec bias) = ReadStack(config, DefaultFeedForward);
        // Transformers 5 calls every head tied and says by another key what that once meant for the logits.
        bool tied = config.GetFlag("tie_word_embeddings", absent: true);
        bool scaled = config.GetFlag("scale_decoder_outputs", absent: tied);
        int start = config.FindCountOrNone("decoder_start_token_id") ?? config.FindCountOrNone("pad_token_id") ?? 0;
        if (start >= sizes.Vocabulary)
            throw config.Contradiction("decoder_start_token_id", $"a token id below {Keys.Vocabulary} = {sizes.Vocabulary}");
        return Build(
            sizes,
            config.FindCount("num_decoder_layers", DecoderDimensions.MaximumLayers) ?? sizes.Layers,
            norm,
            feedForward,
            bias,
            new HeadSpec { Tied = tied, Scale = scaled ? DecoderDimensions.ScaleOf(sizes.Hidden) : 1 },
            start);
    }

    /// <summary>What the encoder and the decoder have alike.</summary>
    internal static (DecoderDimensions Sizes, NormSpec Norm, FeedForwardSpec FeedForward, RelativeBiasSpec Bias) ReadStack(ConfigReader config, string defaultFeedForward)
    {
        config.Ignore("dropout_rate", "initializer_factor", "classifier_dropout", "output_past", "add_cross_attention");
        int heads = config.GetCount(keys.Heads, DecoderDimensions.MaximumHeads);
        var sizes = new DecoderDimensions
        {
            Vocabulary = config.GetCount(keys.Vocabulary),
            Hidden = config.GetCount(keys.Hidden),
            Context = config.FindCount(keys.Context) ?? DefaultContext,
            Layers = config.GetCount(keys.Layers, DecoderDimensions.MaximumLayers),
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = config.GetCount(keys.HeadSize, DecoderDimensions.MaximumHeads),
            Width = config.GetCount(keys.Width),
        };
        int buckets = config.FindCount("relative_attention_num_buckets", MostBuckets) ?? DefaultBuckets;
        if (buckets < FewestBuckets)
            throw config.Contradiction("relative_attention_num_buckets", $"at least {FewestBuckets}");
        int distance = config.FindCount("relative_attention_max_distance", MostBuckets) ?? DefaultMaximumDistance;
        if (distance <= buckets / 2)
            throw config.Contradiction("relative_attention_max_distance", $"more than half of relative_attention_num_buckets = {buckets}");
        (bool gated, Activation activation) = ReadFeedForward(config, defaultFeedForward);
        return (
            sizes,
            new NormSpec(NormKind.RootMeanSquare, (float)(config.FindPositive("layer_norm_epsilon") ?? 1e-6)),
            new FeedForwardSpec { Gated = gated, Activation = activation, Width = sizes.Width },
            new RelativeBiasSpec(buckets, distance, TableLayer: 0));
    }

    /// <inheritdoc/>
    internal override ModelSpec Complete(ModelSpec spec, IModelSource source)
    {
        var model = (EncoderDecoderSpec)spec;
        // "Tied" with full-size logits is what transformers 5 writes for models whose head was never tied: then the stored head counts.
        bool hasOwnHead = model.Decoder.Head is { Tied: true, Scale: 1 } && source.FindTensor("lm_head.weight") is not null;
        return hasOwnHead ? model with { Decoder = model.Decoder with { Head = model.Decoder.Head with { Tied = false } } } : model;
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(EncoderDecoderSpec spec)
    {
        JsonObject config = WriteStack(spec.Encoder, ModelTypes[0], ClassName);
        config["is_encoder_decoder"] = true;
        config["num_decoder_layers"] = spec.Decoder.Layers.Length;
        config["decoder_start_token_id"] = spec.DecoderStartId;
        config["tie_word_embeddings"] = spec.Decoder.Head.Tied;
        config["scale_decoder_outputs"] = spec.Decoder.Head.Scale != 1;
        return config;
    }

    /// <summary>The keys that <see cref="ReadStack"/> reads.</summary>
    internal static JsonObject WriteStack(EncoderSpec spec, string modelType, string className)
    {
        LayerSpec first = spec.Layers[0];
        RelativeBiasSpec bias = first.Attention.RelativeBias!;
        string activation = Activations.Write(first.FeedForward.Activation, first.FeedForward.Gated ? "gelu_new" : "relu");
        return new JsonObject
        {
            ["architectures"] = new JsonArray(className),
            ["model_type"] = modelType,
            [keys.Vocabulary] = spec.VocabularySize,
            [keys.Hidden] = spec.HiddenSize,
            [keys.HeadSize] = first.Attention.HeadSize,
            [keys.Width] = first.FeedForward.Width,
            [keys.Layers] = spec.Layers.Length,
            [keys.Heads] = first.Attention.HeadCount,
            [keys.Context] = spec.ContextLength,
            ["relative_attention_num_buckets"] = bias.BucketCount,
            ["relative_attention_max_distance"] = bias.MaximumDistance,
            ["layer_norm_epsilon"] = RopeConfig.Shortest(first.Norm.Epsilon),
            ["feed_forward_proj"] = first.FeedForward.Gated ? activation == "gelu_new" ? "gated-gelu" : "gated-" + activation : activation,
        };
    }

    /// <inheritdoc/>
    internal override EncoderDecoderSpec ReadGguf(GgufSpecReader file)
    {
        (DecoderDimensions sizes, NormSpec norm, FeedForwardSpec feedForward, RelativeBiasSpec bias) = ReadGgufStack(file);
        bool tied = !file.HasTensor("output.weight");
        int start = file.FindCountOrZero("decoder_start_token_id") ?? 0;
        if (start >= sizes.Vocabulary)
            throw BadFileException.Expected(file.Location, $"metadata key {file.KeyOf("decoder_start_token_id")}", $"a token id below {sizes.Vocabulary}", $"{start}");
        return Build(
            sizes,
            file.FindCount("decoder_block_count", DecoderDimensions.MaximumLayers) ?? sizes.Layers,
            norm,
            feedForward,
            bias,
            new HeadSpec { Tied = tied, Scale = (float)(file.FindDecantNumber(DecantKeys.HeadScale) ?? UsualScale(tied, sizes.Hidden)) },
            start);
    }

    /// <summary>What a GGUF file says of a stack's blocks, alone or beside a decoder.</summary>
    internal static (DecoderDimensions Sizes, NormSpec Norm, FeedForwardSpec FeedForward, RelativeBiasSpec Bias) ReadGgufStack(GgufSpecReader file)
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
        return (
            sizes, LlamaForm.Norm(file), new FeedForwardSpec { Gated = gated, Activation = file.Activation(UsualActivation(gated)), Width = sizes.Width },
            new RelativeBiasSpec(buckets, distance, TableLayer: 0));
    }

    /// <summary>Writes what the keys of other encoders do not say of a stack's blocks.</summary>
    internal static void WriteGgufStack(EncoderSpec spec, string prefix, GgufMetadata metadata, List<string> notices)
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

    /// <inheritdoc/>
    internal override List<string> WriteGguf(ModelSpec spec, GgufMetadata metadata)
    {
        const string prefix = "t5.";
        var model = (EncoderDecoderSpec)spec;
        LayerSpec first = model.Encoder.Layers[0];
        HeadSpec head = model.Decoder.Head;
        FeedForwardSpec feedForward = first.FeedForward;
        var notices = new List<string>();
        void Count(string key, int value) => metadata.Set(prefix + key, GgufValue.From((uint)value));

        metadata.Set("general.architecture", GgufValue.From(GgufName));
        metadata.Set("general.type", GgufValue.From("model"));
        Count("context_length", spec.ContextLength);
        Count("embedding_length", spec.HiddenSize);
        Count("feed_forward_length", feedForward.Width);
        Count("block_count", model.Encoder.Layers.Length);
        Count("decoder_block_count", model.Decoder.Layers.Length);
        Count("attention.head_count", first.Attention.HeadCount);
        WriteGgufStack(model.Encoder, prefix, metadata, notices);
        Count("decoder_start_token_id", model.DecoderStartId);
        Count("vocab_size", spec.VocabularySize);
        GgufActivation.Write(metadata, feedForward.Gated ? "gated T5" : "T5", UsualActivation(feedForward.Gated), feedForward.Activation, notices);
        if (model.Decoder.Layers.Length > model.Encoder.Layers.Length)
            notices.Add($"llama.cpp does not load T5 models whose decoder has more blocks ({model.Decoder.Layers.Length}) than the encoder ({model.Encoder.Layers.Length})");
        if (head.Scale != UsualScale(head.Tied, spec.HiddenSize))
            metadata.Set(DecantKeys.HeadScale, GgufValue.From(head.Scale));
        if (head.Scale != 1)
            notices.Add($"llama.cpp does not multiply the logits by 1/√{spec.HiddenSize}, as this model wants: their order is the same, their probabilities are sharper");
        return notices;
    }

    /// <inheritdoc/>
    internal override string? DifferenceOf(EncoderDecoderSpec expected, EncoderDecoderSpec got) =>
        SpecComparison.FirstDifference(expected.Encoder, got.Encoder) is { } encoder
            ? $"encoder: {encoder}"
            : SpecComparison.FirstDifference(expected.Decoder, got.Decoder) is { } decoder
                ? $"decoder: {decoder}"
                : expected == got ? null : $"decoder start {expected.DecoderStartId} became {got.DecoderStartId}";

    /// <inheritdoc/>
    internal override EncoderDecoderModel CreateModel(
        IModelSource source, ModelSpec spec, IReadOnlyDictionary<TensorId, TensorData> tensors, IReadOnlyList<string> notices, IReadOnlyList<string> unknownTensors) =>
        new(source, Name, (EncoderDecoderSpec)spec, tensors, notices, unknownTensors);

    private static float UsualScale(bool tied, int hidden) => tied ? DecoderDimensions.ScaleOf(hidden) : 1;

    /// <summary>The activation that T5 files have, which GGUF has no key for.</summary>
    internal static Activation UsualActivation(bool gated) => gated ? Activation.GeluTanh : Activation.Relu;

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

    /// <summary>An encoder of blocks with these parts.</summary>
    /// <param name="sizes">Its sizes.</param>
    /// <param name="norm">Its norms.</param>
    /// <param name="feedForward">Its feed-forward parts.</param>
    /// <param name="bias">How distances fall into buckets.</param>
    /// <param name="tableOf">The block whose table of biases a block uses.</param>
    internal static EncoderSpec BuildEncoder(DecoderDimensions sizes, NormSpec norm, FeedForwardSpec feedForward, RelativeBiasSpec bias, Func<int, int> tableOf)
    {
        AttentionSpec attention = LlamaForm.Attention(sizes, rope: null) with { Scale = 1, Bidirectional = true };
        return new EncoderSpec
        {
            VocabularySize = sizes.Vocabulary,
            HiddenSize = sizes.Hidden,
            ContextLength = sizes.Context,
            Layers =
            [
                .. Enumerable.Range(0, sizes.Layers).Select(layer => new LayerSpec
                {
                    Norm = norm,
                    Attention = attention with { RelativeBias = bias with { TableLayer = tableOf(layer) } },
                    FeedForward = feedForward,
                }),
            ],
            FinalNorm = norm,
        };
    }

    private EncoderDecoderSpec Build(
        DecoderDimensions sizes, int decoderLayers, NormSpec norm, FeedForwardSpec feedForward, RelativeBiasSpec bias, HeadSpec head, int start)
    {
        AttentionSpec cross = LlamaForm.Attention(sizes, rope: null) with { Scale = 1, Bidirectional = true };
        return new EncoderDecoderSpec
        {
            VocabularySize = sizes.Vocabulary,
            HiddenSize = sizes.Hidden,
            ContextLength = sizes.Context,
            DecoderStartId = start,
            Encoder = BuildEncoder(sizes, norm, feedForward, bias, BiasTableOf),
            Decoder = new DecoderSpec
            {
                VocabularySize = sizes.Vocabulary,
                HiddenSize = sizes.Hidden,
                ContextLength = sizes.Context,
                Layers =
                [
                    .. Enumerable.Range(0, decoderLayers).Select(layer => new LayerSpec
                    {
                        Norm = norm,
                        Attention = cross with { Bidirectional = false, RelativeBias = bias with { TableLayer = BiasTableOf(layer) } },
                        CrossAttention = cross,
                        FeedForward = feedForward,
                    }),
                ],
                FinalNorm = norm,
                Head = head,
            },
        };
    }

    /// <summary>Names of a stack's blocks.</summary>
    /// <param name="stack">encoder or decoder.</param>
    /// <param name="kind">The stack that their numbers count in.</param>
    /// <param name="isDecoder">True with attention to the encoder.</param>
    internal static TensorMapping[] Block(string stack, StackKind kind, bool isDecoder)
    {
        string block = stack + ".block.{layer}.layer.", last = isDecoder ? "2" : "1";
        TensorMapping[] self =
        [
            TensorLayout.Module(block + "0.layer_norm", TensorRole.AttentionNorm),
            TensorLayout.Module(block + "0.SelfAttention.relative_attention_bias", TensorRole.RelativeBias),
            TensorLayout.Module(block + "0.SelfAttention.q", TensorRole.Query),
            TensorLayout.Module(block + "0.SelfAttention.k", TensorRole.Key),
            TensorLayout.Module(block + "0.SelfAttention.v", TensorRole.Value),
            TensorLayout.Module(block + "0.SelfAttention.o", TensorRole.AttentionOutput),
            TensorLayout.Module(block + last + ".layer_norm", TensorRole.FeedForwardNorm),
            TensorLayout.Module(block + last + ".DenseReluDense.wi", TensorRole.Up),
            TensorLayout.Module(block + last + ".DenseReluDense.wi_0", TensorRole.Gate),
            TensorLayout.Module(block + last + ".DenseReluDense.wi_1", TensorRole.Up),
            TensorLayout.Module(block + last + ".DenseReluDense.wo", TensorRole.Down),
        ];
        TensorMapping[] cross =
        [
            TensorLayout.Module(block + "1.layer_norm", TensorRole.CrossAttentionNorm),
            TensorLayout.Module(block + "1.EncDecAttention.q", TensorRole.CrossQuery),
            TensorLayout.Module(block + "1.EncDecAttention.k", TensorRole.CrossKey),
            TensorLayout.Module(block + "1.EncDecAttention.v", TensorRole.CrossValue),
            TensorLayout.Module(block + "1.EncDecAttention.o", TensorRole.CrossAttentionOutput),
        ];
        return [.. (isDecoder ? [.. self, .. cross] : self).Select(mapping => mapping with { Stack = kind })];
    }

    /// <summary>GGUF names of a stack's blocks.</summary>
    internal static TensorMapping[] GgufBlock(string stack, StackKind kind)
    {
        string block = stack + ".blk.{layer}.";
        TensorMapping[] self =
        [
            TensorLayout.Module(block + "attn_norm", TensorRole.AttentionNorm),
            TensorLayout.Module(block + "attn_rel_b", TensorRole.RelativeBias),
            TensorLayout.Module(block + "attn_q", TensorRole.Query),
            TensorLayout.Module(block + "attn_k", TensorRole.Key),
            TensorLayout.Module(block + "attn_v", TensorRole.Value),
            TensorLayout.Module(block + "attn_o", TensorRole.AttentionOutput),
            TensorLayout.Module(block + "ffn_norm", TensorRole.FeedForwardNorm),
            TensorLayout.Module(block + "ffn_gate", TensorRole.Gate),
            TensorLayout.Module(block + "ffn_up", TensorRole.Up),
            TensorLayout.Module(block + "ffn_down", TensorRole.Down),
        ];
        TensorMapping[] cross =
        [
            TensorLayout.Module(block + "cross_attn_norm", TensorRole.CrossAttentionNorm),
            TensorLayout.Module(block + "cross_attn_q", TensorRole.CrossQuery),
            TensorLayout.Module(block + "cross_attn_k", TensorRole.CrossKey),
            TensorLayout.Module(block + "cross_attn_v", TensorRole.CrossValue),
            TensorLayout.Module(block + "cross_attn_o", TensorRole.CrossAttentionOutput),
        ];
        return [.. (stack == "enc" ? self : [.. self, .. cross]).Select(mapping => mapping with { Stack = kind })];
    }
}
