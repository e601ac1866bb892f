using System.Collections.Immutable;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// A recurrent language model described as data: each block mixes positions through a state of fixed size instead of attending to all earlier ones, and
/// perhaps mixes channels after it. Mamba (Gu and Dao 2023), Mamba 2 (Dao and Gu 2024), RWKV-4 (Peng et al. 2023).
/// </summary>
public sealed record RecurrentSpec : ModelSpec
{
    /// <summary>The norm right after the embedding, or null.</summary>
    public NormSpec? EmbeddingNorm { get; init; }

    /// <summary>The blocks in order; they may differ from one another.</summary>
    public required ImmutableArray<RecurrentLayerSpec> Layers { get; init; }

    /// <summary>The norm after the last block.</summary>
    public required NormSpec FinalNorm { get; init; }

    /// <summary>How the last hidden state becomes logits.</summary>
    public required HeadSpec Head { get; init; }

    /// <inheritdoc/>
    public override bool HeadIsTied => Head.Tied;

    /// <inheritdoc/>
    public override int LayerCountOf(StackKind stack) => stack == StackKind.Main ? Layers.Length : 0;

    /// <inheritdoc/>
    public override IReadOnlyList<ModelTensor> ListTensors() => RecurrentTensors.List(this);

    /// <summary>Equal if every choice and every block is.</summary>
    public bool Equals(RecurrentSpec? other) =>
        other is not null && VocabularySize == other.VocabularySize && HiddenSize == other.HiddenSize && ContextLength == other.ContextLength
        && EmbeddingNorm == other.EmbeddingNorm && FinalNorm == other.FinalNorm && Head == other.Head && Layers.SequenceEqual(other.Layers);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(VocabularySize, HiddenSize, ContextLength, Layers.Length, EmbeddingNorm, Head);
}

/// <summary>
/// One recurrent block: <c>x += s · mixer(norm(x))</c>, then, with channel mixing, <c>x += s · channels(norm(x))</c>, then <c>x ·= f</c>.
/// </summary>
public sealed record RecurrentLayerSpec
{
    /// <summary>The block's norms (MixerNorm, FeedForwardNorm).</summary>
    public required NormSpec Norm { get; init; }

    /// <summary>What mixes positions.</summary>
    public required MixerSpec Mixer { get; init; }

    /// <summary>What mixes channels, or null.</summary>
    public ChannelMixingSpec? ChannelMixing { get; init; }

    /// <summary>s, the factor on each branch before it is added.</summary>
    public float BranchScale { get; init; } = 1;

    /// <summary>f, the factor on the residual stream behind the block: RWKV halves it every few blocks, so that half precision holds it.</summary>
    public float StreamScale { get; init; } = 1;
}
