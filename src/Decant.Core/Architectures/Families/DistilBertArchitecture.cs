using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>DistilBERT (Sanh et al. 2019): BERT with half the blocks and without token types.</summary>
public sealed class DistilBertArchitecture : EncoderArchitecture
{
    // In the code of transformers, in no config.
    private const float Epsilon = 1e-12f;

    private static readonly PoolerSpec pooler = new() { Activation = Activation.Relu };

    /// <inheritdoc/>
    public override string Name => "distilbert";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["distilbert"];

    /// <inheritdoc/>
    public override string GgufName => "bert";

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new() { Hidden = "dim", Width = "hidden_dim", Layers = "n_layers", Heads = "n_heads", KeyValueHeads = "n_heads", HeadSize = "dim / n_heads" };

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout => BertForm.GgufLayout;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}embeddings.word_embeddings", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}embeddings.position_embeddings", TensorRole.PositionEmbedding),
        TensorLayout.Module("{prefix}embeddings.LayerNorm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("{prefix}transformer.layer.{layer}.attention.q_lin", TensorRole.Query),
        TensorLayout.Module("{prefix}transformer.layer.{layer}.attention.k_lin", TensorRole.Key),
        TensorLayout.Module("{prefix}transformer.layer.{layer}.attention.v_lin", TensorRole.Value),
        TensorLayout.Module("{prefix}transformer.layer.{layer}.attention.out_lin", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}transformer.layer.{layer}.sa_layer_norm", TensorRole.AttentionPostNorm),
        TensorLayout.Module("{prefix}transformer.layer.{layer}.ffn.lin1", TensorRole.Up),
        TensorLayout.Module("{prefix}transformer.layer.{layer}.ffn.lin2", TensorRole.Down),
        TensorLayout.Module("{prefix}transformer.layer.{layer}.output_layer_norm", TensorRole.FeedForwardPostNorm),
        TensorLayout.Module("vocab_transform", TensorRole.HeadTransform),
        TensorLayout.Module("vocab_layer_norm", TensorRole.HeadNorm),
        TensorLayout.Module("vocab_projector", TensorRole.Head),
        TensorLayout.Module("pre_classifier", TensorRole.Pooler),
        TensorLayout.Module("classifier", TensorRole.Classifier),
    ])
    {
        Prefixes = ["distilbert.", ""],
        LeftOut = LlamaForm.LeftOut,
    };

    /// <inheritdoc/>
    internal override EncoderSpec ReadConfig(ConfigReader config)
    {
        // Whether the table of positions was computed or learned, it is stored.
        config.Ignore("sinusoidal_pos_embds", "tie_weights_");
        EncoderSpec spec = BertForm.Build(
            BertForm.Sizes(config, Keys),
            new NormSpec(NormKind.Layer, Epsilon, Bias: true),
            Activations.Read(config, "activation", Activation.GeluErf),
            new EncoderEmbeddingSpec(),
            config.GetFlag("tie_word_embeddings", absent: true));
        return spec with { Pooler = pooler };
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(EncoderSpec spec) =>
        BertForm.WriteConfig(spec, Keys, "distilbert", "DistilBert" + ClassSuffix(spec), "activation");

    /// <inheritdoc/>
    internal override bool ClaimsGguf(GgufSpecReader file) => !file.HasTensor("token_types.weight");

    /// <inheritdoc/>
    internal override EncoderSpec ReadGguf(GgufSpecReader file) => BertForm.ReadGguf(file, this, new EncoderEmbeddingSpec(), pooler);
}
