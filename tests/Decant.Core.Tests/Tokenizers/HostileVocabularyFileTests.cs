using System.Text;
using Decant.Core.Errors;
using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Damaged and hostile tokenizer.model, vocab.json, merges.txt and vocab.txt: always one of the documented errors, or a tokenizer that works.</summary>
public class HostileVocabularyFileTests
{
    private const string Sample = "Hello  wörld<s> \u0301a123 can't <mask>\n\n\U0001F600\0 ab aab \uFB01";

    private static readonly (string, float, int)[] pieces =
    [
        ("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("\u2581", -1, 1), ("a", -2, 1), ("b", -2, 1), ("ab", -1.5f, 1), ("\u2581ab", -1.2f, 1), ("<mask>", 0, 4), ("o", -3, 1), ("fi", -3, 1), ("l", -4, 5),
    ];

    // ﬁ (EF AC 81) becomes "fi": at unit 0 the root with its children at 256 ^ label, and so on, each level 256 units further.
    private static uint[] Ligature()
    {
        uint[] units = new uint[1200];
        units[0] = Offset(256);
        units[256 ^ 0xEF] = 0xEF | Offset((256 ^ 0xEF) ^ 512);
        units[512 ^ 0xAC] = 0xAC | Offset((512 ^ 0xAC) ^ 768);
        units[768 ^ 0x81] = 0x81 | 1 << 8 | Offset((768 ^ 0x81) ^ 1024);
        units[1024] = 0x8000_0000;
        return units;
    }

    private static uint Offset(int distance) => (uint)distance << 10;

    private static byte[] Model(int kind, uint[]? map = null, string strings = "fi\0", byte[]? trainer = null) => SentencePieceBuilder.Model(
        pieces,
        [.. SentencePieceBuilder.Number(3, (ulong)kind), .. trainer ?? []],
        map is null ? [] : SentencePieceBuilder.Field(2, SentencePieceBuilder.Map(map, strings)));

    [Theory]
    [InlineData(1, new[] { 7, 0, 3, 10 })]
    [InlineData(2, new[] { 7, 0, 3, 10 })]
    [InlineData(3, new[] { 0 })]
    [InlineData(4, new[] { 3, 4, 5, 0, 3, 0 })]
    public void A_small_model_of_every_kind_is_read(int kind, int[] expected)
    {
        Tokenizer tokenizer = Load("tokenizer.model", Model(kind, Ligature()));
        Assert.Equal(expected, tokenizer.EncodeIds("  abz   \uFB01 ", addSpecialTokens: false));
        // Where whole words are cut, a user-defined piece is a word like any other.
        Assert.Equal(kind != 3, tokenizer.EncodeIds("ab<mask>", addSpecialTokens: false, recogniseSpecialTokens: false).Contains(8));
        Assert.DoesNotContain(1, tokenizer.EncodeIds("a<s>b", addSpecialTokens: false, recogniseSpecialTokens: false));
        Assert.Contains(1, tokenizer.EncodeIds("a<s>b", addSpecialTokens: false));
    }

    [Fact]
    public void Every_truncation_of_a_model_file_is_a_bad_file_or_a_shorter_model()
    {
        byte[] whole = Model(1, Ligature());
        for (int length = 0; length < whole.Length; length += length < 300 ? 1 : 97)
            Use(() => Load("tokenizer.model", whole[..length]));
        Assert.Throws<BadFileException>(() => Load("tokenizer.model", []));
        Assert.Throws<BadFileException>(() => Load("tokenizer.model", whole[..^1]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Mutations_of_a_model_file_end_in_documented_errors(int kind)
    {
        var mutator = new Mutator(kind);
        byte[] whole = Model(kind, Ligature());
        int loaded = 0;
        for (int i = 0; i < 1500; i++)
            loaded += Use(() => Load("tokenizer.model", mutator.Damage(whole, 260))) ? 1 : 0;
        Assert.InRange(loaded, 50, 1450);
    }

    [Theory]
    [InlineData("cycle", "leads back into itself")]
    [InlineData("long", "longer than 256 bytes")]
    [InlineData("outside", "points to unit")]
    [InlineData("string", "of strings")]
    [InlineData("middle", "of strings")]
    [InlineData("length", "its trie has")]
    [InlineData("utf8", "no UTF-8")]
    public void A_damaged_map_of_characters_says_what_is_wrong(string damage, string message)
    {
        uint[] units = Ligature();
        string strings = "fi\0";
        switch (damage)
        {
            case "cycle":
                units[768 ^ 0x81] = 0x81 | Offset((768 ^ 0x81) ^ 256);
                break;
            case "long":
                units = new uint[256 * 400];
                units[0] = Offset(256);
                for (int level = 1; level < 399; level++)
                    units[256 * level ^ 'x'] = 'x' | Offset((256 * level ^ 'x') ^ 256 * (level + 1));
                break;
            case "outside":
                units[768 ^ 0x81] = 0x81 | 1 << 8 | Offset(1 << 20);
                break;
            case "string":
                units[1024] = 0x8000_0000 + 77;
                break;
            case "middle":
                (units[1024], strings) = (0x8000_0001, "é\0");
                break;
        }
        byte[] map = SentencePieceBuilder.Map(units, strings);
        if (damage == "length")
            map[3] = 0x7F;
        if (damage == "utf8")
            map[^3] = 0xFF;
        BadFileException error = Assert.Throws<BadFileException>(() => Load("tokenizer.model", SentencePieceBuilder.Model(pieces, [], SentencePieceBuilder.Field(2, map))));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("precompiled_charsmap", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_file_that_contradicts_itself_says_where()
    {
        Check([("<unk>", 0, 2), ("a", 0, 1), ("a", -1, 1)], [], "'a' occurs twice");
        Check([("<unk>", 0, 2), ("", 0, 1)], [], "piece 1");
        Check([("a", 0, 1)], [], "one piece of type unknown");
        Check([("<unk>", 0, 2), ("<unk2>", 0, 2)], [], "one piece of type unknown");
        Check([("<unk>", 0, 2), ("a", float.NaN, 1)], [], "the score of piece 1");
        Check([("<unk>", 0, 2), ("a", 0, 9)], [], "the type of piece 1");
        Check([("<unk>", 0, 2), ("<0x4>", 0, 6)], [], "<0x41>");
        Check([("<unk>", 0, 2), ("<0x41>", 0, 6)], SentencePieceBuilder.Number(35, 1), "256 bytes");
        Check([("<unk>", 0, 2), (new string('x', 5000), 0, 1)], [], "at most 1024 characters");
        Check([("<unk>", 0, 2)], SentencePieceBuilder.Number(3, 7), "trainer_spec.model_type");
        void Check((string, float, int)[] some, byte[] trainer, string message)
        {
            BadFileException error = Assert.Throws<BadFileException>(() => Load("tokenizer.model", SentencePieceBuilder.Model(some, trainer, [])));
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
            Assert.Contains("tokenizer.model: ", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"a":0,"b":1,"ab":1}""", "a b\n", "have the same id 1")]
    [InlineData("""{"a":0,"b":1}""", "a b\n", "token 'ab' in the vocabulary")]
    [InlineData("""{"a":0,"b":1,"ab":2}""", "a c\n", "token 'c' in the vocabulary")]
    [InlineData("""{"a":0,"b":1,"ab":2}""", "a b b\n", "two tokens with a space between")]
    [InlineData("""{"a":0,"a":1}""", "", "occurs twice")]
    [InlineData("""{"a":-1}""", "", "an id from 0")]
    [InlineData("""{"a":2000000000}""", "", "an id from 0")]
    [InlineData("""[1]""", "", "an object")]
    [InlineData("""{"a":0""", "", "not valid JSON")]
    public void Two_files_that_do_not_fit_say_where(string vocabulary, string merges, string message)
    {
        BadFileException error = Assert.Throws<BadFileException>(() => Load("vocab.json", Encoding.UTF8.GetBytes(vocabulary), ("merges.txt", merges)));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.True(error.Message.Contains("vocab.json", StringComparison.Ordinal) || error.Message.Contains("merges.txt", StringComparison.Ordinal), error.Message);
    }

    [Fact]
    public void A_file_that_is_missing_is_named()
    {
        BadFileException error = Assert.Throws<BadFileException>(() => Load("vocab.json", "{}"u8.ToArray()));
        Assert.Contains("merges.txt", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[UNK]\na\na\n", "'a' occurs twice")]
    [InlineData("a\nb\n", "the unknown token '[UNK]'")]
    [InlineData("\n\n", "tokens, got none")]
    [InlineData("\u00FF\n", "UTF-8")]
    public void A_word_list_that_is_none_says_why(string text, string message)
    {
        BadFileException error = Assert.Throws<BadFileException>(() => Load("vocab.txt", Encoding.Latin1.GetBytes(text)));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.model", "CamembertTokenizer")]
    [InlineData("vocab.json", "CLIPTokenizer")]
    [InlineData("vocab.txt", "BertJapaneseTokenizer")]
    public void Classes_with_rules_of_their_own_are_refused_by_name(string file, string name)
    {
        byte[] bytes = file switch { "tokenizer.model" => Model(1), "vocab.json" => "{\"a\":0}"u8.ToArray(), _ => "[UNK]\n"u8.ToArray() };
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(
            () => Load(file, bytes, ("merges.txt", ""), ("tokenizer_config.json", $$"""{"tokenizer_class":"{{name}}"}""")));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    private static Tokenizer Load(string file, byte[] bytes, params (string Name, string Text)[] others)
    {
        using var folder = new TemporaryFolder();
        folder.Write(file, bytes);
        foreach ((string name, string text) in others)
            folder.Write(name, Encoding.UTF8.GetBytes(text));
        return TokenizerLoader.LoadFolder(folder.Path);
    }

    private static bool Use(Func<Tokenizer> load)
    {
        try
        {
            Tokenizer tokenizer = load();
            TokenEncoding encoding = tokenizer.Encode(Sample, addSpecialTokens: true);
            Assert.Equal(encoding.Ids, tokenizer.EncodeIds(Sample, addSpecialTokens: true));
            Assert.All(encoding.Offsets, o => Assert.InRange(o.Start, 0, Sample.Length));
            tokenizer.Decode([.. encoding.Ids, -1, int.MaxValue], skipSpecialTokens: false);
            return true;
        }
        catch (DecantException e)
        {
            Assert.True(e is BadFileException or NotSupportedModelException, e.ToString());
            return false;
        }
    }
}
