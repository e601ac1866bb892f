using System.Runtime.InteropServices;
using Decant.Core.Measurement;
using Decant.Evaluation.Scoring;
using Decant.Evaluation.Statistics;

namespace Decant.Evaluation.Divergence;

/// <summary>Collects comparisons of positions. Keeps eight bytes a position, for percentiles need them all.</summary>
public sealed class DivergenceAccumulator
{
    private readonly List<double> divergences = [];
    private readonly MeanAccumulator divergence = new();
    private readonly MeanAccumulator agreement = new();
    private readonly MeanAccumulator referenceLoss = new();
    private readonly MeanAccumulator candidateLoss = new();

    /// <summary>Positions added.</summary>
    public long Count => divergence.Count;

    /// <summary>Losses of the candidate so far.</summary>
    internal MeanAccumulator CandidateLoss => candidateLoss;

    /// <summary>Adds a position.</summary>
    /// <param name="comparison">The two predictions.</param>
    /// <param name="referenceLogit">The reference's logit of the token that follows.</param>
    /// <param name="candidateLogit">The candidate's.</param>
    public void Add(DistributionComparison comparison, float referenceLogit, float candidateLogit)
    {
        divergences.Add(comparison.Divergence);
        divergence.Add(comparison.Divergence);
        agreement.Add(comparison.SameTop ? 1 : 0);
        referenceLoss.Add(-comparison.Reference.LogProbability(referenceLogit));
        candidateLoss.Add(-comparison.Candidate.LogProbability(candidateLogit));
    }

    /// <summary>The figures of all positions added so far; at least one.</summary>
    /// <exception cref="InvalidOperationException">None was added.</exception>
    public ComparisonFigures ToFigures()
    {
        if (Count == 0)
            throw new InvalidOperationException("No position was compared.");
        double[] sorted = [.. divergences];
        Array.Sort(sorted);
        return new ComparisonFigures(
            WindowScorer.PerplexityOf(referenceLoss),
            WindowScorer.PerplexityOf(candidateLoss),
            new DivergenceFigures(divergence.Mean, Percentiles.At(sorted, 0.5), Percentiles.At(sorted, 0.99), sorted[^1]),
            divergence.StandardError,
            agreement.Mean,
            agreement.StandardError);
    }
}
