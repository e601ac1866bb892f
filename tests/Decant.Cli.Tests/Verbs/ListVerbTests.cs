using System.Text.Json;
using Decant.Compression.Methods.Mixtures;
using Decant.Core.Formats;

namespace Decant.Cli.Tests.Verbs;

public sealed class ListVerbTests
{
    [Theory]
    [InlineData("methods")]
    [InlineData("formats")]
    [InlineData("architectures")]
    [InlineData("tasks")]
    [InlineData("kernels")]
    [InlineData("devices")]
    public void Every_kind_lists_its_members_or_says_there_are_none(string kind)
    {
        JsonElement document = CommandRun.Succeed("list", kind, "--json").Json;
        Assert.Equal(kind, document.GetProperty("kind").GetString());
        string text = CommandRun.Succeed("list", kind).Output;
        JsonElement[] items = [.. document.GetProperty("items").EnumerateArray()];
        if (items.Length == 0)
            Assert.Contains($"no {kind}", text, StringComparison.Ordinal);
        Assert.All(items, item => Assert.Contains(item.GetProperty("name").GetString()!, text, StringComparison.Ordinal));
    }

    [Fact]
    public void Formats_are_those_of_the_registry()
    {
        JsonElement[] items = [.. CommandRun.Succeed("list", "formats", "--json").Json.GetProperty("items").EnumerateArray()];
        JsonElement[] storage = [.. items.Where(i => i.GetProperty("kind").GetString() == "storage")];
        Assert.Equal(TensorFormats.All.Select(f => f.Name), storage.Select(i => i.GetProperty("name").GetString()));
        Assert.Equal(TensorFormats.All.Select(f => f.BitsPerWeight), storage.Select(i => i.GetProperty("bits_per_weight").GetDouble()));
        Assert.Equal(FileTypes.All.Select(t => t.Name), items.Where(i => i.GetProperty("kind").GetString() == "type").Select(i => i.GetProperty("name").GetString()));
    }
}
