using System.Text.Json;
using System.Text.Json.Nodes;
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
        JsonElement compared = CommandRun.Succeed("eval", model, "--text", text, "--context", "16", "--against", model, "--json").Json;
        Assert.Equal(0, compared.GetProperty("kl_divergence").GetProperty("mean").GetDouble(), 1e-6);
    }

    [Theory]
    [InlineData("rwkv", "recurrent model")]
    [InlineData("reformer", "reversible transformer")]
    public void What_is_for_decoders_only_says_what_the_model_is(string folder, string kind)
    {
        string model = SharedFiles.Require("fixtures", "architectures", folder);
        CommandRun run = CommandRun.Of("bench", model);
        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains(kind, run.Error, StringComparison.Ordinal);
        Assert.Contains("for decoders only", run.Error, StringComparison.Ordinal);
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
        var vocabulary = new JsonObject();
        for (int i = 0; i < 94; i++)
            vocabulary[((char)('!' + i)).ToString()] = i;
        vocabulary["Ġ"] = 94;
        for (int i = 95; i < 131; i++)
            vocabulary[((char)('À' + i - 95)).ToString()] = i;
        JsonObject ByteLevel() => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true };
        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = ByteLevel(),
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["continuing_subword_prefix"] = null, ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false, ["byte_fallback"] = false, ["vocab"] = vocabulary, ["merges"] = new JsonArray(),
            },
        };
        File.WriteAllText(Path.Combine(model, "tokenizer.json"), tokenizer.ToJsonString());
        return model;
    }
}
