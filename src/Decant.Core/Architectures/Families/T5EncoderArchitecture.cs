using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>The encoder of T5, mT5 or UMT5 alone (<c>T5EncoderModel</c>), as models of sentences and of images have it.</summary>
public sealed class T5EncoderArchitecture : EncoderArchitecture
{
    private const string OwnTablesType = "umt5";

    /// <inheritdoc/>
    public override string Name => "t5-encoder";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["t5", "mt5", OwnTablesType];

    /// <inheritdoc/>
    public override string GgufName => "t5encoder";

    /// <inheritdoc/>
    internal override ConfigKeys Keys => T5Stack.Keys;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("shared", TensorRole.TokenEmbedding),
        .. T5Names.Block("encoder", StackKind.Main, isDecoder: false),
        TensorLayout.Module("encoder.final_layer_norm", TensorRole.FinalNorm),
        TensorLayout.Module("encoder.embed_tokens", TensorRole.TokenEmbedding),
    ]);

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = new(
    [
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        .. T5Names.GgufBlock("enc", StackKind.Main),
        TensorLayout.Module("enc.output_norm", TensorRole.FinalNorm),
    ]);

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(EncoderSpec spec) => T5Names.ForFeedForward(HuggingFaceLayout, spec.Layers[0].FeedForward.Gated);

    /// <inheritdoc/>
    internal override bool ClaimsConfig(ConfigReader config) => config.ClassEndsWith("EncoderModel");

    /// <inheritdoc/>
    internal override void RequireForm(ConfigReader config)
    {
        // The whole model's, or false.
        config.GetFlag("is_encoder_decoder", absent: true);
        config.RequireOff("tie_encoder_decoder");
    }

    /// <inheritdoc/>
    internal override EncoderSpec ReadConfig(ConfigReader config)
    {
        // What only the decoder and the logits read.
        config.Ignore("num_decoder_layers", "decoder_start_token_id", "tie_word_embeddings", "scale_decoder_outputs");
        bool ownTables = config.FindText("model_type") == OwnTablesType;
        return T5Stack.Read(config, ownTables ? "gated-gelu" : "relu").Encoder(layer => ownTables ? layer : 0);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(EncoderSpec spec) => spec.Layers[^1].Attention.RelativeBias!.TableLayer > 0
        ? T5Stack.WriteConfig(spec, OwnTablesType, "UMT5EncoderModel")
        : T5Stack.WriteConfig(spec, "t5", "T5EncoderModel");

    /// <inheritdoc/>
    internal override Activation GgufActivationOf(EncoderSpec spec) => T5Stack.UsualActivation(spec.Layers[0].FeedForward.Gated);

    /// <inheritdoc/>
    internal override EncoderSpec ReadGguf(GgufSpecReader file)
    {
        if (file.GetFlag("attention.causal", absent: false))
            throw file.NotSupported("attention.causal", "true", "false");
        bool ownTables = T5Stack.HasOwnTables(file);
        return T5Stack.Read(file).Encoder(layer => ownTables ? layer : 0);
    }

    /// <inheritdoc/>
    internal override void WriteGguf(EncoderSpec spec, GgufMetadata metadata, List<string> notices) => T5Stack.WriteGguf(spec, GgufName + ".", metadata, notices);
}
