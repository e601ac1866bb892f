using Decant.Core.Errors;

namespace Decant.Core.Tests.Errors;

public sealed class NearestNameTests
{
    private static readonly string[] known = ["Q4_0", "Q4_1", "Q4_K_M", "Q8_0", "compress", "convert"];

    [Theory]
    [InlineData("q4_k_n", "Q4_K_M")]
    [InlineData("q4-0", "Q4_0")]
    [InlineData("Q80", "Q8_0")]
    [InlineData("comrpess", "compress")]
    [InlineData("conver", "convert")]
    [InlineData("zebra", null)]
    [InlineData("", null)]
    public void The_nearest_known_name_is_found_if_it_is_near(string typed, string? expected)
    {
        Assert.Equal(expected, NearestName.Find(typed, known));
        Assert.Equal(expected is null ? "" : $" Did you mean '{expected}'?", NearestName.Hint(typed, known));
    }

    [Fact]
    public void There_is_always_a_nearest_one() => Assert.Equal("Q8_0", NearestName.Of("8", ["compress", "Q8_0"]));

    [Theory]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "", 3)]
    [InlineData("same", "same", 0)]
    [InlineData("swap", "sawp", 1)]
    public void Distance_counts_changes_and_swaps(string left, string right, int distance) => Assert.Equal(distance, NearestName.Distance(left, right));
}
