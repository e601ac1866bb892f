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
    /// <inheritdoc/>
    public override string Name => "t5";

    /// <inheritdoc/>
    public override string Kind => "encoder–decoder";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["t5", "mt5"];

    /// <inheritdoc/>
    public override string GgufName => "t5";

    /// <inheritdoc/>
    internal override bool ClaimsGguf(GgufSpecReader file) => !T5Stack.HasOwnTables(file);

    /// <inheritdoc/>
    internal sealed override ConfigKeys Keys => T5Stack.Keys;

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
        .. T5Names.Block("encoder", StackKind.Encoder, isDecoder: false),
        TensorLayout.Module("encoder.final_layer_norm", TensorRole.FinalNorm) with { Stack = StackKind.Encoder },
        .. T5Names.Block("decoder", StackKind.Main, isDecoder: true),
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
        .. T5Names.GgufBlock("enc", StackKind.Encoder),
        TensorLayout.Module("enc.output_norm", TensorRole.FinalNorm) with { Stack = StackKind.Encoder },
        .. T5Names.GgufBlock("dec", StackKind.Main),
        TensorLayout.Module("dec.output_norm", TensorRole.FinalNorm),
        TensorLayout.Module("output", TensorRole.Head),
    ])
    {
        UnusedHeads = ["dec.blk.0.cross_attn_rel_b"],
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(EncoderDecoderSpec spec) => T5Names.ForFeedForward(HuggingFaceLayout, spec.Encoder.Layers[0].FeedForward.Gated);

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
        T5Stack stack = T5Stack.Read(config, DefaultFeedForward);
        // Transformers 5 calls every head tied and says by another key what that once meant for the logits.
        bool tied = config.GetFlag("tie_word_embeddings", absent: true);
        bool scaled = config.GetFlag("scale_decoder_outputs", absent: tied);
        int start = config.FindCountOrNone("decoder_start_token_id") ?? config.FindCountOrNone("pad_token_id") ?? 0;
        if (start >= stack.Sizes.Vocabulary)
            throw config.Contradiction("decoder_start_token_id", $"a token id below {Keys.Vocabulary} = {stack.Sizes.Vocabulary}");
        return Build(
            stack,
            config.FindCount("num_decoder_layers", DecoderDimensions.MaximumLayers) ?? stack.Sizes.Layers,
            new HeadSpec { Tied = tied, Scale = scaled ? DecoderDimensions.ScaleOf(stack.Sizes.Hidden) : 1 },
            start);
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
        JsonObject config = T5Stack.WriteConfig(spec.Encoder, ModelTypes[0], ClassName);
        config["is_encoder_decoder"] = true;
        config["num_decoder_layers"] = spec.Decoder.Layers.Length;
        config["decoder_start_token_id"] = spec.DecoderStartId;
        config["tie_word_embeddings"] = spec.Decoder.Head.Tied;
        config["scale_decoder_outputs"] = spec.Decoder.Head.Scale != 1;
        return config;
    }

    /// <inheritdoc/>
    internal override EncoderDecoderSpec ReadGguf(GgufSpecReader file)
    {
        T5Stack stack = T5Stack.Read(file);
        bool tied = !file.HasTensor("output.weight");
        int start = file.FindCountOrZero("decoder_start_token_id") ?? 0;
        if (start >= stack.Sizes.Vocabulary)
            throw BadFileException.Expected(file.Location, $"metadata key {file.KeyOf("decoder_start_token_id")}", $"a token id below {stack.Sizes.Vocabulary}", $"{start}");
        return Build(
            stack,
            file.FindCount("decoder_block_count", DecoderDimensions.MaximumLayers) ?? stack.Sizes.Layers,
            new HeadSpec { Tied = tied, Scale = (float)(file.FindDecantNumber(DecantKeys.HeadScale) ?? UsualScale(tied, stack.Sizes.Hidden)) },
            start);
    }

    /// <inheritdoc/>
    internal override List<string> WriteGguf(ModelSpec spec, GgufMetadata metadata)
    {
        const string prefix = "t5.";
        var model = (EncoderDecoderSpec)spec;
        HeadSpec head = model.Decoder.Head;
        FeedForwardSpec feedForward = model.Encoder.Layers[0].FeedForward;
        var notices = new List<string>();

        EncoderGguf.WriteSizes(model.Encoder, GgufName, metadata);
        metadata.Set(prefix + "decoder_block_count", GgufValue.From((uint)model.Decoder.Layers.Length));
        T5Stack.WriteGguf(model.Encoder, prefix, metadata, notices);
        metadata.Set(prefix + "decoder_start_token_id", GgufValue.From((uint)model.DecoderStartId));
        GgufActivation.Write(metadata, feedForward.Gated ? "gated T5" : "T5", T5Stack.UsualActivation(feedForward.Gated), feedForward.Activation, notices);
        if (model.Decoder.Layers.Length > model.Encoder.Layers.Length)
            notices.Add($"llama.cpp does not load T5 models whose decoder has more blocks ({model.Decoder.Layers.Length}) than the encoder ({model.Encoder.Layers.Length})");
        if (head.Scale != UsualScale(head.Tied, spec.HiddenSize))
            metadata.Set(DecantKeys.HeadScale, GgufValue.From(head.Scale));
        if (head.Scale != 1)
            notices.Add($"llama.cpp does not multiply the logits by 1/√{spec.HiddenSize}, as this model wants: their order is the same, their probabilities are sharper");
        return notices;
    }

    /// <inheritdoc/>
    internal override string? DifferenceOf(EncoderDecoderSpec expected, EncoderDecoderSpec got)
    {
        // Such a config leaves it to the tensors whether the head is tied.
        if (got.Decoder.Head is { Tied: true, Scale: 1 } open)
            got = got with { Decoder = got.Decoder with { Head = open with { Tied = expected.Decoder.Head.Tied } } };
        return SpecComparison.FirstDifference(expected.Encoder, got.Encoder) is { } encoder
            ? $"encoder: {encoder}"
            : SpecComparison.FirstDifference(expected.Decoder, got.Decoder) is { } decoder
                ? $"decoder: {decoder}"
                : expected == got ? null : $"decoder start {expected.DecoderStartId} became {got.DecoderStartId}";
    }

    /// <inheritdoc/>
    internal override EncoderDecoderModel CreateModel(
        IModelSource source, ModelSpec spec, IReadOnlyDictionary<TensorId, TensorData> tensors, IReadOnlyList<string> notices, IReadOnlyList<string> unknownTensors) =>
        new(source, Name, (EncoderDecoderSpec)spec, tensors, notices, unknownTensors);

    private static float UsualScale(bool tied, int hidden) => tied ? DecoderDimensions.ScaleOf(hidden) : 1;

    private EncoderDecoderSpec Build(T5Stack stack, int decoderLayers, HeadSpec head, int start) => new()
    {
        VocabularySize = stack.Sizes.Vocabulary,
        HiddenSize = stack.Sizes.Hidden,
        ContextLength = stack.Sizes.Context,
        DecoderStartId = start,
        Encoder = stack.Encoder(BiasTableOf),
        Decoder = stack.Decoder(decoderLayers, head, BiasTableOf),
    };
}
