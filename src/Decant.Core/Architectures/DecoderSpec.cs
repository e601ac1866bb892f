using System.Collections.Immutable;

namespace Decant.Core.Architectures;

/// <summary>
/// A decoder described as data: everything that inference, compression and training must know to run it. Families differ only in
/// what their file writes here; nothing that reads a spec asks for the family. All lengths are element counts.
/// </summary>
public sealed record DecoderSpec
{
    /// <summary>Number of token ids; rows of the embedding and the head.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>The context length the model was trained for.</summary>
    public required int ContextLength { get; init; }

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

    /// <summary>Positions the learned table holds, or null without learned positions. A position past them is an error.</summary>
    public int? LearnedPositionCount { get; init; }

    /// <summary>Added to the position before the table is read (OPT: 2).</summary>
    public int LearnedPositionOffset { get; init; }

    /// <summary>A norm over the sum, or null.</summary>
    public NormSpec? Norm { get; init; }
}

/// <summary>Kinds of normalisation.</summary>
public enum NormKind
{
    /// <summary>x / √(mean(x²) + ε) · weight (Zhang and Sennrich 2019).</summary>
    RootMeanSquare,
    /// <summary>(x − mean) / √(var + ε) · weight + bias (Ba et al. 2016); a missing bias is zero.</summary>
    Layer,
}

/// <summary>A normalisation; weights are the canonical ones (Gemma's stored w is 1 + w here).</summary>
/// <param name="Kind">Which formula.</param>
/// <param name="Epsilon">ε under the root.</param>
/// <param name="Bias">True if the norm has a bias tensor.</param>
public sealed record NormSpec(NormKind Kind, float Epsilon, bool Bias = false);

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

/// <summary>How the two branches of a block are joined to the residual stream.</summary>
public enum BlockForm
{
    /// <summary>Attention is added first, then the feed-forward part reads the sum.</summary>
    Sequential,
    /// <summary>Both read the block's input and both are added to it.</summary>
    Parallel,
}

/// <summary>Where norms stand in a block. Several may be set.</summary>
[Flags]
public enum NormPlacement
{
    /// <summary>No norms.</summary>
    None = 0,
    /// <summary>Before each branch (AttentionNorm, FeedForwardNorm).</summary>
    BeforeBranch = 1,
    /// <summary>On each branch's output before it is added (AttentionPostNorm, FeedForwardPostNorm): Gemma 2, OLMo 2.</summary>
    AfterBranch = 2,
    /// <summary>On the residual sum after each branch (AttentionPostNorm, FeedForwardPostNorm): GPT-1, BERT.</summary>
    AfterSum = 4,
}

/// <summary>One block.</summary>
public sealed record LayerSpec
{
    /// <summary>Sequential or parallel branches.</summary>
    public BlockForm Form { get; init; } = BlockForm.Sequential;

    /// <summary>Where norms stand.</summary>
    public NormPlacement NormPlacement { get; init; } = NormPlacement.BeforeBranch;

    /// <summary>
    /// True if a parallel block has one norm for both branches (AttentionNorm); false if each branch has its own. Ignored in sequential blocks.
    /// </summary>
    public bool SharedNorm { get; init; }

    /// <summary>The block's norms.</summary>
    public required NormSpec Norm { get; init; }

    /// <summary>Attention.</summary>
    public required AttentionSpec Attention { get; init; }

    /// <summary>Feed-forward.</summary>
    public required FeedForwardSpec FeedForward { get; init; }

    /// <summary>Factor on each branch before it is added (Granite: residual_multiplier).</summary>
    public float ResidualScale { get; init; } = 1;
}

/// <summary>Grouped-query attention: softmax(softcap(scale · q·k) + mask) · v.</summary>
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

    /// <summary>Sliding window W: query i sees key j if 0 ≤ i − j &lt; W; null sees all earlier keys.</summary>
    public int? Window { get; init; }

    /// <summary>Rotary positions, or null for none.</summary>
    public RopeSpec? Rope { get; init; }

    /// <summary>Norm of queries and keys before rotation, or null.</summary>
    public QueryKeyNormSpec? QueryKeyNorm { get; init; }

    /// <summary>True if the query, key and value projections have bias tensors.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>True if the output projection has a bias tensor.</summary>
    public bool OutputBias { get; init; }
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

/// <summary>Activation functions.</summary>
public enum Activation
{
    /// <summary>x · σ(x).</summary>
    Silu,
    /// <summary>0.5 x (1 + tanh(√(2/π)(x + 0.044715 x³))).</summary>
    GeluTanh,
    /// <summary>0.5 x (1 + erf(x / √2)).</summary>
    GeluErf,
    /// <summary>max(x, 0).</summary>
    Relu,
    /// <summary>max(x, 0)².</summary>
    ReluSquared,
}

/// <summary>Feed-forward part: <c>D(a(G x) ⊙ U x)</c> if gated, else <c>D a(U x)</c>.</summary>
public sealed record FeedForwardSpec
{
    /// <summary>True with a gate projection.</summary>
    public required bool Gated { get; init; }

    /// <summary>The activation.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Inner width (of one expert, if there are experts).</summary>
    public required int Width { get; init; }

    /// <summary>True if its projections have bias tensors.</summary>
    public bool Bias { get; init; }

    /// <summary>A mixture of experts, or null for one dense feed-forward.</summary>
    public ExpertsSpec? Experts { get; init; }
}

/// <summary>Sparse mixture of experts: softmax over all experts in F32, the top few taken, ties to the lower index.</summary>
/// <param name="Count">Experts.</param>
/// <param name="UsedCount">Experts per token.</param>
/// <param name="Renormalise">True if the chosen weights are divided by their sum.</param>
public sealed record ExpertsSpec(int Count, int UsedCount, bool Renormalise);
