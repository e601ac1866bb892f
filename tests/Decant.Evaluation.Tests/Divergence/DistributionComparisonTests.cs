using Decant.Evaluation.Divergence;

namespace Decant.Evaluation.Tests.Divergence;

public sealed class DistributionComparisonTests
{
    [Fact]
    public void Hand_made_distributions_give_the_textbook_value()
    {
        double[] p = [0.5, 0.25, 0.125, 0.125];
        double[] q = [0.25, 0.25, 0.25, 0.25];
        // KL = ½ ln 2 + 0 + ⅛ ln ½ + ⅛ ln ½ = ¼ ln 2.
        DistributionComparison comparison = DistributionComparison.Of(Logits(p), Logits(q));
        Assert.Equal(0.25 * Math.Log(2), comparison.Divergence, 1e-7);
        Assert.True(comparison.SameTop);
        // The other way round: ¼ ln ½ + 0 + ½ ln 2 = ¼ ln 2.
        Assert.Equal(0.25 * Math.Log(2), DistributionComparison.Of(Logits(q), Logits(p)).Divergence, 1e-7);
    }

    [Fact]
    public void Agrees_with_the_definition_at_every_length()
    {
        var random = new Random(11);
        for (int count = 1; count <= 67; count++)
        {
            float[] x = [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 30 - 15))];
            float[] y = [.. x.Select(v => v + (float)(random.NextDouble() - 0.5))];
            Assert.Equal(Definition(x, y), DistributionComparison.Of(x, y).Divergence, 1e-13);
        }
    }

    [Fact]
    public void Equal_rows_diverge_by_exactly_zero()
    {
        float[] x = [.. Enumerable.Range(0, 1001).Select(i => MathF.Sin(i) * 12)];
        Assert.Equal(0, DistributionComparison.Of(x, x).Divergence);
    }

    [Fact]
    public void A_constant_on_all_logits_is_no_divergence_and_never_a_negative_one()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 200; trial++)
        {
            float[] x = [.. Enumerable.Range(0, 64).Select(_ => random.Next(-64, 64) / 8f)];
            float[] y = [.. x.Select(v => v + 5)];
            double divergence = DistributionComparison.Of(x, y).Divergence;
            Assert.InRange(divergence, 0, 1e-13);
        }
    }

    [Fact]
    public void Improbable_tokens_count_too()
    {
        // The reference gives token 1 e^-20, far below llama.cpp's cut-off at -16; the candidate gives it e^-300.
        double divergence = DistributionComparison.Of([0, -20], [0, -300]).Divergence;
        double p = Math.Exp(-20) / (1 + Math.Exp(-20));
        Assert.Equal(p * 280 - Math.Log(1 + Math.Exp(-20)), divergence, 1e-15);
    }

    [Fact]
    public void Tops_are_compared_by_id()
    {
        Assert.False(DistributionComparison.Of([1, 2, 0], [2, 1, 0]).SameTop);
        Assert.True(DistributionComparison.Of([1, 1, 0], [3, 2, 9e-1f]).SameTop);
        Assert.Throws<ArgumentException>(() => DistributionComparison.Of([1, 2], [1, 2, 3]));
    }

    private static float[] Logits(double[] probabilities) => [.. probabilities.Select(p => (float)Math.Log(p))];

    private static double Definition(float[] x, float[] y)
    {
        double lx = Math.Log(x.Sum(v => Math.Exp(v)));
        double ly = Math.Log(y.Sum(v => Math.Exp(v)));
        return x.Zip(y).Sum(pair => Math.Exp(pair.First - lx) * (pair.First - lx - (pair.Second - ly)));
    }
}
