using System.Text.Json;
using Decant.Testing;

namespace Decant.Cli.Tests.Verbs;

public sealed class ConvertVerbTests
{
    [Fact]
    public void A_folder_goes_to_a_file_and_back_with_every_weight_as_it_was()
    {
        using var folder = new TemporaryFolder();
        JsonElement document = CommandRun.Succeed("convert", SharedModels.StoriesFolder, "-o", folder["m.gguf"], "--json").Json;
        Assert.Equal("gguf", document.GetProperty("container").GetString());
        Assert.InRange(document.GetProperty("verify").GetProperty("kl_divergence").GetProperty("max").GetDouble(), 0, 1e-6);
        CommandRun.Succeed("convert", folder["m.gguf"], "-o", folder["back"]);
        var before = new SafetensorsFixture(Path.Combine(SharedModels.StoriesFolder, "model.safetensors"));
        var after = new SafetensorsFixture(Path.Combine(folder["back"], "model.safetensors"));
        Assert.Equal(before.Names.Order(StringComparer.Ordinal), after.Names.Order(StringComparer.Ordinal));
        Assert.All(before.Names, name => Assert.True(before.Bytes(name).SequenceEqual(after.Bytes(name)), name));
        Assert.StartsWith(SharedModels.StoryStart, CommandRun.Succeed("run", folder["back"], "Once upon a time", "-n", "150").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_type_can_be_asked_for()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Succeed("convert", SharedModels.StoriesFolder, "-o", folder["m.gguf"], "--type", "F16", "--format", "GGUF");
        JsonElement types = CommandRun.Succeed("inspect", folder["m.gguf"], "--json").Json.GetProperty("types");
        Assert.Equal("F16", types[0].GetProperty("type").GetString());
    }

    [Fact]
    public void A_model_without_tokenizer_converts_with_a_notice()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Succeed("convert", SharedModels.WithoutTokenizer, "-o", folder["m.gguf"]);
        Assert.Contains("tokenizer", run.Error, StringComparison.Ordinal);
        CommandRun.Succeed("bench", folder["m.gguf"], "-p", "4", "-n", "2", "-r", "1");
        foreach (string[] args in new string[][] { ["run", folder["m.gguf"], "x"], ["chat", folder["m.gguf"]], ["eval", folder["m.gguf"], "--text", SharedModels.StoryText], ["tokenize", folder["m.gguf"], "--text", SharedModels.StoryText], ["imatrix", folder["m.gguf"], "--text", SharedModels.StoryText, "-o", folder["i.gguf"]] })
        {
            CommandRun refused = CommandRun.Of(args);
            Assert.True(refused.ExitCode == 3, $"{args[0]}: {refused.ExitCode} {refused.Error}");
            Assert.Contains("no tokenizer", refused.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("m.gguf", "--type q4_0", 2, "decant compress")]
    [InlineData("m.gguf", "--type f61", 2, "F16")]
    [InlineData("m.gguf", "--format hf", 2, "folder")]
    [InlineData("m", "--format gguf", 2, ".gguf")]
    [InlineData("m", "--format onnx", 2, "gguf or hf")]
    public void What_cannot_be_written_is_refused(string name, string options, int code, string expected)
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of(["convert", SharedModels.Stories, "-o", folder[name], .. options.Split(' ')]);
        Assert.Equal(code, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }
}
