using Decant.Core.Architectures;

namespace Decant.Core.Measurement;

/// <summary>
/// Measures what a change did to a model. Compression and search ask for a measurement through this interface; the evaluation project
/// answers. Neither knows the other.
/// </summary>
public interface IQualityProbe
{
    /// <summary>
    /// Runs both models over the same windows of token ids, computing in single precision from the stored weights, and compares the logits
    /// that predict positions 1 .. n−1 of every window (each window starts with an empty cache). Logits are consumed as they come: memory
    /// holds the two caches of one window and a few rows of logits, never vocabulary × tokens.
    /// </summary>
    /// <param name="request">The models and the windows.</param>
    /// <param name="progress">Told about scored tokens, or null.</param>
    /// <param name="cancellationToken">Stops between blocks of tokens.</param>
    /// <exception cref="Errors.NumericalException">A logit is NaN or infinite; names the model, window and position.</exception>
    QualityFigures Compare(QualityRequest request, IProgress<WorkProgress>? progress = null, CancellationToken cancellationToken = default);
}

/// <summary>What an <see cref="IQualityProbe"/> compares.</summary>
public sealed record QualityRequest
{
    /// <summary>The model before the change. Divergences are taken from it.</summary>
    public required Model Reference { get; init; }

    /// <summary>The model after the change; same vocabulary.</summary>
    public required Model Candidate { get; init; }

    /// <summary>Windows of at least two token ids each, all inside the vocabulary.</summary>
    public required IReadOnlyList<ReadOnlyMemory<int>> Windows { get; init; }

    /// <summary>Threads, 0 for all cores.</summary>
    public int ThreadCount { get; init; }
}

/// <summary>Perplexity over scored tokens: exp of the mean negative log-likelihood, natural logarithms.</summary>
/// <param name="Value">The perplexity.</param>
/// <param name="StandardError">Its standard error (that of the mean, times the perplexity).</param>
/// <param name="NegativeLogLikelihoodSum">Sum over the tokens, in nats.</param>
/// <param name="TokenCount">Scored tokens.</param>
public sealed record PerplexityFigures(double Value, double StandardError, double NegativeLogLikelihoodSum, long TokenCount);

/// <summary>Kullback-Leibler divergence KL(reference ‖ candidate) per position over the whole vocabulary, in nats.</summary>
/// <param name="Mean">Mean over positions.</param>
/// <param name="Median">Median.</param>
/// <param name="Percentile99">99th percentile.</param>
/// <param name="Maximum">Largest.</param>
public sealed record DivergenceFigures(double Mean, double Median, double Percentile99, double Maximum);

/// <summary>The outcome of a comparison.</summary>
/// <param name="Reference">Perplexity before.</param>
/// <param name="Candidate">Perplexity after.</param>
/// <param name="Divergence">How far the predicted distributions moved.</param>
/// <param name="TopOneAgreement">Share of positions at which both models rank the same token first, 0 to 1.</param>
public sealed record QualityFigures(PerplexityFigures Reference, PerplexityFigures Candidate, DivergenceFigures Divergence, double TopOneAgreement);
