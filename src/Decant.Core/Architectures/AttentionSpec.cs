namespace Decant.Core.Architectures;

/// <summary>Grouped-query attention: softmax(softcap(scale · q·k) + bias + mask) · v.</summary>
public sealed record AttentionSpec
{
    /// <summary>Query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads; divides <see cref="HeadCount"/>. Query head j reads head j / (HeadCount / KeyValueHeadCount).</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Elements of a query or key head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Elements of a value head.</summary>
    public required int ValueSize { get; init; }

    /// <summary>Factor on q·k.</summary>
    public required float Scale { get; init; }

    /// <summary>c in c·tanh(score / c), before the mask, or null.</summary>
    public float? SoftCap { get; init; }

    /// <summary>Sliding window W: query i sees key j if 0 ≤ i − j &lt; W, or |i − j| &lt; W if <see cref="Bidirectional"/>; null for no such limit.</summary>
    public int? Window { get; init; }

    /// <summary>True if queries see later keys too, as encoders' do, and cross-attention's.</summary>
    public bool Bidirectional { get; init; }

    /// <summary>Rotary positions, or null for none.</summary>
    public RopeSpec? Rope { get; init; }

    /// <summary>Norm of queries and keys before rotation, or null.</summary>
    public QueryKeyNormSpec? QueryKeyNorm { get; init; }

    /// <summary>Biases that grow with the distance between query and key (ALiBi), or null for none.</summary>
    public AlibiSpec? Alibi { get; init; }

    /// <summary>Learned biases on scores by the distance between query and key (T5), or null.</summary>
    public RelativeBiasSpec? RelativeBias { get; init; }

    /// <summary>Queries, keys and values that come through narrow projections of the hidden state, or null.</summary>
    public LatentAttentionSpec? Latent { get; init; }

    /// <summary>A norm over the outputs of all heads together, before the output projection (BitNet), or null.</summary>
    public NormSpec? OutputNorm { get; init; }

    /// <summary>True if the query, key and value projections have bias tensors.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>True if the output projection has a bias tensor.</summary>
    public bool OutputBias { get; init; }
}

/// <summary>
/// ALiBi (Press et al. 2022): slope · (key position − query position) is added to scores. The slopes follow from the number of heads.
/// </summary>
public sealed record AlibiSpec
{
    /// <summary>Factor on the biases (Falcon scales them like q·k).</summary>
    public float Scale { get; init; } = 1;

    /// <summary>
    /// True if the bias is round(round(slope) · round(key position)), each rounded to bfloat16, as Falcon's reference computes it. It depends on more than the distance then;
    /// the query's position, which all keys share, is left out.
    /// </summary>
    public bool RoundsToBfloat16 { get; init; }
}

/// <summary>What one norm of queries and keys spans.</summary>
public enum QueryKeyNormSpan
{
    /// <summary>One head; the weight [head size] is shared by all heads (Qwen3, Gemma 3).</summary>
    Head,
    /// <summary>One head; each head has its own weight [heads, head size] (Cohere).</summary>
    HeadWithOwnWeight,
    /// <summary>The whole projection (OLMo 2).</summary>
    Projection,
}

/// <summary>Norm of queries and keys.</summary>
/// <param name="Norm">Which norm.</param>
/// <param name="Span">Over what.</param>
public sealed record QueryKeyNormSpec(NormSpec Norm, QueryKeyNormSpan Span);

/// <summary>
/// Multi-head latent attention (DeepSeek-AI 2024): keys and values are projected from a narrow normalised vector, queries perhaps too. Rotated are the last
/// elements of a head; those of the keys come from the hidden state directly and are the same for all heads.
/// </summary>
/// <param name="QueryRank">Elements of the queries' narrow vector, or null if queries come from the hidden state.</param>
/// <param name="KeyValueRank">Elements of the keys' and values' narrow vector.</param>
/// <param name="Norm">The norm of both vectors.</param>
public sealed record LatentAttentionSpec(int? QueryRank, int KeyValueRank, NormSpec Norm);

/// <summary>
/// Learned biases on scores (Raffel et al. 2020): distances fall into buckets, the first half of which hold one distance each and the rest ranges that grow
/// logarithmically up to a largest distance; each head has a number per bucket. Bidirectional attention gives half of the buckets to keys after the query.
/// </summary>
/// <param name="BucketCount">Buckets.</param>
/// <param name="MaximumDistance">From this distance on all fall into the last bucket.</param>
/// <param name="TableLayer">The block of the stack that holds the table [buckets, heads]; blocks may share one.</param>
public sealed record RelativeBiasSpec(int BucketCount, int MaximumDistance, int TableLayer);
