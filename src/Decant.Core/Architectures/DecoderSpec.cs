using System.Collections.Immutable;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// A decoder described as data: everything that inference, compression and training must know to run it. Families differ only in
/// what their file writes here; nothing that reads a spec asks for the family. All lengths are element counts.
/// </summary>
public sealed record DecoderSpec : ModelSpec
{
    /// <summary>How ids become the first hidden state.</summary>
    public EmbeddingSpec Embedding { get; init; } = new();

    /// <summary>The blocks in order; they may differ from one another.</summary>
    public required ImmutableArray<LayerSpec> Layers { get; init; }

    /// <summary>The norm after the last block, or null if there is none.</summary>
    public required NormSpec? FinalNorm { get; init; }

    /// <summary>How the last hidden state becomes logits.</summary>
    public required HeadSpec Head { get; init; }

    /// <summary>The rotary settings of the first block that has any, or null. Blocks may differ.</summary>
    public RopeSpec? FirstRope => Layers.Select(layer => layer.Attention.Rope).FirstOrDefault(rope => rope is not null);

    /// <summary>The sliding window of the first block that has one, or null. Blocks may differ.</summary>
    public int? FirstWindow => Layers.Select(layer => layer.Attention.Window).FirstOrDefault(window => window is not null);

    /// <inheritdoc/>
    public override bool HeadIsTied => Head.Tied;

    /// <inheritdoc/>
    internal override int? RotaryFrequencyCount => FirstRope?.RotaryCount / 2;

    /// <inheritdoc/>
    public override IReadOnlyList<ModelTensor> ListTensors() => DecoderTensors.List(this);

    /// <inheritdoc/>
    public override int LayerCountOf(StackKind stack) => stack == StackKind.Main ? Layers.Length : 0;

    /// <inheritdoc/>
    public override int ExpertCountOf(int layer) => Layers[layer].FeedForward.Experts?.Count ?? 0;

    /// <inheritdoc/>
    public override AttentionSpec? AttentionOf(StackKind stack, int layer) => stack == StackKind.Main ? Layers[layer].Attention : null;

    /// <summary>Equal if every choice and every block is.</summary>
    public bool Equals(DecoderSpec? other) =>
        other is not null && VocabularySize == other.VocabularySize && HiddenSize == other.HiddenSize && ContextLength == other.ContextLength
        && Embedding == other.Embedding && FinalNorm == other.FinalNorm && Head == other.Head && Layers.SequenceEqual(other.Layers);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(VocabularySize, HiddenSize, ContextLength, Layers.Length, Embedding, Head);
}

/// <summary>The embedding stage: <c>norm(scale * E[id] + P[position + offset])</c>.</summary>
public sealed record EmbeddingSpec
{
    /// <summary>Factor on the token embedding (Gemma: √hidden; Granite: embedding_multiplier).</summary>
    public float Scale { get; init; } = 1;

    /// <summary>
    /// Width of the token embedding, and of what the head reads, where it is not that of the residual stream: a projection widens the one, another narrows
    /// the other (OPT 350M). Null otherwise.
    /// </summary>
    public int? Width { get; init; }

    /// <summary>Positions a text can have, or null without learned positions. A position past them is an error.</summary>
    public int? LearnedPositionCount { get; init; }

    /// <summary>Added to the position before the table is read, which has so many rows more (OPT: 2).</summary>
    public int LearnedPositionOffset { get; init; }

    /// <summary>A norm over the sum, or null.</summary>
    public NormSpec? Norm { get; init; }
}

/// <summary>The logits: <c>softcap(scale * (H · x + bias))</c>.</summary>
public sealed record HeadSpec
{
    /// <summary>True if the head is the token embedding.</summary>
    public required bool Tied { get; init; }

    /// <summary>True if the head has a bias tensor.</summary>
    public bool Bias { get; init; }

    /// <summary>Factor on the logits.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>c in c·tanh(logit / c), or null.</summary>
    public float? SoftCap { get; init; }
}
