using Decant.Core.Errors;
using Decant.Evaluation.Perplexity;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Tests.Perplexity;

public sealed class PerplexityProtocolTests
{
    private static readonly int[] ids = [.. Enumerable.Range(0, 20000)];

    [Theory]
    [InlineData("sliding", 78, 19999)]
    [InlineData("chunks", 39, 19929)]
    [InlineData("llama.cpp", 39, 9945)]
    public void Windows_and_scored_tokens_of_the_reference_are_counted_exactly(string name, int windowCount, int targetCount)
    {
        IReadOnlyList<TokenWindow> windows = Windows(name, new WindowOptions { Context = 512 });
        Assert.Equal((windowCount, targetCount), (windows.Count, windows.Sum(window => window.TargetCount)));
    }

    [Fact]
    public void Every_protocol_is_named_described_and_found_in_any_case()
    {
        Assert.Equal(["chunks", "llama.cpp", "sliding"], PerplexityProtocols.All.Select(p => p.Name));
        foreach (PerplexityProtocol protocol in PerplexityProtocols.All)
        {
            Assert.Same(protocol, PerplexityProtocols.Find(protocol.Name.ToUpperInvariant()));
            Assert.NotEmpty(protocol.Description);
        }
        Assert.Null(PerplexityProtocols.Find("word"));
    }

    [Fact]
    public void Chunks_score_all_but_the_first_of_each_window_and_drop_the_tail()
    {
        IReadOnlyList<TokenWindow> windows = Windows("chunks", new WindowOptions { Context = 6 }, 20);
        Assert.Equal([0, 6, 12], windows.Select(w => w.Ids.Span[0]));
        Assert.All(windows, w => Assert.Equal((6, 1), (w.Ids.Length, w.FirstTarget)));
    }

    [Fact]
    public void Llama_cpp_scores_the_second_half_and_puts_the_begin_token_first()
    {
        IReadOnlyList<TokenWindow> windows = Windows("llama.cpp", new WindowOptions { Context = 8, BeginToken = 77 }, 20);
        Assert.Equal(2, windows.Count);
        Assert.Equal([77, 9, 10, 11, 12, 13, 14, 15], windows[1].Ids.ToArray());
        Assert.All(windows, w => Assert.Equal(5, w.FirstTarget));
        Assert.Equal(8, Windows("llama.cpp", new WindowOptions { Context = 8 }, 20)[1].Ids.Span[0]);
        // n_ctx − n_ctx/2 − 1 targets also where n_ctx is odd.
        Assert.Equal(4, Windows("llama.cpp", new WindowOptions { Context = 9 }, 20)[0].TargetCount);
    }

    [Fact]
    public void Sliding_scores_every_token_but_the_first_exactly_once()
    {
        for (int length = 2; length < 40; length++)
        {
            for (int stride = 1; stride < 8; stride++)
            {
                IReadOnlyList<TokenWindow> windows = Windows("sliding", new WindowOptions { Context = 8, Stride = stride }, length);
                Assert.Equal(Enumerable.Range(1, length - 1), windows.SelectMany(w => w.Ids.ToArray()[w.FirstTarget..]));
                Assert.All(windows, w => Assert.InRange(w.Ids.Length, 2, 8));
                Assert.Equal(Enumerable.Range(0, windows.Count).Select(i => i * stride), windows.Select(w => w.Ids.Span[0]));
            }
        }
    }

    [Fact]
    public void Sliding_by_a_whole_context_is_chunks_plus_the_tail()
    {
        IReadOnlyList<TokenWindow> windows = Windows("sliding", new WindowOptions { Context = 6, Stride = 6 }, 20);
        Assert.Equal([0, 6, 12, 18], windows.Select(w => w.Ids.Span[0]));
        Assert.Equal(5 + 5 + 5 + 1, windows.Sum(w => w.TargetCount));
        // A tail of one token has nothing before it.
        Assert.Equal(3, Windows("sliding", new WindowOptions { Context = 6, Stride = 6 }, 19).Count);
    }

    [Fact]
    public void A_window_limit_keeps_the_first_windows()
    {
        foreach (PerplexityProtocol protocol in PerplexityProtocols.All)
        {
            var options = new WindowOptions { Context = 16 };
            IReadOnlyList<TokenWindow> all = protocol.Windows(ids.AsMemory(0, 200), options);
            IReadOnlyList<TokenWindow> some = protocol.Windows(ids.AsMemory(0, 200), options with { WindowLimit = 3 });
            Assert.Equal(all.Take(3).Select(w => w.Ids.ToArray()), some.Select(w => w.Ids.ToArray()));
        }
    }

    [Theory]
    [InlineData("chunks", 512, null, null, 511, "511 tokens")]
    [InlineData("llama.cpp", 512, null, null, 1023, "at least 1024")]
    [InlineData("sliding", 512, null, null, 1, "at least 2")]
    [InlineData("chunks", 512, 256, null, 2000, "no stride")]
    [InlineData("llama.cpp", 512, 256, null, 2000, "no stride")]
    [InlineData("sliding", 512, 0, null, 2000, "stride of 0")]
    [InlineData("sliding", 512, 513, null, 2000, "stride of 513")]
    [InlineData("chunks", 1, null, null, 2000, "too short")]
    [InlineData("llama.cpp", 2, null, null, 2000, "too short")]
    [InlineData("chunks", 512, null, 0, 2000, "At least one window")]
    public void Options_that_make_no_sense_are_usage_errors(string name, int context, int? stride, int? limit, int length, string expected)
    {
        var options = new WindowOptions { Context = context, Stride = stride, WindowLimit = limit };
        UsageException error = Assert.Throws<UsageException>(() => Windows(name, options, length));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<TokenWindow> Windows(string name, WindowOptions options, int? length = null) =>
        PerplexityProtocols.Find(name)!.Windows(ids.AsMemory(0, length ?? ids.Length), options);
}
