using Decant.Testing;
using System.Text.Json;

namespace Decant.Cli.Tests.Verbs;

public sealed class CompressVerbTests
{
    private const long MemoryBound = 300_000_000;

    /// <summary>Private memory counts for a process, so the program runs in one of its own.</summary>
    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("Q4_0")]
    [InlineData("Q4_K_M")]
    [InlineData("F32")]
    public void Compressing_and_verifying_the_135M_model_stays_below_300_megabytes(string type)
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.OfProcess("compress", SharedModels.SmolLm, "-o", folder["small.gguf"], "--to", type, "--json", "--quiet");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(run.Json.GetProperty("verify").GetProperty("passed").GetBoolean());
        Assert.InRange(run.Json.GetProperty("peak_memory_bytes").GetInt64(), 20_000_000, MemoryBound);
    }

    [Fact]
    public void A_model_is_written_verified_measured_and_reported()
    {
        using var folder = new TemporaryFolder();
        string output = folder["small.gguf"];
        JsonElement document = CommandRun.Succeed("compress", SharedModels.Stories, "-o", output, "--to", "Q8_0", "--json").Json;
        long length = new FileInfo(output).Length;
        Assert.Equal((length, length), (document.GetProperty("bytes_out").GetInt64(), document.GetProperty("planned").GetProperty("bytes").GetInt64()));
        Assert.Equal(length, CommandRun.Succeed("plan", SharedModels.Stories, "--to", "q8_0", "--json").Json.GetProperty("bytes_out").GetInt64());
        JsonElement verify = document.GetProperty("verify");
        Assert.True(verify.GetProperty("passed").GetBoolean());
        Assert.InRange(verify.GetProperty("kl_divergence").GetProperty("mean").GetDouble(), 1e-9, 0.05);
        Assert.True(verify.GetProperty("perplexity_after").GetProperty("value").GetDouble() > 1);
        using JsonDocument report = JsonDocument.Parse(File.ReadAllText(output + ".report.json"));
        Assert.Equal($"decant compress {SharedModels.Stories} -o {output} --to Q8_0 --json", report.RootElement.GetProperty("command").GetString());
        Assert.Equal(["small.gguf", "small.gguf.report.json"], folder.Names);
        Assert.StartsWith(", there was a little girl named Lily.", CommandRun.Succeed("run", output, "Once upon a time", "-n", "20").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_text_names_sizes_costs_and_the_command_for_llama_cpp()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Succeed("compress", SharedModels.Stories, "-o", folder["small.gguf"], "--to", "q4_0");
        foreach (string expected in new[] { "bits per weight", "perplexity", "before", "after", "KL divergence", "planned", "llama-cli -m " + folder["small.gguf"], ".report.json" })
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        // Rows of 172 fit no block of 32: told once, by shape.
        Assert.Single(run.Error.Split('\n'), line => line.Contains("172", StringComparison.Ordinal));
    }

    [Fact]
    public void The_same_command_again_says_that_the_job_is_done()
    {
        using var folder = new TemporaryFolder();
        string[] args = ["compress", SharedModels.Stories, "-o", folder["small.gguf"], "--to", "q4_0"];
        CommandRun.Succeed(args);
        DateTime written = File.GetLastWriteTimeUtc(folder["small.gguf"]);
        CommandRun again = CommandRun.Succeed(args);
        Assert.Contains("finished already", again.Output, StringComparison.Ordinal);
        Assert.Empty(again.Error);
        Assert.True(CommandRun.Succeed([.. args, "--json"]).Json.GetProperty("already_done").GetBoolean());
        Assert.Equal(written, File.GetLastWriteTimeUtc(folder["small.gguf"]));
    }

    [Fact]
    public void Another_file_of_the_name_is_not_replaced_without_force()
    {
        using var folder = new TemporaryFolder();
        string output = folder.Write("small.gguf", "mine");
        CommandRun refused = CommandRun.Of("compress", SharedModels.Stories, "-o", output, "--to", "q4_0");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--force", refused.Error, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(output));
        CommandRun.Succeed("compress", SharedModels.Stories, "-o", output, "--to", "q4_0", "--force", "--no-verify");
        Assert.True(new FileInfo(output).Length > 100_000);
    }

    [Fact]
    public void A_broken_limit_ends_with_6_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of("compress", SharedModels.Stories, "-o", folder["small.gguf"], "--to", "q4_0", "--max-kld", "0.000001");
        Assert.Equal(6, run.ExitCode);
        Assert.Contains("KL divergence", run.Error, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_job_that_needs_more_memory_than_allowed_is_not_begun()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of("compress", SharedModels.Stories, "-o", folder["small.gguf"], "--to", "q4_0", "--max-memory", "1MB");
        Assert.Equal(6, run.ExitCode);
        Assert.Contains("--max-memory 1MB", run.Error, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
        CommandRun.Succeed("compress", SharedModels.Stories, "-o", folder["small.gguf"], "--to", "q4_0", "--max-memory", "64GB", "--no-verify");
    }

    [Fact]
    public void An_importance_matrix_changes_the_bytes()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Succeed("imatrix", SharedModels.Stories, "--text", SharedModels.StoryText, "--context", "128", "-o", folder["i.gguf"]);
        CommandRun.Succeed("compress", SharedModels.Stories, "-o", folder["plain.gguf"], "--to", "q4_0", "--no-verify");
        JsonElement document = CommandRun.Succeed("compress", SharedModels.Stories, "-o", folder["weighted.gguf"], "--to", "q4_0", "--imatrix", folder["i.gguf"], "--json").Json;
        Assert.Equal("round_with_importance", document.GetProperty("steps")[0].GetProperty("method").GetString());
        Assert.NotEqual(File.ReadAllText(folder["plain.gguf"]), File.ReadAllText(folder["weighted.gguf"]));
    }

    [Fact]
    public void A_folder_holds_plain_numbers_and_a_notice_says_so()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Succeed("compress", SharedModels.StoriesFolder, "-o", folder["small"], "--to", "q4_0");
        Assert.Contains("no ggml blocks", run.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder["small"], "config.json")));
        Assert.Contains("transformers", run.Output, StringComparison.Ordinal);
        CommandRun.Succeed("inspect", folder["small"]);
    }

    [Theory]
    [InlineData("", 2, "--to TYPE")]
    [InlineData("--to q4_k_n", 2, "Q4_K")]
    [InlineData("--to iq1_s", 4, "cannot write")]
    [InlineData("--to q4_0 --tensor-type ffn_down", 2, "REGEX=TYPE")]
    [InlineData("--to q4_0 --tensor-type ffn_down=q9", 2, "q9")]
    [InlineData("--to q4_0 --tensor-type ffn_down=q6_k", 2, "ffn_down")]
    [InlineData("--to q4_0 --imatrix no-such.gguf", 3, "no-such.gguf")]
    [InlineData("--recipe r.yaml", 4, "--recipe")]
    [InlineData("--to q4_0 --calibration a.txt b.txt", 4, "--imatrix")]
    [InlineData("--to q4_0 --max-kld 1 --no-verify", 2, "--no-verify")]
    [InlineData("--to q4_0 --max-shard-size 1GB", 2, "llama-gguf-split")]
    [InlineData("--to q4_0 --max-memory big", 2, "--max-memory")]
    public void What_cannot_be_done_is_refused_with_a_reason(string options, int code, string expected)
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of(["compress", SharedModels.Stories, "-o", folder["small.gguf"], .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(code, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void Output_equal_to_input_is_refused_and_the_source_stays_as_it_was()
    {
        using var folder = new TemporaryFolder();
        File.Copy(SharedModels.Stories, folder["m.gguf"]);
        File.SetAttributes(folder["m.gguf"], FileAttributes.Normal);
        foreach (string output in new[] { folder["m.gguf"], Path.Combine(folder.Path, "..", Path.GetFileName(folder.Path), "m.gguf") })
        {
            CommandRun run = CommandRun.Of("compress", folder["m.gguf"], "-o", output, "--to", "q4_0", "--force");
            Assert.Equal(2, run.ExitCode);
            Assert.Contains("same file", run.Error, StringComparison.Ordinal);
        }
        Assert.Equal(["m.gguf"], folder.Names);
        Assert.True(File.ReadAllText(SharedModels.Stories) == File.ReadAllText(folder["m.gguf"]));
    }

    [Fact]
    public void A_weight_that_is_no_number_is_named()
    {
        using var folder = new TemporaryFolder();
        File.Copy(SharedModels.Stories, folder["m.gguf"]);
        File.SetAttributes(folder["m.gguf"], FileAttributes.Normal);
        using (FileStream file = File.OpenWrite(folder["m.gguf"]))
        {
            // Somewhere in the matrices; the tensor's name is in the message whichever it hits.
            file.Position = file.Length / 2 / 4 * 4;
            file.Write([0, 0, 0xC0, 0x7F]);
        }
        CommandRun run = CommandRun.Of("compress", folder["m.gguf"], "-o", folder["small.gguf"], "--to", "q4_0");
        Assert.Equal(5, run.ExitCode);
        Assert.Contains("blk.", run.Error, StringComparison.Ordinal);
        Assert.Contains("row", run.Error, StringComparison.Ordinal);
        Assert.Equal(["m.gguf"], folder.Names);
    }

    [Fact]
    public void A_folder_that_is_not_there_or_not_writable_is_a_bad_file()
    {
        foreach (string output in new[] { "/no-such-folder/small.gguf", "/proc/small.gguf" })
        {
            CommandRun run = CommandRun.Of("compress", SharedModels.Stories, "-o", output, "--to", "q4_0", "--no-verify");
            Assert.Equal(3, run.ExitCode);
            Assert.Contains(Path.GetDirectoryName(output)!, run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_model_without_tokenizer_can_be_compressed()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Succeed("compress", SharedModels.WithoutTokenizer, "-o", folder["small.gguf"], "--to", "q8_0");
        Assert.Equal(3, CommandRun.Of("run", folder["small.gguf"], "Hello").ExitCode);
    }
}
