using Decant.Core.Measurement;

namespace Decant.Evaluation.Divergence;

/// <summary>What a comparison of two models over the same positions gave.</summary>
/// <param name="Reference">Perplexity of the reference.</param>
/// <param name="Candidate">Perplexity of the candidate.</param>
/// <param name="Divergence">KL(reference ‖ candidate) in nats.</param>
/// <param name="DivergenceStandardError">Standard error of the mean divergence.</param>
/// <param name="TopOneAgreement">Share of positions with the same most likely token, 0 to 1.</param>
/// <param name="TopOneStandardError">Its standard error, <c>√(p(1 − p)/(n − 1))</c>.</param>
public sealed record ComparisonFigures(
    PerplexityFigures Reference,
    PerplexityFigures Candidate,
    DivergenceFigures Divergence,
    double DivergenceStandardError,
    double TopOneAgreement,
    double TopOneStandardError);
