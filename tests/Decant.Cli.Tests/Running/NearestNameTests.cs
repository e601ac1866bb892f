using Decant.Cli.Running;

namespace Decant.Cli.Tests.Running;

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
    public void The_nearest_known_name_is_found(string typed, string? expected) => Assert.Equal(expected, NearestName.Find(typed, known));
}
