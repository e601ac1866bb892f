using System.Collections.Immutable;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// An encoder described as data: a hidden state for every token, all of which see one another; perhaps logits of tokens (masked language modelling) or of
/// classes. Its blocks are those of decoders with <see cref="AttentionSpec.Bidirectional"/> attention.
/// </summary>
public sealed record EncoderSpec : ModelSpec
{
    /// <summary>How ids become the first hidden state.</summary>
    public EncoderEmbeddingSpec Embedding { get; init; } = new();

    /// <summary>The stored blocks.</summary>
    public required ImmutableArray<LayerSpec> Layers { get; init; }

    /// <summary>Blocks that are stored and run as one group, one after the other (ALBERT); 1 if each is by itself.</summary>
    public int GroupLength { get; init; } = 1;

    /// <summary>The stored group of each step of the computation; steps may share one (ALBERT). Empty if every group runs once, in order.</summary>
    public ImmutableArray<int> Steps { get; init; } = [];

    /// <summary>The norm after the last block, or null if there is none.</summary>
    public NormSpec? FinalNorm { get; init; }

    /// <summary>How hidden states become logits of tokens, or null without such a head.</summary>
    public TokenHeadSpec? TokenHead { get; init; }

    /// <summary>How hidden states become one vector for the text, or null.</summary>
    public PoolerSpec? Pooler { get; init; }

    /// <summary>Classes that a linear layer on the pooled vector tells apart, or null.</summary>
    public int? ClassCount { get; init; }

    /// <summary>True if every token has classes of its own (names, parts of speech): the layers in front of them, if any, read its hidden state in place of the pooled one.</summary>
    public bool ClassifiesTokens { get; init; }

    /// <summary>Groups that are run one after another.</summary>
    public int StepCount => Steps.IsEmpty ? Layers.Length / GroupLength : Steps.Length;

    /// <inheritdoc/>
    public override bool HeadIsTied => TokenHead is { Tied: true };

    /// <inheritdoc/>
    internal override int? RotaryFrequencyCount => Layers.Select(layer => layer.Attention.Rope).FirstOrDefault(rope => rope is not null)?.RotaryCount / 2;

    /// <summary>The first of the <see cref="GroupLength"/> stored blocks that a step runs.</summary>
    public int FirstLayerOfStep(int step) => (Steps.IsEmpty ? step : Steps[step]) * GroupLength;

    /// <inheritdoc/>
    public override IReadOnlyList<ModelTensor> ListTensors()
    {
        var list = new TensorList();
        EncoderTensors.AddEmbedding(list, this);
        EncoderTensors.AddBlocks(list, this);
        EncoderTensors.AddHeads(list, this);
        return list.Tensors;
    }

    /// <inheritdoc/>
    public override int LayerCountOf(StackKind stack) => stack == StackKind.Main ? Layers.Length : 0;

    /// <inheritdoc/>
    public override AttentionSpec? AttentionOf(StackKind stack, int layer) => stack == StackKind.Main ? Layers[layer].Attention : null;

    /// <summary>Equal if every choice and every block is.</summary>
    public bool Equals(EncoderSpec? other) =>
        other is not null && VocabularySize == other.VocabularySize && HiddenSize == other.HiddenSize && ContextLength == other.ContextLength
        && Embedding == other.Embedding && FinalNorm == other.FinalNorm && TokenHead == other.TokenHead && Pooler == other.Pooler
        && ClassCount == other.ClassCount && ClassifiesTokens == other.ClassifiesTokens && GroupLength == other.GroupLength && Steps.SequenceEqual(other.Steps) && Layers.SequenceEqual(other.Layers);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(VocabularySize, HiddenSize, ContextLength, Layers.Length, Embedding, TokenHead);
}

/// <summary>The embedding stage: <c>project(norm(E[id] + P[position + offset] + T[type]))</c>.</summary>
public sealed record EncoderEmbeddingSpec
{
    /// <summary>Width of the embedding and of what the token head reads, if a projection with a bias widens it to the hidden size (ALBERT); else null.</summary>
    public int? Width { get; init; }

    /// <summary>Positions a text can have, or null without learned positions.</summary>
    public int? LearnedPositionCount { get; init; }

    /// <summary>Added to the position before the table is read, which has so many rows more.</summary>
    public int LearnedPositionOffset { get; init; }

    /// <summary>
    /// A token that takes no position: others are counted without it, and it has the row before the first (RoBERTa). Null if a token's position is its index.
    /// </summary>
    public int? PaddingId { get; init; }

    /// <summary>Rows of the table of token types; 0 without one.</summary>
    public int TokenTypeCount { get; init; }

    /// <summary>A norm over the sum, or null.</summary>
    public NormSpec? Norm { get; init; }
}

/// <summary>Logits of tokens: <c>H · norm(a(W x + b)) + c</c>.</summary>
public sealed record TokenHeadSpec
{
    /// <summary>a.</summary>
    public required Activation Activation { get; init; }

    /// <summary>True if the dense layer has a bias.</summary>
    public bool TransformBias { get; init; } = true;

    /// <summary>The norm.</summary>
    public required NormSpec Norm { get; init; }

    /// <summary>True if H is the token embedding.</summary>
    public required bool Tied { get; init; }

    /// <summary>True if the logits have a bias.</summary>
    public bool Bias { get; init; } = true;
}

/// <summary>How hidden states of a text become one.</summary>
public enum Pooling
{
    /// <summary>That of the first token.</summary>
    First,
    /// <summary>The mean of those of all tokens that are no padding.</summary>
    Mean,
}

/// <summary>One vector for a text: <c>norm(a(W pool(x) + b))</c>.</summary>
public sealed record PoolerSpec
{
    /// <summary>pool.</summary>
    public Pooling Pooling { get; init; } = Pooling.First;

    /// <summary>a.</summary>
    public Activation Activation { get; init; } = Activation.Tanh;

    /// <summary>True if the dense layer has a bias.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>The norm, or null.</summary>
    public NormSpec? Norm { get; init; }
}
