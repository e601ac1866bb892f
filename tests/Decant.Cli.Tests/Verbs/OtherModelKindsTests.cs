using System.Text.Json;
using Decant.Testing;

namespace Decant.Cli.Tests.Verbs;

/// <summary>The verbs that read and write text, on models that are no decoders.</summary>
public sealed class OtherModelKindsTests
{
    [Theory]
    [InlineData("rwkv")]
    [InlineData("mamba")]
    [InlineData("mamba2")]
    [InlineData("reformer")]
    public void Logits_are_those_of_the_reference(string folder)
    {
        string model = SharedFiles.Require("fixtures", "architectures", folder);
        var expected = new SafetensorsFixture(Path.Combine(model, "expected.safetensors"));
        int length = (int)expected.Shape("input_ids")[1];
        long[] ids = expected.Integers("input_ids");
        using var files = new TemporaryFolder();
        string lines = string.Join('\n', Enumerable.Range(0, 2).Select(row => string.Join(' ', ids.Skip(row * length).Take(length))));
        CommandRun.Succeed("logits", model, "--ids", files.Write("ids.txt", lines), "-o", files["l.safetensors"]);
        AssertReference(expected, new SafetensorsFixture(files["l.safetensors"]));
        if (folder is "rwkv" or "reformer")
            return;
        CommandRun.Succeed("convert", model, "-o", files["model.gguf"], "--type", "f32");
        CommandRun.Succeed("logits", files["model.gguf"], "--ids", files["ids.txt"], "-o", files["g.safetensors"]);
        AssertReference(expected, new SafetensorsFixture(files["g.safetensors"]));
    }

    /// <summary>A tokenizer of single characters beside the fixture's weights makes it a model that reads and writes text.</summary>
    [Theory]
    [InlineData("rwkv")]
    [InlineData("mamba")]
    [InlineData("mamba2")]
    [InlineData("reformer")]
    public void Texts_are_continued_and_evaluated(string folder)
    {
        using var files = new TemporaryFolder();
        string model = WithTokenizer(files, folder);
        JsonElement document = CommandRun.Succeed("run", model, "abcabc", "-n", "8", "--json").Json;
        Assert.Equal(6, document.GetProperty("prompt_ids").GetArrayLength());
        Assert.InRange(document.GetProperty("ids").GetArrayLength(), 1, 8);
        // The same text again, and a piece of it as the prompt: both go the same way.
        int[] ids = [.. document.GetProperty("ids").EnumerateArray().Select(e => e.GetInt32())];
        Assert.Equal(ids, CommandRun.Succeed("run", model, "abcabc", "-n", "8", "--json").Json.GetProperty("ids").EnumerateArray().Select(e => e.GetInt32()));

        string text = files.Write("text.txt", string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 10)));
        JsonElement figures = CommandRun.Succeed("eval", model, "--text", text, "--context", "16", "--json").Json;
        double perplexity = figures.GetProperty("perplexity").GetProperty("value").GetDouble();
        Assert.InRange(perplexity, 2, 1e5);
        Assert.Equal(JsonValueKind.Null, figures.GetProperty("cache_type").ValueKind);
        JsonElement compared = CommandRun.Succeed("eval", model, "--text", text, "--context", "16", "--against", model, "--json").Json;
        Assert.Equal(0, compared.GetProperty("kl_divergence").GetProperty("mean").GetDouble(), 1e-6);
    }

    [Theory]
    [InlineData("rwkv", 3 * (41 + 40 + 4 * 40) * 4)]
    [InlineData("mamba", 0)]
    [InlineData("mamba2", 0)]
    [InlineData("reformer", 0)]
    public void Speed_is_measured(string folder, int leastStateBytes)
    {
        string model = SharedFiles.Require("fixtures", "architectures", folder);
        JsonElement document = CommandRun.Succeed("bench", model, "-p", "24", "-n", "8", "-r", "2", "--threads", "1", "--arithmetic", "float", "--json").Json;
        Assert.True(document.GetProperty("prefill").GetProperty("tokens_per_second").GetDouble() > 0);
        Assert.True(document.GetProperty("decode").GetProperty("tokens_per_second").GetDouble() > 0);
        Assert.Equal(JsonValueKind.Null, document.GetProperty("cache_type").ValueKind);
        Assert.True(document.GetProperty("decode_bytes_per_token").GetDouble() > leastStateBytes);
        string text = CommandRun.Succeed("bench", model, "-p", "24", "-n", "8", "-r", "1").Output;
        Assert.Contains("remembered of the text", text, StringComparison.Ordinal);
    }

    /// <summary>Values for every matrix that compression rounds, and compression that uses them.</summary>
    [Theory]
    [InlineData("mamba", 4 * 2)]
    [InlineData("mamba2", 2 * 2)]
    [InlineData("rwkv", 7 * 3)]
    [InlineData("reformer", 6 + 5)]
    public void Importance_is_measured_and_used(string folder, int matrices)
    {
        using var files = new TemporaryFolder();
        string model = WithTokenizer(files, folder), text = files.Write("text.txt", string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 10)));
        JsonElement document = CommandRun.Succeed("imatrix", model, "--text", text, "--context", "18", "-o", files["i.gguf"], "--json").Json;
        Assert.Equal(matrices, document.GetProperty("entries").GetInt32());
        string output = files[folder.StartsWith("mamba", StringComparison.Ordinal) ? "q.gguf" : "q"];
        CommandRun compressed = CommandRun.Succeed("compress", model, "-o", output, "--to", "q4_k_m", "--imatrix", files["i.gguf"], "--no-verify");
        Assert.DoesNotContain("has no values", compressed.Output + compressed.Error, StringComparison.Ordinal);
        if (!output.EndsWith(".gguf", StringComparison.Ordinal))
            return;
        CommandRun.Succeed("convert", model, "-o", files["model.gguf"], "--type", "f32");
        Assert.Equal(matrices, CommandRun.Succeed("imatrix", files["model.gguf"], "--text", text, "--context", "18", "-o", files["g.gguf"], "--json").Json.GetProperty("entries").GetInt32());
    }

    private static void AssertReference(SafetensorsFixture expected, SafetensorsFixture got)
    {
        ReadOnlySpan<float> reference = expected.Singles("logits");
        int position = 0;
        for (int row = 0; row < 2; row++)
        {
            foreach (float logit in got.Singles($"logits.{row}"))
                Assert.Equal(reference[position++], logit, 1e-4f);
        }
        Assert.Equal(reference.Length, position);
    }

    private static string WithTokenizer(TemporaryFolder files, string folder)
    {
        string fixture = SharedFiles.Require("fixtures", "architectures", folder), model = files["model"];
        Directory.CreateDirectory(model);
        foreach (string name in (string[])["config.json", "generation_config.json", "model.safetensors"])
            File.Copy(Path.Combine(fixture, name), Path.Combine(model, name));
        CharacterTokenizer.Write(Path.Combine(model, "tokenizer.json"), 131);
        return model;
    }
}
