namespace Decant.Engine.Tests;

/// <summary>Comparisons do not pass over what is missing or not a number.</summary>
public class ClosenessTests
{
    [Fact]
    public void The_largest_difference_is_found_at_any_place()
    {
        Assert.Equal(2, Closeness.LargestDifference([1, 2, 3], [-1, 2, 4]));
        Assert.Equal(3, Closeness.LargestDifference([1, 2, 3], [1, 2, 6]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void What_is_not_a_number_is_within_no_range(int place)
    {
        float[] expected = [1, 2, 3], actual = [1, 2, 3];
        actual[place] = float.NaN;
        double difference = Closeness.LargestDifference(expected, actual);
        Assert.True(double.IsNaN(difference));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Assert.InRange(difference, 0, double.MaxValue));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Closeness.Assert(expected, actual, double.MaxValue, "row"));
    }

    [Fact]
    public void A_short_row_fails()
    {
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Closeness.LargestDifference([1, 2], [1]));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Closeness.LargestDifference([1], [1, 2]));
    }
}
