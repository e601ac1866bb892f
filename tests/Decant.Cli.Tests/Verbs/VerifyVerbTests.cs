using Decant.Testing;
using System.Text.Json;

namespace Decant.Cli.Tests.Verbs;

public sealed class VerifyVerbTests
{
    [Fact]
    public void A_folder_that_compress_wrote_passes_and_one_changed_since_does_not()
    {
        using var folder = new TemporaryFolder();
        string output = folder["small"];
        CommandRun.Succeed("compress", SharedModels.Stories, "-o", output, "--to", "q8_0", "--no-verify");
        CommandRun run = CommandRun.Succeed("verify", output, "--against", SharedModels.Stories);
        Assert.Contains("content", run.Output, StringComparison.Ordinal);
        string weights = Path.Combine(output, "model.safetensors");
        using (var stream = new FileStream(weights, FileMode.Open, FileAccess.ReadWrite))
        {
            stream.Position = stream.Length - 3;
            stream.WriteByte(1);
        }
        CommandRun changed = CommandRun.Of("verify", output, "--against", SharedModels.Stories, "--no-logits");
        Assert.Equal(6, changed.ExitCode);
        Assert.Contains("SHA-256", changed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rounded_model_passes_and_says_what_was_checked()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Succeed("compress", SharedModels.Stories, "-o", folder["small.gguf"], "--to", "q4_0", "--no-verify");
        CommandRun run = CommandRun.Succeed("verify", folder["small.gguf"], "--against", SharedModels.Stories);
        foreach (string expected in new[] { "tensors", "values", "metadata", "tokenizer", "logits", "passed" })
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_model_fails_with_6_and_the_document_says_why()
    {
        CommandRun run = CommandRun.Of("verify", SharedModels.SmolLm, "--against", SharedModels.Stories, "--json");
        Assert.Equal(6, run.ExitCode);
        Assert.False(run.Json.GetProperty("passed").GetBoolean());
        Assert.Contains(run.Json.GetProperty("checks").EnumerateArray(), check => !check.GetProperty("passed").GetBoolean());
        Assert.Contains("verification failed", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_weights_fail_the_check_of_values()
    {
        using var folder = new TemporaryFolder();
        File.Copy(SharedModels.Stories, folder["m.gguf"]);
        File.SetAttributes(folder["m.gguf"], FileAttributes.Normal);
        using (FileStream file = File.OpenWrite(folder["m.gguf"]))
        {
            file.Position = file.Length / 2 / 4 * 4;
            file.Write(new byte[16384]);
        }
        CommandRun run = CommandRun.Of("verify", folder["m.gguf"], "--against", SharedModels.Stories);
        Assert.Equal(6, run.ExitCode);
        Assert.Contains("FAILED: blk.", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_of_ones_own_is_kept()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Succeed("compress", SharedModels.Stories, "-o", folder["small.gguf"], "--to", "q4_0", "--no-verify");
        Assert.Equal(6, CommandRun.Of("verify", folder["small.gguf"], "--against", SharedModels.Stories, "--max-kld", "0.00001").ExitCode);
        JsonElement unlimited = CommandRun.Succeed("verify", folder["small.gguf"], "--against", SharedModels.Stories, "--max-kld", "5", "--json").Json;
        Assert.True(unlimited.GetProperty("top1_agreement").GetDouble() > 0.5);
        Assert.Equal(2, CommandRun.Of("verify", folder["small.gguf"]).ExitCode);
    }
}
