using Decant.Testing;
using Decant.Core.Tokenizers;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Every case of every folder of shared/fixtures/tokenizers.</summary>
public class TokenizerFixtureTests
{
    private const int ShownFailures = 8;

    public static TheoryData<string> All => [.. TokenizerFixtures.All];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(All))]
    public void Ids_tokens_and_offsets_are_the_references(string folder)
    {
        Tokenizer tokenizer = TokenizerFixtures.Load(folder);
        List<EncodingCase> cases = TokenizerFixtures.Cases(folder);
        Assert.InRange(cases.Count, 1000, 2000);
        List<string> failures = [.. cases.Select(c => TokenizerFixtures.Difference(tokenizer, c)).OfType<string>()];
        Assert.True(failures.Count == 0, $"{failures.Count} of {cases.Count} differ:\n{string.Join('\n', failures.Take(ShownFailures))}");
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(All))]
    public void Decoded_text_is_the_references(string folder)
    {
        Tokenizer tokenizer = TokenizerFixtures.Load(folder);
        List<EncodingCase> cases = TokenizerFixtures.Cases(folder);
        Assert.InRange(cases.Count, 1000, 2000);
        Assert.All(cases, expected =>
        {
            Assert.Equal(expected.Decoded, tokenizer.Decode(expected.Ids, skipSpecialTokens: false));
            Assert.Equal(expected.DecodedSkipSpecial, tokenizer.Decode(expected.Ids, skipSpecialTokens: true));
        });
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(All))]
    public void Streams_give_each_piece_as_soon_as_it_is_certain(string folder)
    {
        Tokenizer tokenizer = TokenizerFixtures.Load(folder);
        List<StreamCase> cases = TokenizerFixtures.Streams(folder);
        Assert.InRange(cases.Count, 200, 300);
        Assert.All(cases, expected =>
        {
            StreamingDecoder stream = tokenizer.CreateStream(expected.SkipSpecialTokens);
            string[] pieces = [.. expected.Ids.Select(stream.Push)];
            Assert.Equal(expected.Pieces, pieces);
            string flush = stream.Flush();
            Assert.Equal(expected.Flush, flush);
            int[] kept = [.. expected.Ids.Where(id => !(expected.SkipSpecialTokens && tokenizer.IsSpecial(id)))];
            Assert.Equal(expected.Decoded, tokenizer.Decode(kept, skipSpecialTokens: false));
            if (!expected.IsMalformed)
                Assert.Equal(expected.Decoded, string.Concat(pieces) + flush);
        });
    }

    [Fact]
    public void No_folder_is_forgotten()
    {
        SharedFiles.RequireWholeSet();
        Assert.Equal(19, TokenizerFixtures.All.Count());
    }
}
