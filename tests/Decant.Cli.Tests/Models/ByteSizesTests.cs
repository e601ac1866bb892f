using Decant.Cli.Models;
using Decant.Core.Errors;

namespace Decant.Cli.Tests.Models;

public sealed class ByteSizesTests
{
    [Theory]
    [InlineData("5GB", 5_000_000_000)]
    [InlineData("800 mb", 800_000_000)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("1.5KiB", 1536)]
    [InlineData("77", 77)]
    [InlineData("77B", 77)]
    public void Sizes_are_read_as_written(string text, long expected) => Assert.Equal(expected, ByteSizes.Parse("--x", text));

    [Theory]
    [InlineData("")]
    [InlineData("GB")]
    [InlineData("-5GB")]
    [InlineData("0")]
    [InlineData("1e3")]
    [InlineData("five")]
    [InlineData("99999999999999999999GB")]
    public void What_is_no_size_is_refused(string text) => Assert.Contains("--x", Assert.Throws<UsageException>(() => ByteSizes.Parse("--x", text)).Message, StringComparison.Ordinal);
}
