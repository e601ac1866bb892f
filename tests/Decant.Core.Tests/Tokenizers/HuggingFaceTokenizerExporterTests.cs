using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Tokenizers written as tokenizer.json and tokenizer_config.json.</summary>
public class HuggingFaceTokenizerExporterTests
{
    public static TheoryData<string> All => [.. TokenizerFixtures.All];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(All))]
    public void A_written_folder_gives_every_case(string folder)
    {
        Tokenizer read = WriteAndRead(TokenizerFixtures.Load(folder));
        Assert.Equal(TokenizerFixtures.Load(folder).Fingerprint, read.Fingerprint);
        Assert.All(TokenizerFixtures.Cases(folder), expected => Assert.Null(TokenizerFixtures.Difference(read, expected)));
    }

    [Theory]
    [InlineData("smollm2-135m/smollm2-135m-q8_0.gguf", "smollm2")]
    [InlineData("stories260K/stories260K-f32.gguf", "spm-bpe")]
    public void A_gguf_vocabulary_becomes_a_folder_that_gives_the_same(string file, string texts)
    {
        Tokenizer gguf = GgufTokenizerTests.LoadModel(file);
        Tokenizer read = WriteAndRead(gguf);
        Assert.Equal(gguf.Fingerprint, read.Fingerprint);
        Assert.Equal(gguf.Special with { EndOfGeneration = [] }, read.Special with { EndOfGeneration = [] });
        Assert.Equal(gguf.Special.EndOfGeneration, read.Special.EndOfGeneration);
        Assert.Equal(gguf.ChatTemplate, read.ChatTemplate);
        Assert.All(TokenizerFixtures.Cases(texts), each =>
        {
            TokenEncoding expected = gguf.Encode(each.Text, each.AddSpecialTokens);
            TokenEncoding got = read.Encode(each.Text, each.AddSpecialTokens);
            Assert.Equal(expected.Ids, got.Ids);
            Assert.Equal(expected.Tokens, got.Tokens);
            Assert.Equal(expected.Offsets, got.Offsets);
            Assert.Equal(gguf.Decode([.. expected.Ids], true), read.Decode([.. expected.Ids], true));
        });
    }

    [Theory]
    [InlineData("spm-bpe", 0)]
    [InlineData("gemma-like", 0)]
    // tokenizer.json has the map of characters by graphemes and sums in double precision.
    [InlineData("spm-unigram", 15)]
    [InlineData("spm-unigram-albert", 18)]
    public void A_model_file_becomes_a_folder_that_gives_the_same(string folder, int mostDifferent)
    {
        Tokenizer model = TokenizerFixtures.LoadFiles(folder, ["tokenizer.model"], null);
        Tokenizer read = WriteAndRead(model);
        Assert.Equal(model.Fingerprint, read.Fingerprint);
        Assert.Equal(model.PrefixIds, read.PrefixIds);
        Assert.Equal(model.SuffixIds, read.SuffixIds);
        List<EncodingCase> cases = TokenizerFixtures.Cases(folder);
        string[] different = [.. cases.Where(c => !model.EncodeIds(c.Text, true).AsSpan().SequenceEqual(read.EncodeIds(c.Text, true))).Select(c => TokenizerFixtures.Show(c.Text))];
        Assert.True(different.Length <= mostDifferent, $"{different.Length} of {cases.Count} differ:\n{string.Join('\n', different.Take(8))}");
    }

    private static Tokenizer WriteAndRead(Tokenizer tokenizer)
    {
        using var folder = new TemporaryFolder();
        using (FileStream stream = File.Create(folder["tokenizer.json"]))
            HuggingFaceTokenizerExporter.WriteTokenizerJson(tokenizer, stream);
        File.WriteAllText(folder["tokenizer_config.json"], HuggingFaceTokenizerExporter.MakeTokenizerConfig(tokenizer).ToJsonString());
        return TokenizerLoader.LoadFolder(folder.Path);
    }
}
