namespace Decant.Engine.Tests.Supported;

public class SupportedComparisonTests
{
    private const string Head = "# Families\n\n| family | checkpoint |\n|---|---|\n";
    private const string Row = "| mistral | mistral | 5.6e-06 | 3.5e-06 | 1.0e-04 | `llama` | 3.0e-06 in the first 9 positions, 4.9 in all: llama.cpp ignores the window | equal to 1.2e-07 |\n";

    [Theory]
    [InlineData("5.6e-06", "9.9e-06")]
    [InlineData("5.6e-06", "6.0e-07")]
    [InlineData("3.0e-06 in", "8.1e-06 in")]
    [InlineData("4.9 in all", "12.3 in all")]
    [InlineData("4.9 in all", "4.9 in all")]
    [InlineData("to 1.2e-07", "to 2.4e-07")]
    public void Errors_of_the_same_size_are_the_same(string written, string measured) =>
        Assert.Empty(SupportedComparison.Differences(Head + Row, Head + Changed(written, measured)));

    [Theory]
    [InlineData("5.6e-06", "5.7e-05")]
    [InlineData("5.6e-06", "5.5e-07")]
    [InlineData("3.0e-06 in", "3.0e-04 in")]
    [InlineData("4.9 in all", "50.0 in all")]
    [InlineData("4.9 in all", "3.1e-06 in all")]
    [InlineData("3.5e-06 |", "3.6e-06 |")]
    [InlineData("1.0e-04 |", "1.1e-04 |")]
    [InlineData("first 9", "first 8")]
    [InlineData("`llama`", "`mistral`")]
    [InlineData("the window", "nothing")]
    [InlineData(" | equal to 1.2e-07", "")]
    [InlineData("equal to 1.2e-07", "equal")]
    public void Anything_else_is_a_difference(string written, string measured) =>
        Assert.Single(SupportedComparison.Differences(Head + Row, Head + Changed(written, measured)));

    [Fact]
    public void Other_lines_are_compared_to_the_letter()
    {
        Assert.Empty(SupportedComparison.Differences(Head + Row, Head + Row));
        Assert.Single(SupportedComparison.Differences(Head + Row, "# Families 1.0\n" + Head["# Families\n".Length..] + Row));
        Assert.Single(SupportedComparison.Differences(Head + Row, Head + Row + Row));
    }

    private static string Changed(string written, string measured)
    {
        Assert.Contains(written, Row, StringComparison.Ordinal);
        return Row.Replace(written, measured, StringComparison.Ordinal);
    }
}
