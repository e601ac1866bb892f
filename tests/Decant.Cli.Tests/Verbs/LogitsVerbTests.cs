using System.Text.Json;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Engine.Inference;
using Decant.Testing;

namespace Decant.Cli.Tests.Verbs;

public sealed class LogitsVerbTests
{
    [Fact]
    public void Every_sequence_gets_its_tensor_whatever_their_order_in_the_file()
    {
        using var folder = new TemporaryFolder();
        // More than ten, so that the container's order (0, 1, 10, 2) is not that of the lines.
        int[][] sequences = [.. Enumerable.Range(0, 12).Select(i => Enumerable.Range(0, i % 4 + 1).Select(j => (i * 31 + j * 7) % 512).ToArray())];
        string ids = folder.Write("ids.txt", string.Join("\n\n", sequences.Select(s => string.Join(" \t", s))) + "\n");
        string output = folder["logits.safetensors"];
        JsonElement document = CommandRun.Succeed("logits", SharedModels.Stories, "--ids", ids, "-o", output, "--json").Json;
        Assert.Equal(12, document.GetProperty("sequences").GetArrayLength());
        Assert.Equal(new FileInfo(output).Length, document.GetProperty("bytes_out").GetInt64());

        var file = new SafetensorsFixture(output);
        Assert.Equal(Enumerable.Range(0, 12).Select(i => $"logits.{i}").Order(StringComparer.Ordinal), file.Names.Order(StringComparer.Ordinal));
        using IModelSource source = ModelSources.Open(SharedModels.Stories);
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), cancellationToken: TestContext.Current.CancellationToken);
        using DecoderSession session = decoder.StartSession(8);
        for (int i = 0; i < sequences.Length; i++)
        {
            Assert.Equal([sequences[i].Length, 512], file.Shape($"logits.{i}"));
            session.Reset();
            float[] last = session.Append(sequences[i], TestContext.Current.CancellationToken).ToArray();
            Assert.Equal(last, file.Singles($"logits.{i}")[^512..].ToArray(), (a, b) => Math.Abs(a - b) < 1e-4f);
        }
    }

    [Fact]
    public void A_model_without_tokenizer_will_do()
    {
        using var folder = new TemporaryFolder();
        string ids = folder.Write("ids.txt", "1 2 3");
        CommandRun.Succeed("logits", SharedModels.WithoutTokenizer, "--ids", ids, "-o", folder["l.safetensors"]);
        Assert.Equal(3, new SafetensorsFixture(folder["l.safetensors"]).Shape("logits.0")[0]);
    }

    [Fact]
    public void An_output_is_never_replaced_without_force()
    {
        using var folder = new TemporaryFolder();
        string ids = folder.Write("ids.txt", "1 2 3");
        string output = folder.Write("l.safetensors", "mine");
        CommandRun refused = CommandRun.Of("logits", SharedModels.Stories, "--ids", ids, "-o", output);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--force", refused.Error, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(output));
        CommandRun.Succeed("logits", SharedModels.Stories, "--ids", ids, "-o", output, "--force");
        Assert.Equal([3, 512], new SafetensorsFixture(output).Shape("logits.0"));
    }

    [Theory]
    [InlineData("", "no token ids")]
    [InlineData("1 2\n3 x", "line 2, word 2")]
    [InlineData("1 -2", "-2")]
    [InlineData("1 512", "512")]
    [InlineData("1 99999999999", "99999999999")]
    public void Bad_ids_are_named(string content, string expected)
    {
        using var folder = new TemporaryFolder();
        string ids = folder.Write("ids.txt", content);
        CommandRun run = CommandRun.Of("logits", SharedModels.Stories, "--ids", ids, "-o", folder["l.safetensors"]);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(["ids.txt"], Directory.GetFileSystemEntries(folder.Path).Select(e => Path.GetFileName(e)));
    }

    [Fact]
    public void A_failed_run_leaves_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        string ids = folder.Write("ids.txt", string.Join(' ', Enumerable.Repeat(5, 600)));
        // The model takes 512 tokens.
        CommandRun run = CommandRun.Of("logits", SharedModels.Stories, "--ids", ids, "-o", folder["l.safetensors"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("512", run.Error, StringComparison.Ordinal);
        Assert.Equal(["ids.txt"], Directory.GetFileSystemEntries(folder.Path).Select(e => Path.GetFileName(e)));
        Assert.Equal(2, CommandRun.Of("logits", SharedModels.Stories, "--ids", ids, "-o", folder["l.bin"]).ExitCode);
    }
}
