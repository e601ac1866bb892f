using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>Reformer (Kitaev et al. 2020): local and hashed attention in turn, reversible blocks, axial positions. GGUF has no architecture for it.</summary>
public sealed class ReformerArchitecture : Architecture<ReformerSpec>
{
    private const int MaximumChunks = 1 << 16;

    // Beyond these a pass would take gigabytes; published models have chunks of 64 and 8,192 buckets.
    private const int MaximumChunkLength = 1 << 14, MaximumBuckets = 1 << 14, MaximumHashes = 1 << 8;

    /// <inheritdoc/>
    public override string Name => "reformer";

    /// <inheritdoc/>
    public override string Kind => "reversible transformer";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["reformer"];

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new() { Width = "feed_forward_size", HeadSize = "attention_head_size", KeyValueHeads = "num_attention_heads", Layers = "attn_layers" };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}embeddings.word_embeddings", TensorRole.TokenEmbedding),
        TensorLayout.Whole("{prefix}embeddings.position_embeddings.weights.0", TensorRole.RowPositions) with { Reshape = shape => new TensorShape(shape[0], 1, shape[1]) },
        TensorLayout.Whole("{prefix}embeddings.position_embeddings.weights.1", TensorRole.ColumnPositions) with { Reshape = shape => new TensorShape(1, shape[0], shape[1]) },
        TensorLayout.Module("{prefix}embeddings.position_embeddings.embedding", TensorRole.PositionEmbedding),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.attention.layer_norm", TensorRole.AttentionNorm),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.attention.self_attention.query", TensorRole.Query),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.attention.self_attention.key", TensorRole.Key),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.attention.self_attention.query_key", TensorRole.QueryKey),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.attention.self_attention.value", TensorRole.Value),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.attention.output.dense", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.feed_forward.layer_norm", TensorRole.FeedForwardNorm),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.feed_forward.dense.dense", TensorRole.Up),
        TensorLayout.Module("{prefix}encoder.layers.{layer}.feed_forward.output.dense", TensorRole.Down),
        TensorLayout.Module("{prefix}encoder.layer_norm", TensorRole.FinalNorm),
        TensorLayout.Whole("lm_head.decoder.weight", TensorRole.Head),
        TensorLayout.Whole("lm_head.bias", TensorRole.IdleHeadBias),
    ])
    {
        Prefixes = ["reformer."],
        // Constants of masks, and a second name of the head's bias in older checkpoints.
        LeftOut = ["mask_value_float16", "mask_value_float32", "lm_head.decoder.bias"],
    };

    /// <inheritdoc/>
    internal override ReformerSpec ReadConfig(ConfigReader config)
    {
        int hidden = config.GetCount(Keys.Hidden);
        int context = config.FindCount(Keys.Context) ?? 4096;
        var norm = new NormSpec(NormKind.Layer, (float)(config.FindPositive("layer_norm_eps") ?? 1e-12), Bias: true);
        int heads = config.GetCount(Keys.Heads, DecoderDimensions.MaximumHeads);
        int headSize = config.GetCount(Keys.HeadSize, DecoderDimensions.MaximumHeads);
        bool causal = config.GetFlag("is_decoder", absent: false);
        var local = new LocalAttentionSpec
        {
            HeadCount = heads,
            HeadSize = headSize,
            ChunkLength = config.FindCount("local_attn_chunk_length", MaximumChunkLength) ?? 64,
            ChunksBefore = config.FindWhole("local_num_chunks_before", 0, MaximumChunks) ?? 1,
            ChunksAfter = config.FindWhole("local_num_chunks_after", 0, MaximumChunks) ?? 0,
        };
        (int? buckets, int? second) = ReadBuckets(config);
        var hashed = new HashedAttentionSpec
        {
            HeadCount = heads,
            HeadSize = headSize,
            ChunkLength = config.FindCount("lsh_attn_chunk_length", MaximumChunkLength) ?? 64,
            ChunksBefore = config.FindWhole("lsh_num_chunks_before", 0, MaximumChunks) ?? 1,
            ChunksAfter = config.FindWhole("lsh_num_chunks_after", 0, MaximumChunks) ?? 0,
            HashCount = config.FindCount("num_hashes", MaximumHashes) ?? 1,
            BucketCount = buckets,
            SecondBucketCount = second,
            Seed = config.FindCountOrNone("hash_seed"),
        };
        var feedForward = new FeedForwardSpec
        {
            Gated = false,
            Activation = Activations.Read(config, "hidden_act", Activation.Relu),
            Width = config.GetCount(Keys.Width),
            Bias = true,
        };
        if (config.GetFlag("tie_word_embeddings", absent: false))
            throw config.NotSupported("tie_word_embeddings", "false: the head reads two streams");
        config.Ignore("axial_norm_std", "hidden_dropout_prob", "local_attention_probs_dropout_prob", "lsh_attention_probs_dropout_prob", "chunk_size_lm_head");
        // Older configs state what both kinds of attention now state each, and what nothing reads.
        config.Ignore("num_chunks_before", "num_chunks_after", "output_past", "sinusoidal_pos_embds", "intermediate_size");
        return new ReformerSpec
        {
            VocabularySize = config.GetCount(Keys.Vocabulary),
            HiddenSize = hidden,
            ContextLength = context,
            Causal = causal,
            AxialPositions = ReadAxialPositions(config, hidden),
            Layers = [.. ReadLayers(config).Select(isHashed => new ReformerLayerSpec { Norm = norm, Attention = isHashed ? hashed : local, FeedForward = feedForward })],
            FinalNorm = norm,
        };
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(ReformerSpec spec)
    {
        ReformerLayerSpec first = spec.Layers[0];
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(spec.Causal ? "ReformerModelWithLMHead" : "ReformerForMaskedLM"),
            ["model_type"] = "reformer",
            [Keys.Vocabulary] = spec.VocabularySize,
            [Keys.Hidden] = spec.HiddenSize,
            [Keys.Context] = spec.ContextLength,
            ["is_decoder"] = spec.Causal,
            ["num_hidden_layers"] = spec.Layers.Length,
            [Keys.Layers] = new JsonArray([.. spec.Layers.Select(layer => (JsonNode)JsonValue.Create(layer.Attention is HashedAttentionSpec ? "lsh" : "local"))]),
            [Keys.Heads] = first.Attention.HeadCount,
            [Keys.HeadSize] = first.Attention.HeadSize,
            [Keys.Width] = first.FeedForward.Width,
            ["hidden_act"] = Activations.Write(first.FeedForward.Activation, "relu"),
            ["layer_norm_eps"] = RopeConfig.Shortest(first.Norm.Epsilon),
            ["axial_pos_embds"] = spec.AxialPositions is not null,
            ["tie_word_embeddings"] = false,
        };
        if (spec.AxialPositions is { } axial)
        {
            config["axial_pos_shape"] = new JsonArray(axial.RowCount, axial.ColumnCount);
            config["axial_pos_embds_dim"] = new JsonArray(axial.RowWidth, axial.ColumnWidth);
        }
        foreach (ChunkedAttentionSpec attention in spec.Layers.Select(layer => layer.Attention).Distinct())
        {
            string kind = attention is HashedAttentionSpec ? "lsh" : "local";
            config[$"{kind}_attn_chunk_length"] = attention.ChunkLength;
            config[$"{kind}_num_chunks_before"] = attention.ChunksBefore;
            config[$"{kind}_num_chunks_after"] = attention.ChunksAfter;
            if (attention is not HashedAttentionSpec hashed)
                continue;
            config["num_hashes"] = hashed.HashCount;
            config["num_buckets"] = hashed.SecondBucketCount is { } second ? new JsonArray(hashed.BucketCount!.Value, second) : hashed.BucketCount;
            config["hash_seed"] = hashed.Seed;
        }
        return config;
    }

    private static IEnumerable<bool> ReadLayers(ConfigReader config)
    {
        ImmutableArray<string> kinds = config.FindTexts("attn_layers") ?? ["local", "lsh", "local", "lsh", "local", "lsh"];
        if (kinds.Length is 0 or > DecoderDimensions.MaximumLayers || kinds.Any(kind => kind is not ("local" or "lsh")))
            throw config.NotSupported("attn_layers", $"1 to {DecoderDimensions.MaximumLayers} of \"local\" and \"lsh\"");
        if (config.FindCount("num_hidden_layers") is { } layers && layers != kinds.Length)
            throw config.Contradiction("num_hidden_layers", $"{kinds.Length}, the length of attn_layers");
        return kinds.Select(kind => kind == "lsh");
    }

    private static AxialPositionsSpec? ReadAxialPositions(ConfigReader config, int hidden)
    {
        ImmutableArray<int> shape = config.FindCounts("axial_pos_shape") ?? [64, 64], widths = config.FindCounts("axial_pos_embds_dim") ?? [64, 192];
        if (!config.GetFlag("axial_pos_embds", absent: true))
            return null;
        if (shape.Length != 2 || shape.Any(count => count < 1))
            throw config.Contradiction("axial_pos_shape", "two whole numbers from 1 on");
        if (widths.Length != 2 || widths.Any(width => width < 1) || (long)widths[0] + widths[1] != hidden)
            throw config.Contradiction("axial_pos_embds_dim", $"two whole numbers from 1 on that are hidden_size = {hidden} together");
        return new(shape[0], widths[0], shape[1], widths[1]);
    }

    private static (int? First, int? Second) ReadBuckets(ConfigReader config)
    {
        const string Key = "num_buckets";
        if (!config.Has(Key))
            return (config.FindCount(Key), null);
        ImmutableArray<int> counts = config.IsArray(Key) ? config.FindCounts(Key)!.Value : [config.GetCount(Key)];
        if (counts.Length is not (1 or 2) || counts.Any(count => count is < 2 or > MaximumBuckets || count % 2 != 0))
            throw config.Contradiction(Key, $"an even number from 2 to {MaximumBuckets}, or two of them");
        return (counts[0], counts.Length == 2 ? counts[1] : null);
    }
}
