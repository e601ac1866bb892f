using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Testing;

namespace Decant.Cli.Tests.Verbs;

public sealed class TokenizeVerbTests
{
    [Fact]
    public void Text_is_read_byte_for_byte_and_what_is_no_UTF8_is_refused()
    {
        using var folder = new TemporaryFolder();
        JsonElement marked = CommandRun.Succeed("tokenize", SharedModels.SmolLm, "--text", folder.Write("bom.txt", [0xEF, 0xBB, 0xBF, .. "Hi"u8]), "--json").Json;
        // As llama.cpp reads the same file.
        Assert.Equal([186, 136, 140, 26843], marked.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()));
        CommandRun bad = CommandRun.Of("tokenize", SharedModels.SmolLm, "--text", folder.Write("bad.txt", [0xFF, 0xFE, (byte)'a', 0]));
        Assert.Equal(3, bad.ExitCode);
        Assert.Contains("UTF-8", bad.Error, StringComparison.Ordinal);
    }

    // Folders whose every case the tokenizer tests check; here it is the verb that is tried.
    public static TheoryData<string> Folders => ["bytelevel-smollm", "spm-bpe"];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Lines_in_give_the_reference_lines_out(string name)
    {
        string folder = SharedFiles.Require("fixtures", "tokenizers", name);
        string cases = Path.Combine(folder, "expected.jsonl");
        JsonElement[] results = CommandRun.Succeed("tokenize", folder, "--jsonl", cases).JsonLines;
        string[] expected = File.ReadAllLines(cases);
        Assert.True(expected.Length > 1000);
        Assert.Equal(expected.Length, results.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            JsonNode wanted = JsonNode.Parse(expected[i])!;
            foreach (string key in new[] { "ids", "tokens", "offsets", "decoded" })
                Assert.True(JsonNode.DeepEquals(wanted[key], JsonNode.Parse(results[i].GetProperty(key).GetRawText())), $"line {i + 1}, {key}: {expected[i]}\n{results[i]}");
        }
    }

    [Theory]
    [InlineData("wordpiece-cased", "vocab.txt", "")]
    [InlineData("openai-gpt", "vocab.json", "merges.txt")]
    [InlineData("spm-bpe", "tokenizer.model", "")]
    public void Folders_without_tokenizer_json_give_the_same(string name, string file, string other)
    {
        string source = SharedFiles.Require("fixtures", "tokenizers", name);
        using var folder = new TemporaryFolder();
        foreach (string each in new[] { file, other }.Where(f => f.Length > 0))
            File.Copy(Path.Combine(source, each), folder[each]);
        string cases = Path.Combine(source, "expected.jsonl");
        JsonElement[] results = CommandRun.Succeed("tokenize", folder.Path, "--jsonl", cases).JsonLines;
        string[] expected = File.ReadAllLines(cases);
        Assert.Equal(expected.Length, results.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected[i])!["ids"], JsonNode.Parse(results[i].GetProperty("ids").GetRawText())), $"line {i + 1}: {expected[i]}\n{results[i]}");
    }

    [Fact]
    public void A_text_gives_ids_that_the_logits_verb_reads()
    {
        using var folder = new TemporaryFolder();
        string text = folder.Write("text.txt", "Once upon a time");
        Assert.Equal("1 403 407 261 378\n", CommandRun.Succeed("tokenize", SharedModels.Stories, "--text", text).Output);
        Assert.Equal("403 407 261 378\n", CommandRun.Succeed("tokenize", SharedModels.StoriesFolder, "--text", text, "--no-special-tokens").Output);
        Assert.Equal("1 403 407 261 378\n", CommandRun.WithInput("Once upon a time", "tokenize", SharedModels.Stories, "--text", "-").Output);
        JsonElement document = CommandRun.Succeed("tokenize", SharedModels.Stories, "--text", text, "--json").Json;
        Assert.Equal([1, 403, 407, 261, 378], document.GetProperty("ids").EnumerateArray().Select(e => e.GetInt32()));
    }

    [Theory]
    [InlineData("not json", "line 2")]
    [InlineData("[1]", "line 2")]
    [InlineData("""{"text": 5}""", "\"text\"")]
    [InlineData("""{"text": "\ud800"}""", "line 2")]
    [InlineData("""{"text": "a", "add_special_tokens": 1}""", "add_special_tokens")]
    public void A_bad_line_is_named(string line, string expected)
    {
        using var folder = new TemporaryFolder();
        string cases = folder.Write("cases.jsonl", "{\"text\": \"fine\"}\n" + line + "\n");
        CommandRun run = CommandRun.Of("tokenize", SharedModels.Stories, "--jsonl", cases);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Contains(cases, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void One_input_must_be_named()
    {
        Assert.Equal(2, CommandRun.Of("tokenize", SharedModels.Stories).ExitCode);
        Assert.Equal(2, CommandRun.Of("tokenize", SharedModels.Stories, "--text", "a", "--jsonl", "b").ExitCode);
        CommandRun missing = CommandRun.Of("tokenize", SharedModels.Stories, "--text", "no-such-file.txt");
        Assert.Equal(3, missing.ExitCode);
        Assert.Contains("no-such-file.txt", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_tokenizer_is_a_bad_file()
    {
        CommandRun run = CommandRun.Of("tokenize", SharedModels.WithoutTokenizer, "--text", SharedModels.StoryText);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("tokenizer", run.Error, StringComparison.Ordinal);
    }
}
