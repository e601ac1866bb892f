using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>ALBERT (Lan et al. 2020): BERT whose steps share groups of blocks, and whose embedding is narrow and widened by a projection. GGUF has no such model.</summary>
public sealed class AlbertArchitecture : EncoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "albert";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["albert"];

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new() { Embedding = "embedding_size" };

    /// <inheritdoc/>
    internal override string LayersKeyOf(StackKind stack) => "num_hidden_groups × inner_group_num";

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}embeddings.word_embeddings", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}embeddings.position_embeddings", TensorRole.PositionEmbedding),
        TensorLayout.Module("{prefix}embeddings.token_type_embeddings", TensorRole.TokenTypeEmbedding),
        TensorLayout.Module("{prefix}embeddings.LayerNorm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("{prefix}encoder.embedding_hidden_mapping_in", TensorRole.EmbeddingProjection),
        TensorLayout.Module("{prefix}encoder.albert_layer_groups.{group}.albert_layers.{member}.attention.query", TensorRole.Query),
        TensorLayout.Module("{prefix}encoder.albert_layer_groups.{group}.albert_layers.{member}.attention.key", TensorRole.Key),
        TensorLayout.Module("{prefix}encoder.albert_layer_groups.{group}.albert_layers.{member}.attention.value", TensorRole.Value),
        TensorLayout.Module("{prefix}encoder.albert_layer_groups.{group}.albert_layers.{member}.attention.dense", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}encoder.albert_layer_groups.{group}.albert_layers.{member}.attention.LayerNorm", TensorRole.AttentionPostNorm),
        TensorLayout.Module("{prefix}encoder.albert_layer_groups.{group}.albert_layers.{member}.ffn", TensorRole.Up),
        TensorLayout.Module("{prefix}encoder.albert_layer_groups.{group}.albert_layers.{member}.ffn_output", TensorRole.Down),
        TensorLayout.Module("{prefix}encoder.albert_layer_groups.{group}.albert_layers.{member}.full_layer_layer_norm", TensorRole.FeedForwardPostNorm),
        TensorLayout.Module("{prefix}pooler", TensorRole.Pooler),
        TensorLayout.Module("predictions.dense", TensorRole.HeadTransform),
        TensorLayout.Module("predictions.LayerNorm", TensorRole.HeadNorm),
        .. BertForm.LogitsNames("predictions"),
        TensorLayout.Module("classifier", TensorRole.Classifier),
    ])
    {
        Prefixes = ["albert.", ""],
        LeftOut = LlamaForm.LeftOut,
        UnusedHeads = ["sop_classifier.classifier"],
    };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(EncoderSpec spec)
    {
        TensorLayout layout = spec.ClassifiesTokens ? WithoutPooler(HuggingFaceLayout) : HuggingFaceLayout;
        return layout with { Mappings = [.. layout.Mappings.Select(mapping => mapping with { GroupLength = spec.GroupLength })] };
    }

    /// <inheritdoc/>
    internal override EncoderSpec ReadConfig(ConfigReader config)
    {
        // Left over from the original code: never other than these values mean.
        config.Ignore("down_scale_factor", "gap_size", "net_structure_type", "num_memory_blocks", "layers_to_keep");
        DecoderDimensions sizes = BertForm.Sizes(config, Keys);
        int groups = config.FindCount("num_hidden_groups", sizes.Layers) ?? 1;
        int groupLength = config.FindCount("inner_group_num", DecoderDimensions.MaximumLayers / groups) ?? 1;
        EncoderSpec spec = BertForm.Build(
            sizes with { Layers = groups * groupLength },
            LlamaForm.LayerNorm(config, "layer_norm_eps", 1e-12),
            Activations.Read(config, "hidden_act", Activation.GeluTanh),
            new EncoderEmbeddingSpec { TokenTypeCount = config.FindCount("type_vocab_size") ?? 2, Width = config.FindCount("embedding_size") ?? 128 },
            config.GetFlag("tie_word_embeddings", absent: true));
        // As the original code divides: in floating point, rounded down.
        return spec with
        {
            GroupLength = groupLength,
            Steps = [.. Enumerable.Range(0, sizes.Layers).Select(step => (int)(step / ((double)sizes.Layers / groups)))],
        };
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(EncoderSpec spec)
    {
        JsonObject config = BertForm.WriteConfig(spec, Keys, "albert", "Albert" + ClassSuffix(spec));
        config["embedding_size"] = spec.Embedding.Width;
        config["num_hidden_groups"] = spec.Layers.Length / spec.GroupLength;
        config["inner_group_num"] = spec.GroupLength;
        config["type_vocab_size"] = spec.Embedding.TokenTypeCount;
        config["layer_norm_eps"] = RopeConfig.Shortest(spec.Layers[0].Norm.Epsilon);
        return config;
    }
}
