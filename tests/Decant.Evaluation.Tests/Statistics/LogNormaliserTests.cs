using Decant.Evaluation.Statistics;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Decant.Evaluation.Tests.Statistics;

public sealed class LogNormaliserTests
{
    // Double arithmetic in another order: a few units of the 16th digit for each of at most a few hundred terms.
    private const double DoubleRounding = 1e-13;

    [Fact]
    public void Uniform_logits_have_log_probability_minus_log_n()
    {
        foreach (int count in Enumerable.Range(1, 70))
        {
            float[] logits = [.. Enumerable.Repeat(3.25f, count)];
            LogNormaliser normaliser = LogNormaliser.Of(logits);
            Assert.Equal(0, normaliser.Top);
            Assert.Equal(-Math.Log(count), normaliser.LogProbability(3.25f), DoubleRounding);
        }
    }

    [Fact]
    public void Agrees_with_the_definition_at_every_length_and_place_of_the_maximum()
    {
        var random = new Random(7);
        for (int count = 1; count <= 67; count++)
        {
            float[] logits = [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 40 - 20))];
            int top = random.Next(count);
            logits[top] = 25;
            double sum = logits.Sum(x => Math.Exp(x - 25.0));
            LogNormaliser normaliser = LogNormaliser.Of(logits);
            Assert.Equal((top, 25f), (normaliser.Top, normaliser.Maximum));
            Assert.Equal(Math.Log(sum), normaliser.LogSum, DoubleRounding);
        }
    }

    [Fact]
    public void The_lowest_id_wins_a_tie()
    {
        float[] logits = new float[50];
        logits[31] = logits[17] = logits[49] = 2;
        Assert.Equal(17, LogNormaliser.Of(logits).Top);
    }

    [Property]
    public void Adding_a_constant_changes_no_probability(FsCheck.NonEmptyArray<int> values, sbyte shift)
    {
        // Multiples of 1/8 below 2^15 shift without rounding.
        float[] logits = [.. values.Get.Select(v => v % 1000 / 8f)];
        float[] shifted = [.. logits.Select(x => x + shift)];
        LogNormaliser one = LogNormaliser.Of(logits);
        LogNormaliser other = LogNormaliser.Of(shifted);
        for (int i = 0; i < logits.Length; i++)
            Assert.Equal(one.LogProbability(logits[i]), other.LogProbability(shifted[i]), 1e-10);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_bad_logit_anywhere_makes_the_row_not_finite(float bad)
    {
        for (int at = 0; at < 35; at++)
        {
            float[] logits = new float[35];
            logits[at] = bad;
            Assert.False(LogNormaliser.Of(logits).IsFinite, $"at {at}");
        }
    }

    [Fact]
    public void Minus_infinity_is_probability_zero()
    {
        LogNormaliser normaliser = LogNormaliser.Of([0, float.NegativeInfinity, 0]);
        Assert.True(normaliser.IsFinite);
        Assert.Equal(-Math.Log(2), normaliser.LogProbability(0), DoubleRounding);
        Assert.Equal(double.NegativeInfinity, normaliser.LogProbability(float.NegativeInfinity));
    }
}
