using System.Collections.Immutable;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// A reversible transformer with chunked attention described as data (Kitaev et al. 2020, Reformer). There are two residual streams, both the embedding to
/// begin with; each block computes <c>y1 = x1 + attention(norm(x2))</c> and <c>y2 = x2 + feedForward(norm(y1))</c>, so that x can be had back from y.
/// The last norm and the head read both streams side by side.
/// </summary>
public sealed record ReformerSpec : ModelSpec
{
    /// <summary>True if a position sees none after it.</summary>
    public required bool Causal { get; init; }

    /// <summary>Positions as two tables whose rows are joined, or null for one table of <see cref="ModelSpec.ContextLength"/> rows.</summary>
    public AxialPositionsSpec? AxialPositions { get; init; }

    /// <summary>The blocks in order.</summary>
    public required ImmutableArray<ReformerLayerSpec> Layers { get; init; }

    /// <summary>The norm of both streams after the last block.</summary>
    public required NormSpec FinalNorm { get; init; }

    /// <inheritdoc/>
    public override bool HeadIsTied => false;

    /// <summary>The most positions a text can have: those that have an embedding.</summary>
    public int PositionCount => AxialPositions is { } axial ? (int)Math.Min(ContextLength, (long)axial.RowCount * axial.ColumnCount) : ContextLength;

    /// <inheritdoc/>
    public override int LayerCountOf(StackKind stack) => stack == StackKind.Main ? Layers.Length : 0;

    /// <inheritdoc/>
    public override IReadOnlyList<ModelTensor> ListTensors() => ReformerTensors.List(this);

    /// <summary>Equal if every choice and every block is.</summary>
    public bool Equals(ReformerSpec? other) =>
        other is not null && VocabularySize == other.VocabularySize && HiddenSize == other.HiddenSize && ContextLength == other.ContextLength
        && Causal == other.Causal && AxialPositions == other.AxialPositions && FinalNorm == other.FinalNorm && Layers.SequenceEqual(other.Layers);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(VocabularySize, HiddenSize, ContextLength, Layers.Length, AxialPositions, Causal);
}

/// <summary>Learned positions of a plane: position p is row p / columns of the first table beside row p mod columns of the second.</summary>
/// <param name="RowCount">Rows of the first table.</param>
/// <param name="RowWidth">Its width.</param>
/// <param name="ColumnCount">Rows of the second table.</param>
/// <param name="ColumnWidth">Its width; both widths are the hidden size together.</param>
public sealed record AxialPositionsSpec(int RowCount, int RowWidth, int ColumnCount, int ColumnWidth);

/// <summary>One reversible block.</summary>
public sealed record ReformerLayerSpec
{
    /// <summary>The block's norms (AttentionNorm, FeedForwardNorm).</summary>
    public required NormSpec Norm { get; init; }

    /// <summary>Attention.</summary>
    public required ChunkedAttentionSpec Attention { get; init; }

    /// <summary>The feed-forward part.</summary>
    public required FeedForwardSpec FeedForward { get; init; }
}

/// <summary>
/// Attention within chunks of positions that lie together in some order: a position sees its own chunk and some before and after it, the first chunk's
/// neighbour being the last. A neighbour as far away as there are chunks, or farther, is the chunk itself, which then counts again. Texts of no more than one
/// chunk are attended to whole.
/// </summary>
public abstract record ChunkedAttentionSpec
{
    private protected ChunkedAttentionSpec()
    {
    }

    /// <summary>Heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Elements of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Positions of a chunk.</summary>
    public required int ChunkLength { get; init; }

    /// <summary>Chunks before its own that a position sees.</summary>
    public required int ChunksBefore { get; init; }

    /// <summary>Chunks after its own that a position sees.</summary>
    public required int ChunksAfter { get; init; }
}

/// <summary>Chunks in the order of the text.</summary>
public sealed record LocalAttentionSpec : ChunkedAttentionSpec;

/// <summary>
/// Locality-sensitive hashing: queries are keys too; they are rotated at random and fall into the bucket of the largest coordinate, and chunks are cut from the
/// positions in the order of buckets, in several rounds, whose results are weighted by their sums of exponentials. A position sees itself only where it sees
/// nothing else.
/// </summary>
public sealed record HashedAttentionSpec : ChunkedAttentionSpec
{
    /// <summary>Rounds of hashing.</summary>
    public required int HashCount { get; init; }

    /// <summary>Buckets of a round; null for as many as the length of the text asks for: about two for each chunk.</summary>
    public int? BucketCount { get; init; }

    /// <summary>Buckets of a second hash that each of the first's is divided by, or null for one hash.</summary>
    public int? SecondBucketCount { get; init; }

    /// <summary>The seed of the random rotations, or null if any will do.</summary>
    public int? Seed { get; init; }
}
