using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Evaluation.Divergence;
using Decant.Evaluation.Perplexity;
using Decant.Evaluation.Scoring;
using Decant.Evaluation.Tests.Scoring;

namespace Decant.Evaluation.Tests.Divergence;

public sealed class ModelComparerTests
{
    private const int Vocabulary = 97;

    [Fact]
    public void Every_tile_size_gives_the_same_figures_to_the_last_bit()
    {
        foreach (PerplexityProtocol protocol in PerplexityProtocols.All)
        {
            IReadOnlyList<TokenWindow> windows = protocol.Windows(Ids(150), new WindowOptions { Context = 32, BeginToken = 1 });
            ComparisonFigures whole = Compare(windows, 1000);
            Assert.True(whole.Divergence.Mean > 0.1);
            foreach (int tile in new[] { 1, 2, 7, 15, 16, 31 })
                Assert.Equal(whole, Compare(windows, tile));
        }
    }

    [Fact]
    public void Perplexities_are_those_of_scoring_each_model_alone()
    {
        IReadOnlyList<TokenWindow> windows = new ChunksProtocol().Windows(Ids(200), new WindowOptions { Context = 20 });
        ComparisonFigures both = Compare(windows, 8);
        using var reference = new HashModel(Vocabulary, 1);
        using var candidate = new HashModel(Vocabulary, 2);
        Assert.Equal(WindowScorer.Measure(reference, windows, cancellationToken: TestContext.Current.CancellationToken), both.Reference);
        Assert.Equal(WindowScorer.Measure(candidate, windows, cancellationToken: TestContext.Current.CancellationToken), both.Candidate);
    }

    [Fact]
    public void A_model_does_not_diverge_from_itself()
    {
        using var reference = new HashModel(Vocabulary, 5);
        using var candidate = new HashModel(Vocabulary, 5);
        ComparisonFigures figures = ModelComparer.Compare(
            reference, candidate, new ChunksProtocol().Windows(Ids(60), new WindowOptions { Context = 20 }), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(new DivergenceFigures(0, 0, 0, 0), figures.Divergence);
        Assert.Equal((1.0, 0.0), (figures.TopOneAgreement, figures.TopOneStandardError));
        Assert.Equal(figures.Reference, figures.Candidate);
    }

    [Fact]
    public void Mean_percentiles_and_agreement_are_those_of_the_positions()
    {
        IReadOnlyList<TokenWindow> windows = new LlamaCppProtocol().Windows(Ids(64), new WindowOptions { Context = 32 });
        var divergences = new List<double>();
        var same = new List<double>();
        foreach (TokenWindow window in windows)
        {
            List<float[]> x = Rows(new HashModel(Vocabulary, 1), window);
            List<float[]> y = Rows(new HashModel(Vocabulary, 2), window);
            foreach ((float[] a, float[] b) in x.Zip(y))
            {
                DistributionComparison comparison = DistributionComparison.Of(a, b);
                divergences.Add(comparison.Divergence);
                same.Add(comparison.SameTop ? 1 : 0);
            }
        }
        divergences.Sort();
        Assert.Equal(2 * 15, divergences.Count);
        ComparisonFigures figures = Compare(windows, 4);
        Assert.Equal(divergences.Average(), figures.Divergence.Mean, 1e-12);
        Assert.Equal((divergences[14] + divergences[15]) / 2, figures.Divergence.Median, 1e-12);
        Assert.Equal(divergences[^1], figures.Divergence.Maximum);
        Assert.Equal(same.Average(), figures.TopOneAgreement, 1e-12);
    }

    [Fact]
    public void Different_vocabularies_are_refused_with_both_sizes()
    {
        using var reference = new HashModel(97, 1);
        using var candidate = new HashModel(98, 1);
        UsageException error = Assert.Throws<UsageException>(() => ModelComparer.Compare(reference, candidate, [new TokenWindow(new[] { 1, 2 }, 1)], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("97", error.Message, StringComparison.Ordinal);
        Assert.Contains("98", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void A_bad_logit_of_the_candidate_is_named_with_its_position(float bad)
    {
        using var reference = new HashModel(Vocabulary, 1);
        using var candidate = new HashModel(Vocabulary, 2) { Spoiled = (13, bad) };
        IReadOnlyList<TokenWindow> windows = new ChunksProtocol().Windows(Ids(20), new WindowOptions { Context = 20 });
        NumericalException error = Assert.Throws<NumericalException>(
            () => ModelComparer.Compare(reference, candidate, windows, 4, null, TestContext.Current.CancellationToken));
        Assert.Contains("position 13", error.Message, StringComparison.Ordinal);
        Assert.Contains("hash-2", error.Message, StringComparison.Ordinal);
    }

    private static List<float[]> Rows(HashModel model, TokenWindow window)
    {
        List<float[]> rows = [];
        model.Reset();
        model.Score(window.Ids.Span[..^1], window.FirstTarget - 1, (_, logits) => rows.Add(logits.ToArray()), CancellationToken.None);
        return rows;
    }

    private static ComparisonFigures Compare(IReadOnlyList<TokenWindow> windows, int tile)
    {
        using var reference = new HashModel(Vocabulary, 1);
        using var candidate = new HashModel(Vocabulary, 2);
        ComparisonFigures figures = ModelComparer.Compare(reference, candidate, windows, tile, null, TestContext.Current.CancellationToken);
        Assert.Equal((windows.Count, windows.Count), (reference.ResetCount, candidate.ResetCount));
        return figures;
    }

    private static int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => i * 31 % Vocabulary)];
}
