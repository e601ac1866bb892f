using System.Text;
using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Parts of tokenizer.json that no common model has. The ids and offsets expected are those of the tokenizers library for the same file.</summary>
public sealed class TokenizerJsonPartsTests : IDisposable
{
    private const string WordLevel = """{"type":"WordLevel","vocab":{"<unk>":0,"a":1,"b":2,"ab":3,"a b":4,"-":5,"a-b":6,"x":7," ":8},"unk_token":"<unk>"}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private Tokenizer Load(string parts, string model = WordLevel)
    {
        folder.Write("tokenizer.json", Encoding.UTF8.GetBytes($$"""{"version":"1.0",{{parts}},"model":{{model}}}"""));
        return TokenizerLoader.LoadFolder(folder.Path);
    }

    [Theory]
    [InlineData(@"\\s+|[0-9]{2,}", "-", "a  b", 6)]
    [InlineData(@"\\s+|[0-9]{2,}", "-", "a12b", 6)]
    [InlineData(@"\\s+|[0-9]{2,}", "-", "a1b", 0)]
    [InlineData("(?i)XX", "b", "axx", 3)]
    [InlineData("(a)b", "$1", "ab", 0)]
    [InlineData(@"\\p{L}\\p{M}", "a", "e\u0301b", 3)]
    public void Matches_of_a_regular_expression_are_replaced(string pattern, string content, string text, int expected)
    {
        Tokenizer tokenizer = Load($$"""  "normalizer":{"type":"Replace","pattern":{"Regex":"{{pattern}}"},"content":"{{content}}"}  """);
        TokenEncoding encoding = tokenizer.Encode(text, addSpecialTokens: false);
        Assert.Equal([expected], encoding.Ids);
        Assert.Equal([expected], tokenizer.EncodeIds(text, addSpecialTokens: false));
        using var written = new MemoryStream();
        HuggingFaceTokenizerExporter.WriteTokenizerJson(tokenizer, written);
        JsonNode normalizer = JsonNode.Parse(written.ToArray())!["normalizer"]!;
        Assert.Equal(pattern.Replace(@"\\", @"\", StringComparison.Ordinal), (string?)normalizer["pattern"]!["Regex"]);
        Assert.Equal(content, (string?)normalizer["content"]);
    }

    [Fact]
    public void What_a_replaced_match_becomes_has_the_place_of_its_last_character()
    {
        Tokenizer tokenizer = Load("""  "normalizer":{"type":"Replace","pattern":{"Regex":"(a)b"},"content":"$1"}  """);
        Assert.Equal([new TextRange(1, 2)], tokenizer.Encode("ab", addSpecialTokens: false).Offsets);
    }

    [Fact]
    public void A_regular_expression_that_cannot_be_carried_out_is_named()
    {
        var error = Assert.Throws<NotSupportedModelException>(() => Load("""  "normalizer":{"type":"Replace","pattern":{"Regex":"(a)\\1"},"content":"b"}  """));
        Assert.Contains(@"(a)\1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\tb", 4)]
    [InlineData("a\u0001b", 3)]
    [InlineData("a\u200Bb", 4)]
    [InlineData("\u2028", 8)]
    [InlineData("a\u007F", 1)]
    [InlineData("a\u00A0b", 0)]
    public void Nmt_leaves_out_controls_and_makes_spaces(string text, int expected) =>
        Assert.Equal([expected], Load("""  "normalizer":{"type":"Nmt"}  """).EncodeIds(text, addSpecialTokens: false));

    [Fact]
    public void Text_is_cut_at_a_delimiter_which_goes()
    {
        Tokenizer tokenizer = Load("""  "pre_tokenizer":{"type":"CharDelimiterSplit","delimiter":"x"}  """);
        TokenEncoding encoding = tokenizer.Encode("axbxx-", addSpecialTokens: false);
        Assert.Equal([1, 2, 5], encoding.Ids);
        Assert.Equal([new TextRange(0, 1), new TextRange(2, 3), new TextRange(5, 6)], encoding.Offsets);
        Assert.Throws<BadFileException>(() => Load("""  "pre_tokenizer":{"type":"CharDelimiterSplit","delimiter":"xy"}  """));
    }

    [Fact]
    public void A_template_without_the_text_leaves_it_out_with_and_without_special_tokens()
    {
        Tokenizer tokenizer = Load("""  "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}}],"pair":[],"special_tokens":{"x":{"id":"x","ids":[7],"tokens":["x"]}}}  """);
        Assert.Equal([7], tokenizer.EncodeIds("ab", addSpecialTokens: true));
        Assert.Empty(tokenizer.EncodeIds("ab", addSpecialTokens: false));
    }

    [Fact]
    public void A_template_behind_a_template_is_refused()
    {
        const string template = """{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}}""";
        var error = Assert.Throws<NotSupportedModelException>(() => Load($$"""  "post_processor":{"type":"Sequence","processors":[{{template}},{{template}}]}  """));
        Assert.Contains("behind a TemplateProcessing", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_unigram_piece_named_like_a_special_token_is_found_in_normalized_text_unless_they_are_not_to_be_recognised()
    {
        Tokenizer tokenizer = Load(
            """  "normalizer":{"type":"Lowercase"},"added_tokens":[{"id":4,"content":"<s>","special":true,"normalized":false}]  """,
            """{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["<",-1],["s",-1],[">",-1],["<s>",-0.5],["a",-1]],"byte_fallback":false}""");
        Assert.Equal([5, 4, 5], tokenizer.EncodeIds("a<S>a", addSpecialTokens: false));
        Assert.Equal([5, 4, 5], tokenizer.EncodeIds("a<s>a", addSpecialTokens: false));
        Assert.Equal([5, 1, 2, 3, 5], tokenizer.EncodeIds("a<S>a", addSpecialTokens: false, recogniseSpecialTokens: false));
        Assert.Equal([5, 1, 2, 3, 5], tokenizer.EncodeIds("a<s>a", addSpecialTokens: false, recogniseSpecialTokens: false));
    }
}
