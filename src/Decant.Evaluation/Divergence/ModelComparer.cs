using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Divergence;

/// <summary>
/// Runs two models side by side over the same windows. The reference reads a tile of positions into a buffer, the candidate reads the same tile and
/// is compared row by row: memory is one tile of logits, whatever the length of the text. Short windows are read together as far as their positions fit the tile.
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
        WindowBatch[] batches = [.. WindowBatch.Divide(windows, Math.Min(reference.BatchLength, candidate.BatchLength), tilePositions)];
        int most = batches.Max(batch => windows.Skip(batch.First).Take(batch.Count).Sum(window => window.TargetCount));
        var comparison = new Comparison(reference, candidate, windows, Math.Min(tilePositions, most), progress);
        foreach (WindowBatch batch in batches)
        {
            if (batch.Count == 1)
                comparison.AddWindow(batch.First, cancellationToken);
            else
                comparison.AddTogether(batch, cancellationToken);
        }
        return comparison.Sums.ToFigures();
    }

    private sealed class Comparison(
        ILogitsSource reference, ILogitsSource candidate, IReadOnlyList<TokenWindow> windows, int tilePositions, IProgress<WorkProgress>? progress)
    {
        private readonly int vocabulary = reference.VocabularySize;
        private readonly long total = windows.Sum(window => (long)window.TargetCount);
        private readonly float[] tile = new float[(long)tilePositions * reference.VocabularySize];

        public DivergenceAccumulator Sums { get; } = new();

        /// <summary>Windows whose targets fit into one tile together.</summary>
        public void AddTogether(WindowBatch batch, CancellationToken cancellationToken)
        {
            int row = 0;
            reference.ScoreWindows(windows, batch, (_, _, logits) => logits.CopyTo(Row(row++)), cancellationToken);
            row = 0;
            candidate.ScoreWindows(windows, batch, (entry, position, logits) => Add(batch.First + entry, position, Row(row++), logits), cancellationToken);
            WindowScorer.Report(progress, Sums.CandidateLoss, total);
        }

        /// <summary>A window of any length, tile by tile.</summary>
        public void AddWindow(int index, CancellationToken cancellationToken)
        {
            TokenWindow window = windows[index];
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
                reference.Score(ids, firstRow, (row, logits) => logits.CopyTo(Row(row - firstRow)), cancellationToken);
                candidate.Score(ids, firstRow, (row, logits) => Add(index, origin + row, Row(row - firstRow), logits), cancellationToken);
                WindowScorer.Report(progress, Sums.CandidateLoss, total);
            }
        }

        private Span<float> Row(int index) => tile.AsSpan(index * vocabulary, vocabulary);

        private void Add(int window, int position, ReadOnlySpan<float> before, ReadOnlySpan<float> after)
        {
            DistributionComparison comparison = DistributionComparison.Of(before, after);
            ScoringChecks.Finite(comparison.Reference, reference, window, position);
            ScoringChecks.Finite(comparison.Candidate, candidate, window, position);
            if (!double.IsFinite(comparison.Divergence))
                throw new NumericalException($"{candidate.Name} against {reference.Name}: the divergence of window {window}, position {position} is not finite: a logit is minus infinity.");
            int target = windows[window].Ids.Span[position + 1];
            Sums.Add(comparison, before[target], after[target]);
        }
    }
}
