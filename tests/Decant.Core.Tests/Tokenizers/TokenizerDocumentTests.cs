using System.Globalization;
using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.Gguf;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>docs/tokenizers.md says how many cases of every folder pass, counted here.</summary>
public class TokenizerDocumentTests
{
    private const string updateVariable = "DECANT_UPDATE_TOKENIZERS";
    private const string begin = "<!-- generated: cases -->";
    private const string end = "<!-- end of generated -->";

    [Fact]
    public void The_table_of_cases_is_what_the_folders_give()
    {
        SharedFiles.RequireWholeSet();
        string path = Path.Combine(SharedFiles.RepositoryRoot, "docs", "tokenizers.md");
        string text = File.ReadAllText(path);
        int first = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length, last = text.IndexOf(end, StringComparison.Ordinal);
        Assert.True(first >= begin.Length && last > first, $"{path} has no place for the table");
        string table = MakeTable();
        if (Environment.GetEnvironmentVariable(updateVariable) == "1")
            File.WriteAllText(path, text = text[..first] + table + text[last..]);
        last = text.IndexOf(end, StringComparison.Ordinal);
        Assert.True(text[first..last] == table, $"docs/tokenizers.md is not what the tests count now:{table}\nIf the change is meant, run this test with {updateVariable}=1 and commit the file.");
    }

    private static string MakeTable()
    {
        var table = new StringBuilder("\n\n| folder | kind | ids, tokens, offsets | text of ids | streams | other files | GGUF and back |\n|---|---|---:|---:|---:|---|---:|\n");
        int passed = 0, all = 0;
        foreach (string folder in TokenizerFixtures.All)
        {
            Tokenizer tokenizer = TokenizerFixtures.Load(folder);
            List<EncodingCase> cases = TokenizerFixtures.Cases(folder);
            List<StreamCase> streams = TokenizerFixtures.Streams(folder);
            int encoded = cases.Count(c => TokenizerFixtures.Difference(tokenizer, c) is null);
            int decoded = cases.Count(c => tokenizer.Decode(c.Ids, false) == c.Decoded && tokenizer.Decode(c.Ids, true) == c.DecodedSkipSpecial);
            int streamed = streams.Count(s => Stream(tokenizer, s).SequenceEqual([.. s.Pieces, s.Flush]));
            passed += encoded + decoded + streamed;
            all += 2 * cases.Count + streams.Count;
            table.Append(CultureInfo.InvariantCulture, $"| {folder} | {tokenizer.Kind} | {encoded} / {cases.Count} | {decoded} / {cases.Count} | {streamed} / {streams.Count} | {OtherFiles(folder, cases)} | {Gguf(tokenizer, cases)} |\n");
        }
        table.Append(CultureInfo.InvariantCulture, $"\nIn all {passed} of {all}.\n");
        return table.ToString();
    }

    private static string OtherFiles(string folder, List<EncodingCase> cases)
    {
        var parts = new List<string>();
        if (cases[0].SentencePieceIds is not null)
        {
            Tokenizer model = TokenizerFixtures.LoadFiles(folder, ["tokenizer.model"], null);
            int same = cases.Count(c => model.EncodeIds(c.Text, addSpecialTokens: false, recogniseSpecialTokens: false).AsSpan().SequenceEqual(c.SentencePieceIds));
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"tokenizer.model {same} / {cases.Count}"));
        }
        foreach ((string[] files, string? config) in VocabularyFileTests.OtherFiles(folder))
        {
            Tokenizer other = TokenizerFixtures.LoadFiles(folder, files, config);
            int same = cases.Count(c => TokenizerFixtures.Difference(other, c) is null);
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", files)} {same} / {cases.Count}"));
        }
        return string.Join("; ", parts);
    }

    private static string Gguf(Tokenizer tokenizer, List<EncodingCase> cases)
    {
        var metadata = new GgufMetadata("m.gguf");
        try
        {
            GgufTokenizerExporter.Write(tokenizer, metadata, tokenizer.VocabularyCount);
        }
        catch (NotSupportedModelException)
        {
            return "no form";
        }
        Tokenizer read = TokenizerLoader.LoadGguf(metadata)!;
        return string.Create(CultureInfo.InvariantCulture, $"{cases.Count(c => read.EncodeIds(c.Text, c.AddSpecialTokens).AsSpan().SequenceEqual(c.Ids))} / {cases.Count}");
    }

    private static List<string> Stream(Tokenizer tokenizer, StreamCase stream)
    {
        StreamingDecoder decoder = tokenizer.CreateStream(stream.SkipSpecialTokens);
        List<string> pieces = [.. stream.Ids.Select(decoder.Push)];
        pieces.Add(decoder.Flush());
        return pieces;
    }
}
