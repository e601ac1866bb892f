namespace Decant.Core.Architectures;

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
