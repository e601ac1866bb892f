using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Divergence;

/// <summary>
/// Runs two models side by side over the same windows. The reference reads a tile of positions into a buffer, the candidate reads the same tile and
/// is compared row by row: memory is one tile of logits, whatever the length of the text.
/// </summary>
public static class ModelComparer
{
    // Room for 170 positions of a vocabulary of 49,152: long enough for matrix products to be worth their while, small beside any model.
    private const int TileByteCount = 32 << 20;
    private const int LeastTilePositions = 16;

    /// <summary>Compares the predictions of every target of every window, each window from empty caches.</summary>
    /// <param name="reference">The model before.</param>
    /// <param name="candidate">The model after; same vocabulary.</param>
    /// <param name="windows">At least one window, all ids inside the vocabulary.</param>
    /// <param name="progress">Told about compared tokens, or null.</param>
    /// <param name="cancellationToken">Stops between tiles.</param>
    /// <exception cref="NumericalException">A logit is NaN or infinite.</exception>
    /// <exception cref="UsageException">The vocabularies differ in size, or an id is outside them.</exception>
    public static ComparisonFigures Compare(
        ILogitsSource reference, ILogitsSource candidate, IReadOnlyList<TokenWindow> windows,
        IProgress<WorkProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Compare(reference, candidate, windows, Math.Max(LeastTilePositions, TileByteCount / sizeof(float) / reference.VocabularySize), progress, cancellationToken);

    /// <summary>The same with the number of positions in a tile given.</summary>
    internal static ComparisonFigures Compare(
        ILogitsSource reference, ILogitsSource candidate, IReadOnlyList<TokenWindow> windows, int tilePositions,
        IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        if (reference.VocabularySize != candidate.VocabularySize)
        {
            throw new UsageException(
                $"{candidate.Name} has {candidate.VocabularySize} token ids and {reference.Name} has {reference.VocabularySize}: KL divergence needs one vocabulary. Evaluate each model by itself.");
        }
        ScoringChecks.Windows(reference, windows);
        ScoringChecks.Windows(candidate, windows);
        int vocabulary = reference.VocabularySize;
        long total = windows.Sum(window => (long)window.TargetCount);
        int longest = windows.Max(window => window.Ids.Length);
        float[] tile = new float[(long)Math.Min(tilePositions, longest) * vocabulary];
        var sums = new DivergenceAccumulator();
        for (int index = 0; index < windows.Count; index++)
        {
            TokenWindow window = windows[index];
            int windowIndex = index;
            reference.Reset();
            candidate.Reset();
            int end = window.Ids.Length - 1;
            for (int begin = 0, next; begin < end; begin = next)
            {
                // The ids before the first scored position need no room in the buffer.
                int firstScored = Math.Max(begin, window.FirstTarget - 1);
                next = Math.Min(firstScored + tilePositions, end);
                int origin = begin;
                int firstRow = firstScored - begin;
                ReadOnlySpan<int> ids = window.Ids.Span[begin..next];
                reference.Score(ids, firstRow, (row, logits) => logits.CopyTo(tile.AsSpan((row - firstRow) * vocabulary, vocabulary)), cancellationToken);
                candidate.Score(ids, firstRow, (row, logits) =>
                {
                    ReadOnlySpan<float> before = tile.AsSpan((row - firstRow) * vocabulary, vocabulary);
                    DistributionComparison comparison = DistributionComparison.Of(before, logits);
                    ScoringChecks.Finite(comparison.Reference, reference, windowIndex, origin + row);
                    ScoringChecks.Finite(comparison.Candidate, candidate, windowIndex, origin + row);
                    if (!double.IsFinite(comparison.Divergence))
                        throw new NumericalException($"{candidate.Name} against {reference.Name}: the divergence of window {windowIndex}, position {origin + row} is not finite: a logit is minus infinity.");
                    int target = window.Ids.Span[origin + row + 1];
                    sums.Add(comparison, before[target], logits[target]);
                }, cancellationToken);
                WindowScorer.Report(progress, sums.CandidateLoss, total);
            }
        }
        return sums.ToFigures();
    }
}
