namespace Decant.Core.Architectures;

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

    /// <summary>
    /// True if attention reads the stream as it is although <see cref="NormPlacement"/> puts a norm before the branches: ModernBERT's first block, whose
    /// embedding is normalised already.
    /// </summary>
    public bool SkipsAttentionNorm { get; init; }

    /// <summary>Attention.</summary>
    public required AttentionSpec Attention { get; init; }

    /// <summary>Attention over the outputs of an encoder, a branch between attention and the feed-forward part; null in models without an encoder.</summary>
    public AttentionSpec? CrossAttention { get; init; }

    /// <summary>Feed-forward.</summary>
    public required FeedForwardSpec FeedForward { get; init; }

    /// <summary>Factor on each branch before it is added (Granite: residual_multiplier).</summary>
    public float ResidualScale { get; init; } = 1;

    /// <summary>How the block's projections multiply.</summary>
    public ProjectionKind Projections { get; init; } = ProjectionKind.Plain;
}

/// <summary>How the matrices of a block are multiplied.</summary>
public enum ProjectionKind
{
    /// <summary>As they are.</summary>
    Plain,
    /// <summary>
    /// BitNet b1.58 (Ma et al. 2024): weights rounded to −1, 0 and 1 times the mean of their absolute values, activations to 8 bits by the largest
    /// of each token.
    /// </summary>
    Ternary,
    /// <summary>
    /// The same with weights that are stored rounded, as in GGUF files: they are taken as they are, for the mean of rounded weights is not the one they were rounded
    /// by. Activations are rounded to 8 bits.
    /// </summary>
    StoredTernary,
}
