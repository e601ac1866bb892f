using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>BERT (Devlin et al. 2019): learned positions, token types, norms after each sum.</summary>
public sealed class BertArchitecture : EncoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "bert";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["bert"];

    /// <inheritdoc/>
    public override string GgufName => "bert";

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout => BertForm.GgufLayout;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        .. BertForm.BlockNames,
        TensorLayout.Module("{prefix}pooler.dense", TensorRole.Pooler),
        TensorLayout.Module("cls.predictions.transform.dense", TensorRole.HeadTransform),
        TensorLayout.Module("cls.predictions.transform.LayerNorm", TensorRole.HeadNorm),
        .. BertForm.LogitsNames("cls.predictions"),
        TensorLayout.Module("classifier", TensorRole.Classifier),
    ])
    {
        Prefixes = ["bert.", ""],
        LeftOut = LlamaForm.LeftOut,
        UnusedHeads = ["cls.seq_relationship"],
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(EncoderSpec spec) => spec.ClassifiesTokens ? WithoutPooler(HuggingFaceLayout) : HuggingFaceLayout;

    /// <inheritdoc/>
    internal override EncoderSpec ReadConfig(ConfigReader config) => BertForm.Build(
        BertForm.Sizes(config, Keys),
        LlamaForm.LayerNorm(config, "layer_norm_eps", 1e-12),
        Activations.Read(config, "hidden_act", Activation.GeluErf),
        new EncoderEmbeddingSpec { TokenTypeCount = config.FindCount("type_vocab_size") ?? 2 },
        config.GetFlag("tie_word_embeddings", absent: true));

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(EncoderSpec spec)
    {
        JsonObject config = BertForm.WriteConfig(spec, Keys, "bert", "Bert" + ClassSuffix(spec));
        config["type_vocab_size"] = spec.Embedding.TokenTypeCount;
        config["layer_norm_eps"] = RopeConfig.Shortest(spec.Layers[0].Norm.Epsilon);
        return config;
    }

    /// <inheritdoc/>
    internal override EncoderSpec ReadGguf(GgufSpecReader file) =>
        BertForm.ReadGguf(file, this, new EncoderEmbeddingSpec { TokenTypeCount = BertForm.TokenTypes(file) });
}
