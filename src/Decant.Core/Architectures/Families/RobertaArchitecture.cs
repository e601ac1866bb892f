using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// RoBERTa (Liu et al. 2019): BERT whose positions begin behind the padding token's id and are counted without padding, wherever that stands; one token type.
/// </summary>
public class RobertaArchitecture : EncoderArchitecture
{
    private const int DefaultPadding = 1;

    /// <inheritdoc/>
    public override string Name => "roberta";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["roberta", "camembert"];

    /// <inheritdoc/>
    public override string GgufName => "bert";

    /// <summary>The name that its classes begin with in transformers.</summary>
    internal virtual string ClassPrefix => "Roberta";

    /// <summary>What llama.cpp calls its tokenizer.</summary>
    internal virtual string GgufTokenizer => "gpt2";

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout => BertForm.GgufLayout;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        .. BertForm.BlockNames,
        TensorLayout.Module("classifier.dense", TensorRole.Pooler),
        TensorLayout.Module("{prefix}pooler.dense", TensorRole.Pooler),
        TensorLayout.Module("lm_head.dense", TensorRole.HeadTransform),
        TensorLayout.Module("lm_head.layer_norm", TensorRole.HeadNorm),
        .. BertForm.LogitsNames("lm_head"),
        TensorLayout.Module("classifier.out_proj", TensorRole.Classifier),
        TensorLayout.Module("classifier", TensorRole.Classifier),
    ])
    {
        Prefixes = ["roberta.", ""],
        LeftOut = LlamaForm.LeftOut,
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(EncoderSpec spec) => HuggingFaceLayout with
    {
        // A classifier of texts has a dense layer of its own, one of tokens has none; without one there is the pooler's.
        Mappings = [.. HuggingFaceLayout.Mappings.Where(mapping => mapping.Module switch
        {
            "{prefix}pooler.dense" => spec.ClassCount is null,
            "classifier.dense" or "classifier.out_proj" => spec.ClassCount is not null && !spec.ClassifiesTokens,
            "classifier" => spec.ClassifiesTokens,
            _ => true,
        })],
        UnusedHeads = spec.ClassCount is null ? [] : ["roberta.pooler", "pooler"],
    };

    /// <inheritdoc/>
    internal override int PositionOffsetOf(EncoderSpec spec) => spec.Embedding.PaddingId!.Value + 1;

    /// <inheritdoc/>
    internal override EncoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = BertForm.Sizes(config, Keys);
        int padding = config.FindCountOrNone("pad_token_id") ?? DefaultPadding;
        if (padding >= sizes.Vocabulary)
            throw config.Contradiction("pad_token_id", $"a token id below {Keys.Vocabulary} = {sizes.Vocabulary}");
        if (padding + 1 >= sizes.Context)
            throw config.Contradiction(Keys.Context, $"more than pad_token_id + 1 = {padding + 1}, for positions begin there");
        NormSpec norm = LlamaForm.LayerNorm(config, "layer_norm_eps", 1e-12);
        EncoderSpec spec = BertForm.Build(
            sizes with { Context = sizes.Context - padding - 1 },
            norm,
            Activations.Read(config, "hidden_act", Activation.GeluErf),
            new EncoderEmbeddingSpec { TokenTypeCount = config.FindCount("type_vocab_size") ?? 2, PaddingId = padding, LearnedPositionOffset = padding + 1 },
            config.GetFlag("tie_word_embeddings", absent: true));
        // The head's activation is this one whatever the config says.
        return spec with { TokenHead = spec.TokenHead! with { Activation = Activation.GeluErf } };
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(EncoderSpec spec)
    {
        JsonObject config = BertForm.WriteConfig(spec, Keys, ModelTypes[0], ClassPrefix + ClassSuffix(spec));
        config[Keys.Context] = spec.ContextLength + PositionOffsetOf(spec);
        config["pad_token_id"] = spec.Embedding.PaddingId;
        config["type_vocab_size"] = spec.Embedding.TokenTypeCount;
        config["layer_norm_eps"] = RopeConfig.Shortest(spec.Layers[0].Norm.Epsilon);
        return config;
    }

    /// <inheritdoc/>
    internal override bool ClaimsGguf(GgufSpecReader file) => BertForm.HasTokenizer(file, GgufTokenizer);

    /// <inheritdoc/>
    internal override EncoderSpec ReadGguf(GgufSpecReader file)
    {
        int padding = file.FindOtherCount(DecantKeys.PaddingId) ?? file.FindOtherCount("tokenizer.ggml.padding_token_id") ?? DefaultPadding;
        return BertForm.ReadGguf(file, this, new EncoderEmbeddingSpec { TokenTypeCount = BertForm.TokenTypes(file), PaddingId = padding });
    }

    /// <inheritdoc/>
    internal override void WriteGguf(EncoderSpec spec, GgufMetadata metadata, List<string> notices) =>
        metadata.Set(DecantKeys.PaddingId, GgufValue.From((uint)spec.Embedding.PaddingId!.Value));
}
