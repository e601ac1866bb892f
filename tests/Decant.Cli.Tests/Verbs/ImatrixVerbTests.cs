using Decant.Testing;
using System.Text.Json;

namespace Decant.Cli.Tests.Verbs;

public sealed class ImatrixVerbTests
{
    [Fact]
    public void A_matrix_is_written_for_the_windows_asked_for()
    {
        using var folder = new TemporaryFolder();
        JsonElement document = CommandRun.Succeed(
            "imatrix", SharedModels.Stories, "--text", SharedModels.StoryText, "-o", folder["i.gguf"], "--context", "128", "--chunks", "3", "--json").Json;
        Assert.Equal((3, 128), (document.GetProperty("chunks").GetInt32(), document.GetProperty("chunk_tokens").GetInt32()));
        // Seven matrices in each of five blocks; the head is the embedding and stays out, as in llama.cpp.
        Assert.Equal(35, document.GetProperty("entries").GetInt32());
        Assert.Equal(new FileInfo(folder["i.gguf"]).Length, document.GetProperty("bytes_out").GetInt64());
        byte[] first = ReadAll(folder["i.gguf"]);
        CommandRun.Succeed("imatrix", SharedModels.Stories, "--text", SharedModels.StoryText, "-o", folder["i.gguf"], "--context", "128", "--chunks", "3", "--force");
        Assert.Equal(first, ReadAll(folder["i.gguf"]));
    }

    [Fact]
    public void The_default_is_a_built_in_text_and_the_models_own_context()
    {
        using var folder = new TemporaryFolder();
        JsonElement document = CommandRun.Succeed("imatrix", SharedModels.Stories, "-o", folder["i.gguf"], "--chunks", "1", "--json").Json;
        Assert.Equal(512, document.GetProperty("chunk_tokens").GetInt32());
        Assert.Contains("Wind in the Willows", document.GetProperty("texts")[0].GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-o i.dat", 2, ".gguf")]
    [InlineData("-o there.gguf", 2, "--force")]
    [InlineData("-o i.gguf --context 1024", 2, "512")]
    [InlineData("-o i.gguf --text no-such.txt", 3, "no-such.txt")]
    public void What_cannot_be_done_is_refused(string options, int code, string expected)
    {
        using var folder = new TemporaryFolder();
        folder.Write("there.gguf", "mine");
        CommandRun run = CommandRun.Of(["imatrix", SharedModels.Stories, .. options.Split(' ').Select(o => o.StartsWith("i.", StringComparison.Ordinal) || o.StartsWith("there", StringComparison.Ordinal) ? folder[o] : o)]);
        Assert.Equal(code, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(["there.gguf"], folder.Names);
    }

    private static byte[] ReadAll(string path)
    {
        using FileStream file = File.OpenRead(path);
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
