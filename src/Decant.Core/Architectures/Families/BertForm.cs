using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// What BERT and its descendants share: learned positions, norms after each sum, biases everywhere, the tensor names of GGUF's <c>bert</c>, and
/// a token head with a dense layer in front. A family adds what it does otherwise.
/// </summary>
internal static class BertForm
{
    private const int DefaultContext = 512;

    /// <summary>Keys that concern training, or describe a pooler that never was.</summary>
    private static readonly string[] ignored =
    [
        "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob", "directionality", "pooler_fc_size", "pooler_num_attention_heads",
        "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type", "output_past", "qa_dropout", "seq_classif_dropout", "layer_norm_eps_pooler",
    ];

    /// <summary>Names of tensors in GGUF files.</summary>
    public static TensorLayout GgufLayout { get; } = new(
    [
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("position_embd", TensorRole.PositionEmbedding),
        TensorLayout.Module("token_types", TensorRole.TokenTypeEmbedding),
        TensorLayout.Module("token_embd_norm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("blk.{layer}.attn_q", TensorRole.Query),
        TensorLayout.Module("blk.{layer}.attn_k", TensorRole.Key),
        TensorLayout.Module("blk.{layer}.attn_v", TensorRole.Value),
        // Some files fuse them; llama.cpp loads both.
        TensorLayout.Fused("blk.{layer}.attn_qkv", TensorRole.Query, TensorRole.Key, TensorRole.Value),
        TensorLayout.Module("blk.{layer}.attn_output", TensorRole.AttentionOutput),
        TensorLayout.Module("blk.{layer}.attn_output_norm", TensorRole.AttentionPostNorm),
        TensorLayout.Module("blk.{layer}.ffn_up", TensorRole.Up),
        TensorLayout.Module("blk.{layer}.ffn_down", TensorRole.Down),
        TensorLayout.Module("blk.{layer}.layer_output_norm", TensorRole.FeedForwardPostNorm),
        TensorLayout.Module("cls", TensorRole.Pooler),
        TensorLayout.Module("cls.output", TensorRole.Classifier),
    ]);

    /// <summary>BERT's names of a block in Hugging Face checkpoints, which RoBERTa kept.</summary>
    public static TensorMapping[] BlockNames { get; } =
    [
        TensorLayout.Module("{prefix}embeddings.word_embeddings", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}embeddings.position_embeddings", TensorRole.PositionEmbedding),
        TensorLayout.Module("{prefix}embeddings.token_type_embeddings", TensorRole.TokenTypeEmbedding),
        TensorLayout.Module("{prefix}embeddings.LayerNorm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("{prefix}encoder.layer.{layer}.attention.self.query", TensorRole.Query),
        TensorLayout.Module("{prefix}encoder.layer.{layer}.attention.self.key", TensorRole.Key),
        TensorLayout.Module("{prefix}encoder.layer.{layer}.attention.self.value", TensorRole.Value),
        TensorLayout.Module("{prefix}encoder.layer.{layer}.attention.output.dense", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}encoder.layer.{layer}.attention.output.LayerNorm", TensorRole.AttentionPostNorm),
        TensorLayout.Module("{prefix}encoder.layer.{layer}.intermediate.dense", TensorRole.Up),
        TensorLayout.Module("{prefix}encoder.layer.{layer}.output.dense", TensorRole.Down),
        TensorLayout.Module("{prefix}encoder.layer.{layer}.output.LayerNorm", TensorRole.FeedForwardPostNorm),
    ];

    /// <summary>The names of a token head's logits, whose bias is a parameter of the head and, in some checkpoints, of the decoder too.</summary>
    public static TensorMapping[] LogitsNames(string head) =>
    [
        TensorLayout.Module($"{head}.decoder", TensorRole.Head) with { Only = TensorPart.Weight },
        TensorLayout.Module(head, TensorRole.Head) with { Only = TensorPart.Bias },
        TensorLayout.Module($"{head}.decoder", TensorRole.Head) with { Only = TensorPart.Bias },
    ];

    /// <summary>Reads the sizes.</summary>
    public static DecoderDimensions Sizes(ConfigReader config, ConfigKeys keys)
    {
        config.Ignore(ignored);
        if (config.FindText("position_embedding_type") is { } positions && positions != "absolute")
            throw config.NotSupported("position_embedding_type", "absolute");
        return DecoderDimensions.ReadMultiHead(config, keys, DefaultContext, _ => config.GetCount(keys.Width));
    }

    /// <summary>The encoder of this form, with every head that it may have but classes.</summary>
    /// <param name="sizes">Sizes; the context is what positions there are for texts.</param>
    /// <param name="norm">All norms.</param>
    /// <param name="activation">All activations but the pooler's.</param>
    /// <param name="embedding">What the family's embedding has beside positions and the norm.</param>
    /// <param name="tied">True if the token head is the embedding.</param>
    public static EncoderSpec Build(DecoderDimensions sizes, NormSpec norm, Activation activation, EncoderEmbeddingSpec embedding, bool tied = true)
    {
        var layer = new LayerSpec
        {
            Norm = norm,
            NormPlacement = NormPlacement.AfterSum,
            Attention = LlamaForm.Attention(sizes, rope: null) with { Bidirectional = true, QueryKeyValueBias = true, OutputBias = true },
            FeedForward = new FeedForwardSpec { Gated = false, Activation = activation, Width = sizes.Width, Bias = true },
        };
        return new EncoderSpec
        {
            VocabularySize = sizes.Vocabulary,
            HiddenSize = sizes.Hidden,
            ContextLength = sizes.Context,
            Embedding = embedding with { LearnedPositionCount = sizes.Context, Norm = norm },
            Layers = [.. Enumerable.Repeat(layer, sizes.Layers)],
            TokenHead = new TokenHeadSpec { Activation = activation, Norm = norm, Tied = tied },
            Pooler = new PoolerSpec(),
        };
    }

    /// <summary>The encoder of this form in a GGUF file.</summary>
    public static EncoderSpec ReadGguf(GgufSpecReader file, EncoderArchitecture architecture, EncoderEmbeddingSpec embedding, PoolerSpec? pooler = null)
    {
        EncoderSpec spec = Build(EncoderGguf.Sizes(file), LlamaForm.LayerNorm(file), file.Activation(architecture.GgufActivation), embedding);
        return EncoderGguf.WithHeads(pooler is null ? spec : spec with { Pooler = pooler }, file);
    }

    /// <summary>True if what a GGUF file says of its tokenizer is this.</summary>
    public static bool HasTokenizer(GgufSpecReader file, string model) => file.FindDecantText("tokenizer.ggml.model") == model;

    /// <summary>The token types that a GGUF file has room for.</summary>
    public static int TokenTypes(GgufSpecReader file) => file.RowCountOf("token_types.weight") ?? 0;

    /// <summary>The config keys of this form.</summary>
    public static JsonObject WriteConfig(EncoderSpec spec, ConfigKeys keys, string modelType, string className, string activationKey = "hidden_act")
    {
        LayerSpec first = spec.Layers[0];
        return new JsonObject
        {
            ["architectures"] = new JsonArray(className),
            ["model_type"] = modelType,
            [keys.Vocabulary] = spec.VocabularySize,
            [keys.Hidden] = spec.HiddenSize,
            [keys.Layers] = spec.StepCount,
            [keys.Heads] = first.Attention.HeadCount,
            [keys.Width] = first.FeedForward.Width,
            [keys.Context] = spec.ContextLength,
            [activationKey] = Activations.Write(first.FeedForward.Activation, "gelu"),
            ["tie_word_embeddings"] = true,
        };
    }
}
