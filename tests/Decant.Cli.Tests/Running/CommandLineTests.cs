using System.Text.Json;
using Decant.Cli.Running;
using Decant.Cli.Verbs;

namespace Decant.Cli.Tests.Running;

public sealed class CommandLineTests
{
    public static TheoryData<string> VerbNames => [.. VerbList.All.Select(verb => verb.Name)];

    [Theory]
    [MemberData(nameof(VerbNames))]
    public void Every_verb_has_help_with_examples_and_the_common_options(string name)
    {
        CommandRun run = CommandRun.Succeed(name, "--help");
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
        foreach (string option in new[] { "--json", "--quiet", "--threads" })
            Assert.Contains(option, run.Output, StringComparison.Ordinal);
        Verb verb = VerbList.All.Single(v => v.Name == name).Create();
        Assert.Equal(name, verb.Name);
        Assert.NotEmpty(verb.Examples);
        Assert.All(verb.Examples, example =>
        {
            Assert.StartsWith($"decant {name}", example.Command, StringComparison.Ordinal);
            Assert.Contains(example.Command, run.Output, StringComparison.Ordinal);
            Assert.Contains(example.Meaning, run.Output, StringComparison.Ordinal);
        });
        Assert.Empty(run.Error);
    }

    [Theory]
    [MemberData(nameof(VerbNames))]
    public void The_options_of_every_example_exist(string name)
    {
        foreach ((string command, _) in VerbList.All.Single(v => v.Name == name).Create().Examples)
        {
            string[] args = [.. System.CommandLine.Parsing.CommandLineParser.SplitCommandLine(command).Skip(1)];
            var line = new DecantCommandLine(new Terminal { Input = TextReader.Null, Output = TextWriter.Null, Error = TextWriter.Null }, args, CancellationToken.None);
            Assert.Empty(line.Parse(args).Errors);
        }
    }

    [Fact]
    public void The_overview_names_every_verb_once()
    {
        CommandRun run = CommandRun.Succeed("--help");
        string[] names = [.. VerbList.All.Select(verb => verb.Name)];
        Assert.Equal(names.Distinct(), names);
        Assert.All(names, name => Assert.Contains($"\n  {name} ", run.Output, StringComparison.Ordinal));
    }

    [Fact]
    public void Version_is_the_product_version()
    {
        Assert.Equal($"decant {ProductVersion.Text}", CommandRun.Succeed("--version").Output.Trim());
        Assert.Matches(@"^\d+\.\d+\.\d+", ProductVersion.Text);
    }

    [Fact]
    public void No_verb_is_a_usage_error_with_the_overview_on_the_error_stream()
    {
        CommandRun run = CommandRun.Of();
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains("Commands:", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lsit formats", "'list'")]
    [InlineData("list", "decant list --help")]
    [InlineData("list formats --thread 2", "--thread")]
    [InlineData("list formats --threads 0", "between 1 and 64")]
    [InlineData("list formats --threads many", "many")]
    [InlineData("list formatz", "'formats'")]
    public void Wrong_command_lines_are_usage_errors_that_say_what_to_do(string line, string expected)
    {
        CommandRun run = CommandRun.Of(line.Split(' '));
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.StartsWith("decant: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void With_json_an_error_is_one_document_too()
    {
        CommandRun run = CommandRun.Of("list", "formatz", "--json");
        JsonElement error = run.Json.GetProperty("error");
        Assert.Equal(2, error.GetProperty("exit_code").GetInt32());
        Assert.Equal("usage", error.GetProperty("kind").GetString());
        Assert.Contains(error.GetProperty("message").GetString()!, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_that_begin_with_an_at_sign_are_not_files()
    {
        CommandRun run = CommandRun.Of("list", "@formats");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("'@formats'", run.Error, StringComparison.Ordinal);
    }
}
