using Decant.Evaluation.Statistics;

namespace Decant.Evaluation.Tests.Statistics;

public sealed class MeanAccumulatorTests
{
    [Fact]
    public void Follows_the_formula_of_the_specification()
    {
        double[] values = [1, 4, 9, 16, 25, 2, 3];
        var accumulator = new MeanAccumulator();
        foreach (double value in values)
            accumulator.Add(value);
        double mean = values.Average();
        double error = Math.Sqrt((values.Average(v => v * v) - mean * mean) / (values.Length - 1));
        Assert.Equal(mean, accumulator.Mean, 1e-14);
        Assert.Equal(error, accumulator.StandardError, 1e-14);
        Assert.Equal((7L, 60.0), (accumulator.Count, accumulator.Sum));
    }

    [Fact]
    public void Shares_have_the_binomial_error()
    {
        var accumulator = new MeanAccumulator();
        for (int i = 0; i < 100; i++)
            accumulator.Add(i < 80 ? 1 : 0);
        Assert.Equal(Math.Sqrt(0.8 * 0.2 / 99), accumulator.StandardError, 1e-14);
    }

    [Fact]
    public void Large_offsets_do_not_cancel()
    {
        var accumulator = new MeanAccumulator();
        for (int i = 0; i < 1000; i++)
            accumulator.Add(1e9 + (i & 1));
        Assert.Equal(Math.Sqrt(0.25 / 999), accumulator.StandardError, 1e-9);
    }

    [Fact]
    public void One_value_has_no_error_and_none_has_no_mean()
    {
        var accumulator = new MeanAccumulator();
        Assert.Equal((double.NaN, 0.0), (accumulator.Mean, accumulator.StandardError));
        accumulator.Add(5);
        Assert.Equal((5.0, 0.0), (accumulator.Mean, accumulator.StandardError));
    }

    [Fact]
    public void Percentiles_interpolate_between_neighbours()
    {
        double[] sorted = [0, 10, 20, 30, 40];
        Assert.Equal(0, Percentiles.At(sorted, 0));
        Assert.Equal(20, Percentiles.At(sorted, 0.5));
        Assert.Equal(39.6, Percentiles.At(sorted, 0.99), 1e-12);
        Assert.Equal(40, Percentiles.At(sorted, 1));
        Assert.Equal(15, Percentiles.At([10, 20], 0.5));
        Assert.Equal(7, Percentiles.At([7], 0.99));
        Assert.Throws<ArgumentException>(() => Percentiles.At([], 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => Percentiles.At(sorted, 1.01));
    }
}
