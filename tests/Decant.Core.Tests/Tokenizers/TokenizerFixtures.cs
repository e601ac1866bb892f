using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>The folders of shared/fixtures/tokenizers and their cases.</summary>
internal static class TokenizerFixtures
{
    /// <summary>All folders with a tokenizer.json.</summary>
    public static IEnumerable<string> All => SharedFiles.Folders("fixtures", "tokenizers").Where(f => f != "chat");
    private static readonly Dictionary<string, Tokenizer> loaded = [];

    /// <summary>The path of a folder; skips the test if absent.</summary>
    public static string Folder(string name) => SharedFiles.Require("fixtures", "tokenizers", name);

    /// <summary>The tokenizer of a folder, loaded once.</summary>
    public static Tokenizer Load(string name)
    {
        lock (loaded)
        {
            if (!loaded.TryGetValue(name, out Tokenizer? tokenizer))
                loaded.Add(name, tokenizer = TokenizerLoader.LoadFolder(Folder(name)));
            return tokenizer;
        }
    }

    /// <summary>The cases of expected.jsonl.</summary>
    public static List<EncodingCase> Cases(string name) => [.. Lines(name, "expected.jsonl").Select(line => new EncodingCase(
        Text(line, "group"),
        Text(line, "text"),
        line.GetProperty("add_special_tokens").GetBoolean(),
        Integers(line, "ids"),
        [.. line.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!)],
        [.. line.GetProperty("offsets").EnumerateArray().Select(o => new TextRange(o[0].GetInt32(), o[1].GetInt32()))],
        Text(line, "decoded"),
        Text(line, "decoded_skip_special"),
        line.TryGetProperty("sp_ids", out _) ? Integers(line, "sp_ids") : null))];

    /// <summary>The cases of streaming.jsonl.</summary>
    public static List<StreamCase> Streams(string name) => [.. Lines(name, "streaming.jsonl").Select(line => new StreamCase(
        Integers(line, "ids"),
        line.GetProperty("skip_special_tokens").GetBoolean(),
        [.. line.GetProperty("pieces").EnumerateArray().Select(p => p.GetString()!)],
        Text(line, "flush"),
        Text(line, "decoded"),
        line.GetProperty("malformed").GetBoolean()))];

    /// <summary>A string for a message, in ASCII.</summary>
    public static string Show(string text) => JsonValue.Create(text.Length > 120 ? text[..120] + "…" : text).ToJsonString();

    /// <summary>A tokenizer made of some files of a folder, with a tokenizer_config.json beside them or none.</summary>
    public static Tokenizer LoadFiles(string name, string[] files, string? config)
    {
        using var folder = new TemporaryFolder();
        foreach (string file in files)
            File.Copy(Path.Combine(Folder(name), file), folder[file]);
        if (config is not null)
            File.WriteAllText(folder["tokenizer_config.json"], config);
        return TokenizerLoader.LoadFolder(folder.Path);
    }

    /// <summary>True if a text has the name of an added token of the folder's tokenizer.json in it.</summary>
    public static bool HasAddedToken(string name, string text) => Load(name).Parts.AddedTokens.Any(t => text.Contains(t.Content, StringComparison.Ordinal));

    /// <summary>What a tokenizer does otherwise than a case says, or null.</summary>
    public static string? Difference(Tokenizer tokenizer, EncodingCase expected, bool compareTokens = true, bool compareOffsets = true)
    {
        TokenEncoding got = tokenizer.Encode(expected.Text, expected.AddSpecialTokens);
        string? what = !got.Ids.SequenceEqual(expected.Ids) ? $"ids {Join(expected.Ids)} got {Join(got.Ids)}"
            : compareTokens && !got.Tokens.SequenceEqual(expected.Tokens) ? $"tokens {Join(expected.Tokens)} got {Join(got.Tokens)}"
            : compareOffsets && !got.Offsets.SequenceEqual(expected.Offsets) ? $"offsets {Join(expected.Offsets.Select(o => (o.Start, o.End)))} got {Join(got.Offsets.Select(o => (o.Start, o.End)))}"
            : !tokenizer.EncodeIds(expected.Text, expected.AddSpecialTokens).AsSpan().SequenceEqual(expected.Ids) ? "EncodeIds differs from Encode"
            : tokenizer.Decode(expected.Ids, skipSpecialTokens: false) is var text && text != expected.Decoded ? $"decoded {Show(expected.Decoded)} got {Show(text)}"
            : null;
        return what is null ? null : $"{expected.Group} {Show(expected.Text)}: {what}";
    }

    private static string Join<T>(IEnumerable<T> items) => string.Join(' ', items.Take(40));

    private static IEnumerable<JsonElement> Lines(string name, string file)
    {
        foreach (string line in File.ReadAllText(Path.Combine(Folder(name), file), Encoding.UTF8).Split('\n'))
        {
            if (line.Length > 0)
                yield return JsonDocument.Parse(line).RootElement;
        }
    }

    private static string Text(JsonElement line, string key) => line.GetProperty(key).GetString()!;

    private static int[] Integers(JsonElement line, string key) => [.. line.GetProperty(key).EnumerateArray().Select(i => i.GetInt32())];
}

/// <summary>One line of expected.jsonl.</summary>
internal sealed record EncodingCase(
    string Group, string Text, bool AddSpecialTokens, int[] Ids, string[] Tokens, TextRange[] Offsets, string Decoded, string DecodedSkipSpecial, int[]? SentencePieceIds);

/// <summary>One line of streaming.jsonl.</summary>
internal sealed record StreamCase(int[] Ids, bool SkipSpecialTokens, string[] Pieces, string Flush, string Decoded, bool IsMalformed);
