using Decant.Core.Tokenizers;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>The fixture folders' other files: tokenizer.model, vocab.json with merges.txt, vocab.txt.</summary>
public class VocabularyFileTests
{
    private const int ShownFailures = 8;

    private const string qwenConfig = """
        {"tokenizer_class":"Qwen2Tokenizer","added_tokens_decoder":{"3000":{"content":"<|endoftext|>","special":true},
        "3001":{"content":"<|im_start|>","special":true},
        "3002":{"content":"<|im_end|>","special":true},
        "3003":{"content":"<tool_call>","special":false,"normalized":false},
        "3004":{"content":"</tool_call>","special":false,"normalized":false},
        "3005":{"content":"<think>","special":false,"normalized":false},
        "3006":{"content":"</think>","special":false,"normalized":false}}}
        """;

    private const string robertaConfig = """{"tokenizer_class":"RobertaTokenizer","add_prefix_space":true}""";

    public static TheoryData<string> Models => ["gemma-like", "spm-bpe", "spm-bpe-metaspace", "spm-unigram", "spm-unigram-albert"];

    /// <summary>The other files a folder has, and the tokenizer_config.json that they need to give its cases.</summary>
    internal static IEnumerable<(string[] Files, string? Config)> OtherFiles(string folder) => folder switch
    {
        "bytelevel-gpt2" or "bytelevel-smollm" or "openai-gpt" => [(["vocab.json", "merges.txt"], null)],
        "bytelevel-qwen2" => [(["vocab.json", "merges.txt"], qwenConfig)],
        "bytelevel-roberta" => [(["vocab.json", "merges.txt"], robertaConfig)],
        "wordpiece-cased" or "wordpiece-uncased" => [(["vocab.txt"], null)],
        _ => [],
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Ids_are_sentencepieces_own(string folder)
    {
        Tokenizer tokenizer = TokenizerFixtures.LoadFiles(folder, ["tokenizer.model"], null);
        List<EncodingCase> cases = TokenizerFixtures.Cases(folder);
        Assert.EndsWith("tokenizer.model", tokenizer.File, StringComparison.Ordinal);
        List<string> failures = [];
        foreach (EncodingCase each in cases)
        {
            int[] got = tokenizer.EncodeIds(each.Text, addSpecialTokens: false, recogniseSpecialTokens: false);
            if (!got.AsSpan().SequenceEqual(each.SentencePieceIds))
                failures.Add($"{each.Group} {TokenizerFixtures.Show(each.Text)}: {string.Join(' ', each.SentencePieceIds!.Select(tokenizer.TokenText))} got {string.Join(' ', got.Select(tokenizer.TokenText))}");
        }
        Assert.True(failures.Count == 0, $"{failures.Count} of {cases.Count} differ:\n{string.Join('\n', failures.Take(ShownFailures))}");
    }

    [Theory]
    [InlineData("spm-bpe", """{"tokenizer_class":"LlamaTokenizer"}""")]
    [InlineData("spm-bpe", null)]
    [InlineData("gemma-like", """{"tokenizer_class":"GemmaTokenizer","added_tokens_decoder":{"4":{"content":"<mask>","special":true},"5":{"content":"<start_of_turn>","special":true},"6":{"content":"<end_of_turn>","special":true},"3000":{"content":"<eos>","special":true},"3001":{"content":"<bos>","special":true}}}""", false)]
    // The json file differs from the model in 13 texts of 989: stacked marks, U+0085, equal scores.
    [InlineData("spm-unigram", """{"tokenizer_class":"T5TokenizerFast","added_tokens_decoder":{"4000":{"content":"<extra_id_0>","special":true},"4001":{"content":"<extra_id_1>","special":true}}}""", false, false, 14)]
    // Blank texts and trailing white space leave a mark in the json file, which SentencePiece takes away.
    [InlineData("spm-unigram-albert", """{"tokenizer_class":"AlbertTokenizer"}""", false, false, 159)]
    public void A_model_file_gives_the_cases_of_the_json_file(
        string folder, string? config, bool compareTokens = true, bool compareOffsets = true, int mostDifferent = 0) =>
        CheckCases(folder, ["tokenizer.model"], config, compareTokens, compareOffsets, mostDifferent);

    [Theory]
    [InlineData("bytelevel-gpt2", null)]
    [InlineData("bytelevel-gpt2", """{"tokenizer_class":"GPT2Tokenizer"}""")]
    [InlineData("bytelevel-qwen2", qwenConfig)]
    [InlineData("bytelevel-smollm", null)]
    [InlineData("bytelevel-smollm", """{"tokenizer_class":"GPT2Tokenizer"}""")]
    [InlineData("bytelevel-roberta", robertaConfig)]
    [InlineData("openai-gpt", null)]
    [InlineData("openai-gpt", """{"tokenizer_class":"OpenAIGPTTokenizer"}""")]
    public void Two_files_give_the_cases_of_the_json_file(string folder, string? config) => CheckCases(folder, ["vocab.json", "merges.txt"], config);

    [Theory]
    [InlineData("wordpiece-uncased", null)]
    [InlineData("wordpiece-cased", null)]
    [InlineData("wordpiece-uncased", """{"tokenizer_class":"BertTokenizer"}""")]
    [InlineData("wordpiece-cased", """{"tokenizer_class":"DistilBertTokenizer","do_lower_case":false}""")]
    public void A_word_list_gives_the_cases_of_the_json_file(string folder, string? config) => CheckCases(folder, ["vocab.txt"], config);

    private static void CheckCases(string folder, string[] files, string? config, bool compareTokens = true, bool compareOffsets = true, int mostDifferent = 0)
    {
        Tokenizer tokenizer = TokenizerFixtures.LoadFiles(folder, files, config);
        Assert.EndsWith(files[0], tokenizer.File, StringComparison.Ordinal);
        List<EncodingCase> cases = TokenizerFixtures.Cases(folder);
        List<string> failures = [.. cases.Select(c => TokenizerFixtures.Difference(tokenizer, c, compareTokens, compareOffsets)).OfType<string>()];
        Assert.True(failures.Count <= mostDifferent, $"{failures.Count} of {cases.Count} differ:\n{string.Join('\n', failures.Take(ShownFailures))}");
    }
}
