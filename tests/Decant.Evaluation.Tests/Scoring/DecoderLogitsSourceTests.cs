using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Engine.Inference;
using Decant.Evaluation.Perplexity;
using Decant.Evaluation.Scoring;
using Decant.Testing;

namespace Decant.Evaluation.Tests.Scoring;

public sealed class DecoderLogitsSourceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(16)]
    [InlineData(33)]
    [InlineData(64)]
    [InlineData(100)]
    public void Windows_read_together_have_the_bytes_of_windows_read_alone(int context)
    {
        using IModelSource file = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(file), new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using var source = new DecoderLogitsSource("stories", decoder, context);
        int[] ids = [.. Enumerable.Range(0, 1000).Select(i => 3 + i * i % 500)];
        foreach (PerplexityProtocol protocol in PerplexityProtocols.All)
        {
            IReadOnlyList<TokenWindow> windows = protocol.Windows(ids, new WindowOptions { Context = context });
            int together = 0;
            foreach (WindowBatch batch in WindowBatch.Divide(windows, source.BatchLength, int.MaxValue))
            {
                together = Math.Max(together, batch.Count);
                List<(int Entry, int Position, float[] Logits)> rows = [];
                source.ScoreWindows(windows, batch, (entry, position, logits) => rows.Add((entry, position, logits.ToArray())), Cancellation);
                int next = 0;
                for (int entry = 0; entry < batch.Count; entry++)
                {
                    TokenWindow window = windows[batch.First + entry];
                    int scored = 0;
                    source.Reset();
                    source.Score(window.Ids.Span[..^1], window.FirstTarget - 1, (position, logits) =>
                    {
                        Assert.Equal((entry, position), (rows[next].Entry, rows[next].Position));
                        Assert.True(logits.SequenceEqual(rows[next++].Logits), $"{protocol.Name}, window {batch.First + entry}, position {position}");
                        scored++;
                    }, Cancellation);
                    Assert.Equal(window.TargetCount, scored);
                }
                Assert.Equal(rows.Count, next);
            }
            Assert.Equal(Math.Min(windows.Count, decoder.BatchLength / (context - 1)), together);
        }
    }

    [Fact]
    public void A_window_whose_numbers_fail_is_named()
    {
        const int Damaged = 77;
        using IModelSource file = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "llama"));
        DecoderModel model = DamagedTensor.WithEmbedding(ArchitectureRegistry.BindDecoder(file), Damaged);
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { ThreadCount = 2, KeyValueFormat = "F16", BatchLength = 16 }, Cancellation);
        using var source = new DecoderLogitsSource("llama", decoder, 8);
        TokenWindow[] windows = [.. Enumerable.Range(0, 7).Select(i => new TokenWindow(new[] { 1, 5, i == 4 ? Damaged : 6, 7 + i, 8 }, 1))];
        string message = Assert.Throws<NumericalException>(() => WindowScorer.Measure(source, windows, null, Cancellation)).Message;
        Assert.StartsWith("Position 2 of window 4 of llama: A key or value of block 0 is not a finite number", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_of_a_few_tokens_agree_within_rounding()
    {
        using IModelSource file = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(file), new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using var source = new DecoderLogitsSource("stories", decoder, 5);
        int[] ids = [.. Enumerable.Range(0, 400).Select(i => 3 + i * i % 500)];
        IReadOnlyList<TokenWindow> windows = new ChunksProtocol().Windows(ids, new WindowOptions { Context = 5 });
        double together = WindowScorer.Measure(source, windows, cancellationToken: Cancellation).NegativeLogLikelihoodSum;
        double alone = windows.Sum(window => WindowScorer.Measure(source, [window], cancellationToken: Cancellation).NegativeLogLikelihoodSum);
        Assert.Equal(alone, together, 1e-5 * alone);
    }
}
