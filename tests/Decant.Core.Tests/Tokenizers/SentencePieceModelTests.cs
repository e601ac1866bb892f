using System.Text;
using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Small SentencePiece models. The ids and texts expected are those of SentencePiece's own library for the same bytes.</summary>
public sealed class SentencePieceModelTests : IDisposable
{
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Byte = 6;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private Tokenizer Load((string, float, int)[] pieces, byte[] trainer, byte[] normalizer)
    {
        folder.Write("tokenizer.model", SentencePieceBuilder.Model(pieces, trainer, normalizer));
        folder.Write("tokenizer_config.json", """{"add_bos_token":false,"add_eos_token":false}"""u8);
        return TokenizerLoader.LoadFolder(folder.Path);
    }

    [Theory]
    [InlineData("the dog bird cat", new[] { 2, 0, 3 })]
    [InlineData("the UDS cat", new[] { 2, 0, 3 })]
    [InlineData("  the  cat ", new[] { 2, 3 })]
    [InlineData("thecat", new[] { 0 })]
    public void Neighbouring_unknown_words_are_one(string text, int[] expected)
    {
        Tokenizer tokenizer = Load(Words(hasBytes: false), SentencePieceBuilder.Number(3, 3), []);
        Assert.Equal(expected, tokenizer.EncodeIds(text, addSpecialTokens: false));
        Assert.Equal(expected, tokenizer.Encode(text, addSpecialTokens: false).Ids);
    }

    [Theory]
    [InlineData("  the  cat ", new[] { 121, 109, 106, 3, 231, 155, 134 })]
    [InlineData("\u00e9 cat", new[] { 200, 174, 3, 231, 155, 134 })]
    public void Words_with_the_space_last_are_cut_before_spaces_and_become_bytes(string text, int[] expected)
    {
        byte[] trainer = [.. SentencePieceBuilder.Number(3, 3), .. SentencePieceBuilder.Number(35, 1), .. SentencePieceBuilder.Number(24, 1)];
        Assert.Equal(expected, Load(Words(hasBytes: true), trainer, []).EncodeIds(text, addSpecialTokens: false));
    }

    [Theory]
    [InlineData(true, true, false, "a|a |a a|a|a |a ")]
    [InlineData(true, false, false, " a|a |a a| a|a |a ")]
    [InlineData(false, true, false, "a|a |a a|a|a |a ")]
    [InlineData(false, false, false, "  a| a |a a|  a|a |a ")]
    [InlineData(true, true, true, "a|a |a a|a|a |a ")]
    [InlineData(true, false, true, " a|a |a a| a|a |a ")]
    public void Spaces_at_the_start_of_a_decoded_text_go_and_those_at_its_end_stay(bool addsPrefix, bool removesExtra, bool putsSpaceLast, string expected)
    {
        byte[] normalizer = [.. SentencePieceBuilder.Number(3, addsPrefix ? 1u : 0u), .. SentencePieceBuilder.Number(4, removesExtra ? 1u : 0u)];
        byte[] trainer = [.. SentencePieceBuilder.Number(3, 2), .. SentencePieceBuilder.Number(24, putsSpaceLast ? 1u : 0u)];
        Tokenizer tokenizer = Load(
            [("<unk>", 0, Unknown), ("\u2581", -1, Normal), ("a", -2, Normal), ("\u2581a", 0, Normal), ("a\u2581", 0, Normal), ("\u2581\u2581", -3, Normal)], trainer, normalizer);
        int[][] lists = [[1, 3], [3, 1], [4, 2], [1, 1, 2], [2, 1], [4]];
        Assert.Equal(expected, string.Join('|', lists.Select(ids => tokenizer.Decode(ids, skipSpecialTokens: false))));
        Assert.Equal(expected, string.Join('|', lists.Select(ids => Stream(tokenizer, ids))));
    }

    private static string Stream(Tokenizer tokenizer, int[] ids)
    {
        StreamingDecoder stream = tokenizer.CreateStream(skipSpecialTokens: false);
        var text = new StringBuilder();
        foreach (int id in ids)
            text.Append(stream.Push(id));
        return text.Append(stream.Flush()).ToString();
    }

    private static (string, float, int)[] Words(bool hasBytes) =>
    [
        ("<unk>", 0, Unknown), ("<s>", 0, Control), ("\u2581the", -1, Normal), ("\u2581cat", -2, Normal), ("UDS", 0, UserDefined),
        .. hasBytes ? Enumerable.Range(0, 256).Select(b => ($"<0x{b:X2}>", 0f, Byte)) : [],
    ];
}
