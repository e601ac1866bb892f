using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Evaluation.Perplexity;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Tests.Scoring;

public sealed class WindowScorerTests
{
    private const int Vocabulary = 53;
    private static readonly int[] ids = [.. Enumerable.Range(0, 300).Select(i => i * 17 % Vocabulary)];

    [Fact]
    public void Perplexity_is_the_exponential_of_the_mean_loss_of_the_targets()
    {
        IReadOnlyList<TokenWindow> windows = new SlidingProtocol().Windows(ids, new WindowOptions { Context = 32 });
        List<double> losses = [];
        foreach (TokenWindow window in windows)
        {
            using var fresh = new HashModel(Vocabulary, 9);
            fresh.Reset();
            fresh.Score(window.Ids.Span, 0, (position, logits) =>
            {
                if (position + 1 >= window.FirstTarget && position + 1 < window.Ids.Length)
                {
                    double sum = 0;
                    foreach (float logit in logits)
                        sum += Math.Exp(logit);
                    losses.Add(Math.Log(sum) - logits[window.Ids.Span[position + 1]]);
                }
            }, CancellationToken.None);
        }
        using var model = new HashModel(Vocabulary, 9);
        PerplexityFigures figures = WindowScorer.Measure(model, windows, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(299, figures.TokenCount);
        Assert.Equal(losses.Count, figures.TokenCount);
        Assert.Equal(losses.Sum(), figures.NegativeLogLikelihoodSum, 1e-9);
        Assert.Equal(Math.Exp(losses.Average()), figures.Value, 1e-9);
        double deviation = Math.Sqrt((losses.Average(l => l * l) - Math.Pow(losses.Average(), 2)) / (losses.Count - 1));
        Assert.Equal(figures.Value * deviation, figures.StandardError, 1e-9);
        Assert.Equal(windows.Count, model.ResetCount);
    }

    [Fact]
    public void Progress_ends_at_the_number_of_scored_tokens()
    {
        var reports = new Recorder();
        using var model = new HashModel(Vocabulary, 1);
        WindowScorer.Measure(model, new ChunksProtocol().Windows(ids, new WindowOptions { Context = 150 }), reports, TestContext.Current.CancellationToken);
        Assert.Equal((298L, 298L), (reports.All[^1].Done, reports.All[^1].Total));
        Assert.Equal(reports.All.Select(r => r.Done).Order(), reports.All.Select(r => r.Done));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_bad_logit_is_named_with_window_and_position(float bad)
    {
        using var model = new HashModel(Vocabulary, 1) { Spoiled = (7, bad) };
        NumericalException error = Assert.Throws<NumericalException>(
            () => WindowScorer.Measure(model, new ChunksProtocol().Windows(ids, new WindowOptions { Context = 20 }), cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("window 0, position 7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ids_outside_the_vocabulary_are_refused_before_anything_runs()
    {
        using var model = new HashModel(Vocabulary, 1);
        UsageException error = Assert.Throws<UsageException>(() => Measure(new TokenWindow(new[] { 1, Vocabulary, 2 }, 1)));
        Assert.Contains("53", error.Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => Measure(new TokenWindow(new[] { -1, 2 }, 1)));
        Assert.Throws<UsageException>(() => Measure());
        Assert.Throws<ArgumentException>(() => Measure(new TokenWindow(new[] { 1, 2 }, 0)));
        Assert.Throws<ArgumentException>(() => Measure(new TokenWindow(new[] { 1, 2 }, 2)));
        Assert.Equal(0, model.ResetCount);

        PerplexityFigures Measure(params TokenWindow[] windows) => WindowScorer.Measure(model, windows, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Cancellation_stops_in_the_middle()
    {
        using var model = new HashModel(Vocabulary, 1);
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(
            () => WindowScorer.Measure(model, new ChunksProtocol().Windows(ids, new WindowOptions { Context = 20 }), cancellationToken: source.Token));
    }

    private sealed class Recorder : IProgress<WorkProgress>
    {
        public List<WorkProgress> All { get; } = [];

        public void Report(WorkProgress value) => All.Add(value);
    }
}
