using System.Text.Json;
using Decant.Compression.Methods.Mixtures;
using Decant.Core.Formats;
using Decant.Engine.Kernels;

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

    [Fact]
    public void All_kernels_are_those_of_the_ordered_list_and_a_mark_says_which_this_processor_can_run()
    {
        JsonElement[] kernels = Kernels("--all");
        Assert.Equal(KernelCatalog.Products.Select(kernel => kernel.Name), kernels.Select(Name));
        Assert.Equal(KernelCatalog.All.Select(level => level.Level), kernels.Select(kernel => kernel.GetProperty("level").GetString()).Distinct());
        Assert.All(kernels, kernel => Assert.Equal(
            KernelCatalog.SupportedLevels.Contains(kernel.GetProperty("level").GetString()!), kernel.GetProperty("supported").GetBoolean()));
        Assert.All(kernels, kernel => Assert.NotEmpty(Texts(kernel, "tokens").Intersect(["few", "many"])));
        Assert.All(kernels, kernel => Assert.StartsWith(kernel.GetProperty("level").GetString() + "-" + kernel.GetProperty("format").GetString()!.ToLowerInvariant(), Name(kernel), StringComparison.Ordinal));
        Assert.All(kernels, kernel => Assert.Equal(Texts(kernel, "reads").Contains("side by side"), kernel.GetProperty("rows_side_by_side").ValueKind == JsonValueKind.Number));
        Assert.All(kernels, kernel => Assert.Equal(kernel.GetProperty("arithmetic").GetString() == "fast", Name(kernel).EndsWith("-int8", StringComparison.Ordinal)));
    }

    [Fact]
    public void Without_all_every_format_has_exactly_one_kernel_for_each_arithmetic_and_number_of_tokens()
    {
        JsonElement[] kernels = Kernels();
        Assert.Equal([KernelCatalog.SupportedLevels[0]], kernels.Select(kernel => kernel.GetProperty("level").GetString()).Distinct());
        string[] uses = ["fast few", "fast many", "float few", "float many"];
        string[] expected = [.. TensorFormats.All.SelectMany(format => uses.Select(use => $"{format.Name} {use}")).Order(StringComparer.Ordinal)];
        Assert.Equal(expected, kernels.SelectMany(kernel => Texts(kernel, "chosen_for").Select(use => $"{kernel.GetProperty("format").GetString()} {use}")).Order(StringComparer.Ordinal));
        Assert.All(kernels, kernel => Assert.All(Texts(kernel, "chosen_for"), use => Assert.Contains(use.Split(' ')[1], Texts(kernel, "tokens"))));
    }

    private static JsonElement[] Kernels(params string[] options) =>
    [
        .. CommandRun.Succeed(["list", "kernels", .. options, "--json"]).Json.GetProperty("items").EnumerateArray()
            .Where(item => item.GetProperty("kind").GetString() == "kernel"),
    ];

    private static string Name(JsonElement item) => item.GetProperty("name").GetString()!;

    private static string[] Texts(JsonElement item, string property) => [.. item.GetProperty(property).EnumerateArray().Select(text => text.GetString()!)];
}
