namespace Decant.Core.Architectures;

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
    /// <summary>tanh(x).</summary>
    Tanh,
    /// <summary>1 / (1 + e^−x).</summary>
    Sigmoid,
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

    /// <summary>A norm over the inner units, before the down projection (BitNet), or null.</summary>
    public NormSpec? InnerNorm { get; init; }

    /// <summary>A mixture of experts, or null for one dense feed-forward.</summary>
    public ExpertsSpec? Experts { get; init; }
}

/// <summary>
/// Sparse mixture of experts: every expert has a score, the top few are taken, ties to the lower index, and their outputs are added, each with its weight:
/// the expert's score.
/// </summary>
/// <param name="Count">Experts.</param>
/// <param name="UsedCount">Experts per token.</param>
/// <param name="Renormalise">True if the chosen weights are divided by their sum.</param>
public sealed record ExpertsSpec(int Count, int UsedCount, bool Renormalise)
{
    /// <summary>How the router's outputs become scores.</summary>
    public ExpertScoring Scoring { get; init; } = ExpertScoring.Softmax;

    /// <summary>True if a bias per expert is added to its score for the choice, not for its weight (DeepSeek-V3).</summary>
    public bool ChoiceBias { get; init; }

    /// <summary>Experts in groups, of which the best are chosen first, or null.</summary>
    public ExpertGroupsSpec? Groups { get; init; }

    /// <summary>Factor on the weights (routed_scaling_factor).</summary>
    public float Scale { get; init; } = 1;

    /// <summary>An expert that every token uses beside the chosen ones, or null.</summary>
    public SharedExpertSpec? Shared { get; init; }

    /// <summary>
    /// True if the block is a dense one in the form of a mixture, which llama.cpp wants of every block: router and experts are zero, the shared expert's factor is one
    /// half and its output twice that of the dense block. It computes the same as any mixture; the way back to a dense block needs to know.
    /// </summary>
    public bool OnlySharedIsUsed { get; init; }
}

/// <summary>How a router's outputs become scores.</summary>
public enum ExpertScoring
{
    /// <summary>Softmax over all experts.</summary>
    Softmax,
    /// <summary>The logistic function of each.</summary>
    Sigmoid,
}

/// <summary>Groups of experts; a token's experts come from the best groups only.</summary>
/// <param name="Count">Groups of equal size; expert e is in group e / (experts / Count).</param>
/// <param name="UsedCount">Groups per token.</param>
/// <param name="SumsTopTwo">True if a group is as good as the sum of its two best experts (DeepSeek-V3), false if as its best (DeepSeek-V2).</param>
public sealed record ExpertGroupsSpec(int Count, int UsedCount, bool SumsTopTwo);

/// <summary>An expert that every token uses.</summary>
/// <param name="Width">Its inner width.</param>
/// <param name="Gated">True if its output is multiplied by σ of a projection of the input to one number (Qwen2-MoE).</param>
public sealed record SharedExpertSpec(int Width, bool Gated)
{
    /// <summary>How many of the inner units, from the first, are not zero, or null for all: llama.cpp's files have one width for the shared experts of all blocks.</summary>
    public int? UsedWidth { get; init; }
}
