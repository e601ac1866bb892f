using System.Text.Json;

namespace Decant.Cli.Tests.Verbs;

public sealed class RunVerbTests
{
    [Fact]
    public void The_likeliest_continuation_is_the_documented_one_from_both_containers()
    {
        foreach (string model in new[] { SharedModels.Stories, SharedModels.StoriesFolder })
        {
            CommandRun run = CommandRun.Succeed("run", model, "Once upon a time", "-n", "200");
            Assert.StartsWith(SharedModels.StoryStart, run.Output, StringComparison.Ordinal);
            Assert.EndsWith("\n", run.Output, StringComparison.Ordinal);
            Assert.Empty(run.Error);
        }
    }

    [Fact]
    public void Text_comes_out_while_it_is_written()
    {
        int pieces = 0;
        CommandRun.Of(["run", SharedModels.Stories, "Once upon a time", "-n", "20"], "", TestContext.Current.CancellationToken, _ => pieces++);
        Assert.True(pieces >= 15, $"{pieces} pieces");
    }

    [Fact]
    public void The_document_has_ids_text_and_reason()
    {
        JsonElement document = CommandRun.Succeed("run", SharedModels.Stories, "Once upon a time", "-n", "7", "--json").Json;
        Assert.Equal([1, 403, 407, 261, 378], document.GetProperty("prompt_ids").EnumerateArray().Select(e => e.GetInt32()));
        Assert.Equal([432, 383, 286, 261, 376, 298, 315], document.GetProperty("ids").EnumerateArray().Select(e => e.GetInt32()));
        Assert.StartsWith(document.GetProperty("text").GetString()!, SharedModels.StoryStart, StringComparison.Ordinal);
        Assert.Equal("length", document.GetProperty("stop_reason").GetString());
    }

    [Fact]
    public void A_stop_string_ends_the_text_before_it()
    {
        JsonElement document = CommandRun.Succeed("run", SharedModels.Stories, "Once upon a time", "-n", "200", "--stop", "park", "--json").Json;
        Assert.Equal(", there was a little girl named Lily. She loved to play outside in the ", document.GetProperty("text").GetString());
        Assert.Equal("stop_string", document.GetProperty("stop_reason").GetString());
    }

    [Fact]
    public void Drawn_text_depends_on_the_seed_and_nothing_else()
    {
        string[] Args(string seed) => ["run", SharedModels.Stories, "Once upon a time", "-n", "40", "--temperature", "1", "--top-k", "0", "--seed", seed];
        string first = CommandRun.Succeed(Args("3")).Output;
        Assert.Equal(first, CommandRun.Succeed(Args("3")).Output);
        Assert.NotEqual(first, CommandRun.Succeed(Args("4")).Output);
    }

    [Fact]
    public void A_prompt_can_come_from_standard_input() =>
        Assert.StartsWith(SharedModels.StoryStart[..20], CommandRun.WithInput("Once upon a time", "run", SharedModels.Stories, "-", "-n", "12").Output, StringComparison.Ordinal);

    [Fact]
    public void A_full_context_is_said_and_is_no_failure()
    {
        CommandRun run = CommandRun.Succeed("run", SharedModels.Stories, "Once upon a time", "-n", "50", "--context", "12", "--json");
        Assert.Equal("context_full", run.Json.GetProperty("stop_reason").GetString());
        Assert.Contains("12", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--temperature -1", "--temperature")]
    [InlineData("--top-p 1.5", "--top-p")]
    [InlineData("--min-p nonsense", "nonsense")]
    [InlineData("-n 0", "at least 1")]
    [InlineData("--context 513", "512")]
    [InlineData("--context 3", "5 tokens")]
    public void Wrong_options_are_usage_errors(string options, string expected)
    {
        CommandRun run = CommandRun.Of(["run", SharedModels.Stories, "Once upon a time", .. options.Split(' ')]);
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_tokenizer_cannot_run_text()
    {
        CommandRun run = CommandRun.Of("run", SharedModels.WithoutTokenizer, "Hello");
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("no tokenizer", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_ends_with_130()
    {
        using var source = new CancellationTokenSource();
        CommandRun run = CommandRun.Of(["run", SharedModels.Stories, "Once upon a time", "-n", "400"], "", source.Token, _ => source.Cancel());
        Assert.Equal(130, run.ExitCode);
        Assert.Contains("cancelled", run.Error, StringComparison.Ordinal);
    }
}
