using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

public class TokenizerLoaderTests
{
    [Fact]
    public void The_config_names_the_special_tokens()
    {
        Tokenizer llama = TokenizerFixtures.Load("llama3");
        Assert.Equal((128000, 128001, null, null), (llama.Special.Bos, llama.Special.Eos, llama.Special.Unknown, llama.Special.Padding));
        Assert.Equal([128001, 128009], llama.Special.EndOfGeneration);
        Assert.False(llama.AddsBos);
        Assert.StartsWith("{% set loop_messages", llama.ChatTemplate, StringComparison.Ordinal);
        Tokenizer mistral = TokenizerFixtures.Load("mistral");
        Assert.Equal((1, 2, 0, null), (mistral.Special.Bos, mistral.Special.Eos, mistral.Special.Unknown, mistral.Special.Padding));
        Assert.True(mistral.AddsBos);
        Assert.False(mistral.AddsEos);
        Assert.Null(mistral.ChatTemplate);
        Tokenizer qwen = TokenizerFixtures.Load("qwen3");
        Assert.Equal((null, 151645, 151643), (qwen.Special.Bos, qwen.Special.Eos, qwen.Special.Padding));
        Assert.Equal(151669, qwen.VocabularyCount);
    }

    [Fact]
    public void The_vocabulary_can_be_asked()
    {
        Tokenizer tokenizer = TokenizerFixtures.Load("llama3");
        Assert.Equal(128256, tokenizer.VocabularyCount);
        Assert.Equal("Ġthe", tokenizer.TokenText(tokenizer.FindId("Ġthe")!.Value));
        Assert.Equal(128009, tokenizer.FindId("<|eot_id|>"));
        Assert.True(tokenizer.IsSpecial(128009));
        Assert.False(tokenizer.IsSpecial(5));
        Assert.Null(tokenizer.FindId("no such token"));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.TokenText(128256));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.TokenText(-1));
        Assert.NotEqual(tokenizer.Fingerprint, TokenizerFixtures.Load("qwen3").Fingerprint);
    }

    [Fact]
    public void A_folder_without_tokenizer_is_a_bad_file_and_a_model_without_one_has_none()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("tokenizer.json", Assert.Throws<BadFileException>(() => TokenizerLoader.LoadFolder(folder.Path)).Message, StringComparison.Ordinal);
        using IModelSource model = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "llama"));
        Assert.Null(TokenizerLoader.Load(model));
    }

    /// <summary>Gemma 3's image token and padding added without a row: plain text to the model, and no id that GGUF or the model has no room for.</summary>
    [Fact]
    public void Added_tokens_beyond_the_embedding_are_plain_text()
    {
        Tokenizer whole = TokenizerFixtures.Load("qwen3");
        Tokenizer cut = new(whole.Parts.Within(151645));
        Assert.Empty(whole.Notices);
        Assert.Contains("<|im_end|>", Assert.Single(cut.Notices), StringComparison.Ordinal);
        Assert.True(cut.VocabularyCount <= 151645);
        Assert.Null(cut.Special.Eos);
        Assert.Equal(whole.Special.Padding, cut.Special.Padding);
        Assert.DoesNotContain(cut.Special.EndOfGeneration, id => id >= 151645);
        int[] ids = cut.EncodeIds("a<|im_end|>", addSpecialTokens: false);
        Assert.All(ids, id => Assert.InRange(id, 0, 151644));
        Assert.Equal("a<|im_end|>", cut.Decode(ids, skipSpecialTokens: false));
        Assert.Same(whole.Parts, whole.Parts.Within(whole.VocabularyCount));
        Assert.Same(whole.Parts, whole.Parts.Within(10));
    }

    [Fact]
    public void Ids_without_a_token_are_noticed()
    {
        using var folder = new TemporaryFolder();
        folder.Write("vocab.json", """{"a": 0, "b": 1, "ab": 4}"""u8);
        folder.Write("merges.txt", "a b\n"u8);
        folder.Write("tokenizer_config.json", """{"tokenizer_class": "GPT2Tokenizer"}"""u8);
        Assert.Contains("no token for 2 of its 6 ids (2, 3)", Assert.Single(TokenizerLoader.LoadFolder(folder.Path).Notices), StringComparison.Ordinal);
    }

    [Fact]
    public void A_vocabulary_without_its_merges_says_what_is_missing()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("vocab.json", """{"a": 0, "b": 1, "ab": 2}"""u8);
        string message = Assert.Throws<BadFileException>(() => TokenizerLoader.LoadFolder(folder.Path)).Message;
        Assert.StartsWith($"{path}: merges.txt is missing beside it", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kind_of_file_that_is_not_read_is_named()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("tokenizer.model", "IQ== 0\nIg== 1\n"u8);
        Assert.Contains(path, Assert.Throws<NotSupportedModelException>(() => TokenizerLoader.LoadFolder(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_files_beside_tokenizer_json_are_read()
    {
        using var folder = new TemporaryFolder();
        byte[] mark = [0xEF, 0xBB, 0xBF];
        folder.Write("tokenizer.json", [.. mark, .. File.ReadAllBytes(Path.Combine(TokenizerFixtures.Folder("spm-bpe"), "tokenizer.json"))]);
        folder.Write("tokenizer_config.json", """
            {"bos_token":{"content":"<s>","lstrip":false},"eos_token":"</s>",
             "added_tokens_decoder":{"2":{"content":"</s>","special":true},"4000":{"content":"<|im_end|>","special":true},"4001":{"content":"<note>","special":false,"lstrip":true}},
             "chat_template":[{"name":"tool_use","template":"T"},{"name":"default","template":"D"}]}
            """u8);
        folder.Write("special_tokens_map.json", """{"bos_token":"</s>","pad_token":"<unk>"}"""u8);
        folder.Write("generation_config.json", """{"eos_token_id":[2,7]}"""u8);
        Tokenizer tokenizer = TokenizerLoader.LoadFolder(folder.Path);
        Assert.Equal((1, 2, null, 0), (tokenizer.Special.Bos, tokenizer.Special.Eos, tokenizer.Special.Unknown, tokenizer.Special.Padding));
        Assert.Equal([2, 7, 4000], tokenizer.Special.EndOfGeneration);
        Assert.Equal("D", tokenizer.ChatTemplate);
        Assert.Equal(4002, tokenizer.VocabularyCount);
        Assert.Equal([4001, 4000], tokenizer.EncodeIds("<note><|im_end|>", addSpecialTokens: false));
        Assert.Equal("<note>", tokenizer.Decode([4001, 4000], skipSpecialTokens: true));
        folder.Write("chat_template.json", """{"chat_template":"J"}"""u8);
        Assert.Equal("J", TokenizerLoader.LoadFolder(folder.Path).ChatTemplate);
        Assert.Equal("J", Decant.Core.Templates.ChatTemplateSource.Find(folder.Path, null)!.FindText());
        folder.Write("chat_template.jinja", "F"u8);
        Assert.Equal("F", TokenizerLoader.LoadFolder(folder.Path).ChatTemplate);
    }

    [Fact]
    public void Unpaired_surrogates_count_as_one_replacement_character()
    {
        Tokenizer tokenizer = TokenizerFixtures.Load("bytelevel-gpt2");
        Assert.Equal(tokenizer.Encode("a\uFFFDb", false).Ids, tokenizer.Encode("a\uD800b", false).Ids);
        Assert.Equal(3, tokenizer.Encode("a\uD800b", false).Offsets[^1].End);
    }

    [Fact]
    public async Task One_tokenizer_serves_several_threads()
    {
        Tokenizer tokenizer = TokenizerLoader.LoadFolder(TokenizerFixtures.Folder("spm-bpe"));
        List<EncodingCase> cases = TokenizerFixtures.Cases("spm-bpe");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            Assert.All(cases, c => Assert.Equal(c.Ids, tokenizer.EncodeIds(c.Text, c.AddSpecialTokens))))));
    }
}
