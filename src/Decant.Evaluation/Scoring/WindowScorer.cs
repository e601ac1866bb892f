using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Evaluation.Statistics;

namespace Decant.Evaluation.Scoring;

/// <summary>Scores windows of token ids with one model: perplexity.</summary>
public static class WindowScorer
{
    private const int PositionsBetweenReports = 128;

    /// <summary>
    /// Negative log-likelihood of every target of every window, each window from an empty cache; short windows are
    /// read together. Logits are consumed as they come.
    /// </summary>
    /// <param name="model">The model; its capacity holds the longest window.</param>
    /// <param name="windows">At least one window, all ids inside the vocabulary.</param>
    /// <param name="progress">Told about scored tokens, or null.</param>
    /// <param name="cancellationToken">Stops between tiles.</param>
    /// <exception cref="NumericalException">A logit, key or value is NaN or infinite; names the window and the position.</exception>
    /// <exception cref="UsageException">An id is outside the vocabulary.</exception>
    public static PerplexityFigures Measure(
        ILogitsSource model, IReadOnlyList<TokenWindow> windows, IProgress<WorkProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ScoringChecks.Windows(model, windows);
        var losses = new MeanAccumulator();
        long total = windows.Sum(window => (long)window.TargetCount);
        foreach (WindowBatch batch in WindowBatch.Divide(windows, model.BatchLength, int.MaxValue))
        {
            model.ScoreWindows(windows, batch, (entry, position, logits) =>
            {
                LogNormaliser normaliser = LogNormaliser.Of(logits);
                ScoringChecks.Finite(normaliser, model, batch.First + entry, position);
                losses.Add(-normaliser.LogProbability(logits[windows[batch.First + entry].Ids.Span[position + 1]]));
                if (losses.Count % PositionsBetweenReports == 0)
                    Report(progress, losses, total);
            }, cancellationToken);
            Report(progress, losses, total);
        }
        return PerplexityOf(losses);
    }

    /// <summary>exp(mean loss), with the standard error of the mean carried through the exponential.</summary>
    internal static PerplexityFigures PerplexityOf(MeanAccumulator losses)
    {
        double perplexity = Math.Exp(losses.Mean);
        return new PerplexityFigures(perplexity, perplexity * losses.StandardError, losses.Sum, losses.Count);
    }

    internal static void Report(IProgress<WorkProgress>? progress, MeanAccumulator losses, long total) =>
        progress?.Report(new WorkProgress("score", losses.Count, total, "tokens", string.Create(
            System.Globalization.CultureInfo.InvariantCulture, $"perplexity {Math.Exp(losses.Mean):F4}")));
}
