using Decant.Core.Measurement;
using Decant.Evaluation.Perplexity;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Tests.Scoring;

public sealed class WindowBatchTests
{
    private const int Vocabulary = 53;

    [Theory]
    [InlineData(1, int.MaxValue)]
    [InlineData(64, int.MaxValue)]
    [InlineData(64, 20)]
    [InlineData(int.MaxValue, 1)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public void Every_window_is_in_one_batch_and_batches_are_as_full_as_they_may_be(int mostIds, int mostTargets)
    {
        TokenWindow[] windows = [.. Enumerable.Range(0, 60).Select(i => new TokenWindow(new int[2 + i * 37 % 50], 1 + i % 2 * (i * 37 % 50)))];
        WindowBatch[] batches = [.. WindowBatch.Divide(windows, mostIds, mostTargets)];
        int next = 0;
        foreach (WindowBatch batch in batches)
        {
            Assert.Equal(next, batch.First);
            next += batch.Count;
            Assert.True(batch.Count == 1 || Fits(batch));
            Assert.True(next == windows.Length || !Fits(batch with { Count = batch.Count + 1 }));
        }
        Assert.Equal(windows.Length, next);

        bool Fits(WindowBatch batch)
        {
            TokenWindow[] own = windows[batch.First..(batch.First + batch.Count)];
            return own.Sum(window => window.Ids.Length - 1L) <= mostIds && own.Sum(window => (long)window.TargetCount) <= mostTargets;
        }
    }

    [Fact]
    public void Short_windows_are_scored_together_with_the_same_figures()
    {
        int[] ids = [.. Enumerable.Range(0, 700).Select(i => i * 17 % Vocabulary)];
        foreach (PerplexityProtocol protocol in PerplexityProtocols.All)
        {
            IReadOnlyList<TokenWindow> windows = protocol.Windows(ids, new WindowOptions { Context = 24, BeginToken = 1 });
            PerplexityFigures? alone = null;
            foreach ((int batchLength, int largest) in new[] { (1, 1), (100, 4), (512, 22) })
            {
                using var model = new HashModel(Vocabulary, 4) { BatchLength = batchLength };
                PerplexityFigures figures = WindowScorer.Measure(model, windows, cancellationToken: TestContext.Current.CancellationToken);
                alone ??= figures;
                Assert.Equal(alone, figures);
                Assert.Equal(largest, model.LargestBatch);
                Assert.Equal(windows.Count, model.ResetCount);
            }
        }
    }
}
