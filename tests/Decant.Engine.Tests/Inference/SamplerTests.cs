using Decant.Core.Errors;
using Decant.Engine.Inference;

namespace Decant.Engine.Tests.Inference;

public class SamplerTests
{
    private static readonly SamplerOptions everything = new() { TopK = 0, TopP = 1, MinP = 0, Temperature = 1 };

    // Logits of probabilities 0.4, 0.3, 0.2, 0.1 at ids 2, 0, 3, 1.
    private static readonly float[] logits = [MathF.Log(0.3f), MathF.Log(0.1f), MathF.Log(0.4f), MathF.Log(0.2f)];

    private static double[] Frequencies(SamplerOptions options, float[] values, int count = 20_000, int[]? history = null)
    {
        var sampler = new Sampler(options);
        var counts = new double[values.Length];
        for (int i = 0; i < count; i++)
            counts[sampler.Sample(values, history ?? [])] += 1.0 / count;
        return counts;
    }

    private static void AssertDistribution(double[] expected, double[] actual)
    {
        // Five standard deviations of a frequency among 20,000 draws.
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= (expected[i] is 0 or 1 ? 0 : 5 * Math.Sqrt(expected[i] * (1 - expected[i]) / 20_000)), $"id {i}: {actual[i]}, expected {expected[i]}");
    }

    [Fact]
    public void Draws_follow_the_softmax() => AssertDistribution([0.3, 0.1, 0.4, 0.2], Frequencies(everything, logits));

    [Fact]
    public void Temperature_sharpens_or_flattens()
    {
        double[] squares = [0.09, 0.01, 0.16, 0.04];
        AssertDistribution([.. squares.Select(s => s / squares.Sum())], Frequencies(everything with { Temperature = 0.5f }, logits));
        double[] roots = [Math.Sqrt(0.3), Math.Sqrt(0.1), Math.Sqrt(0.4), Math.Sqrt(0.2)];
        AssertDistribution([.. roots.Select(s => s / roots.Sum())], Frequencies(everything with { Temperature = 2 }, logits));
    }

    [Fact]
    public void Top_k_keeps_the_likeliest() => AssertDistribution([3 / 7.0, 0, 4 / 7.0, 0], Frequencies(everything with { TopK = 2 }, logits));

    [Theory]
    [InlineData(0.39f, 1)]
    [InlineData(0.41f, 2)]
    [InlineData(0.69f, 2)]
    [InlineData(0.71f, 3)]
    [InlineData(0.95f, 4)]
    public void Top_p_keeps_the_fewest_that_reach_it(float topP, int kept) =>
        Assert.Equal(kept, Frequencies(everything with { TopP = topP }, logits, 4000).Count(f => f > 0));

    [Theory]
    [InlineData(0.24f, 4)]
    [InlineData(0.26f, 3)]
    [InlineData(0.51f, 2)]
    [InlineData(0.76f, 1)]
    public void Min_p_is_relative_to_the_likeliest(float minP, int kept) =>
        Assert.Equal(kept, Frequencies(everything with { MinP = minP }, logits, 4000).Count(f => f > 0));

    [Fact]
    public void Greedy_takes_the_lowest_id_among_the_largest()
    {
        var sampler = new Sampler(SamplerOptions.Greedy);
        Assert.Equal(1, sampler.Sample([0, 5, 5, 1], []));
        Assert.Equal(2, sampler.Sample([float.NaN, float.NegativeInfinity, -3, float.NaN], []));
    }

    [Fact]
    public void Equal_logits_are_kept_in_order_of_id_by_both_selections()
    {
        var flat = new float[1000];
        foreach (int topK in new[] { 3, 300 })
        {
            double[] frequencies = Frequencies(everything with { TopK = topK }, flat, 20_000);
            Assert.True(frequencies[..topK].All(f => f > 0));
            Assert.True(frequencies[topK..].All(f => f == 0));
        }
    }

    [Fact]
    public void The_penalty_lowers_recent_tokens_once_and_forgets_older_ones()
    {
        SamplerOptions options = SamplerOptions.Greedy with { RepetitionPenalty = 2, RepetitionWindow = 2 };
        Assert.Equal(1, new Sampler(options).Sample([4, 3, -1], [0]));
        // Halved once, not twice: 2 stays ahead of 1.9.
        Assert.Equal(0, new Sampler(options).Sample([4, 1.9f, -1], [0, 0]));
        Assert.Equal(0, new Sampler(options).Sample([4, 3, -1], [0, 5, 6]));
        // A negative logit is multiplied.
        Assert.Equal(2, new Sampler(options).Sample([-1, -3, -1.5f], [0]));
        float[] untouched = [4, 3, -1];
        new Sampler(options).Sample(untouched, [0]);
        Assert.Equal([4, 3, -1], untouched);
    }

    [Fact]
    public void The_same_seed_gives_the_same_tokens()
    {
        int[] Draw(ulong seed)
        {
            var sampler = new Sampler(everything with { Seed = seed });
            return [.. Enumerable.Range(0, 100).Select(_ => sampler.Sample(logits, []))];
        }
        Assert.Equal(Draw(7), Draw(7));
        Assert.NotEqual(Draw(7), Draw(8));
        // Computed apart from this program: SplitMix64 of the seed, candidates likeliest first.
        Assert.Equal([0, 3, 1, 0, 0, 3, 3, 0, 2, 3], Draw(1)[..10]);
    }

    [Fact]
    public void Infinite_logits_are_certain_or_impossible()
    {
        Assert.Equal(1, new Sampler(everything).Sample([float.NegativeInfinity, 0, float.NegativeInfinity], []));
        Assert.Equal(2, new Sampler(everything).Sample([0, 5, float.PositiveInfinity], []));
        Assert.Equal(1, new Sampler(everything).Sample([float.NaN, 0, float.NaN], []));
    }

    [Fact]
    public void Logits_without_numbers_are_an_error()
    {
        Assert.Throws<NumericalException>(() => new Sampler(SamplerOptions.Greedy).Sample([float.NaN, float.NaN], []));
        Assert.Throws<NumericalException>(() => new Sampler(everything).Sample([float.NaN], []));
        Assert.Throws<ArgumentException>(() => new Sampler(everything).Sample([], []));
    }

    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        foreach ((SamplerOptions options, string name) in new[]
        {
            (everything with { Temperature = -1 }, "temperature"), (everything with { Temperature = float.NaN }, "temperature"),
            (everything with { TopK = -1 }, "top-k"), (everything with { TopP = 0 }, "top-p"), (everything with { TopP = 1.1f }, "top-p"),
            (everything with { MinP = -0.1f }, "min-p"), (everything with { RepetitionPenalty = 0 }, "repetition penalty"),
            (everything with { RepetitionWindow = -1 }, "repetition window"),
        })
            Assert.Contains(name, Assert.Throws<UsageException>(() => new Sampler(options)).Message, StringComparison.Ordinal);
    }
}
