using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PreTokenizers;
using Decant.Core.Tokenizers.Unicode;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Classes, lower case and NFC of every code point against the reference's answers.</summary>
public class UnicodeTests
{
    private static readonly Lazy<JsonElement> classes = new(() =>
        JsonDocument.Parse(File.ReadAllText(SharedFiles.Require("fixtures", "tokenizers", "unicode-classes.json"))).RootElement);

    public static TheoryData<string, int> Classes => new()
    {
        { "regex_L", (int)CodePointClass.Letter },
        { "regex_N", (int)CodePointClass.Number },
        { "regex_s", (int)CodePointClass.WhiteSpace },
        { "digits_pre_tokenizer", (int)CodePointClass.Digit },
    };

    [Theory]
    [MemberData(nameof(Classes))]
    public void Every_code_point_is_in_the_references_class(string name, int flag)
    {
        HashSet<int> members = Members(name);
        Assert.NotEmpty(members);
        Assert.Empty(Scalars().Where(c => ((int)CodePointClasses.Of(c) & flag) != 0 != members.Contains(c)).Select(c => $"U+{c:X4}"));
    }

    [Theory]
    [InlineData("bert_punctuation")]
    [InlineData("bert_white_space")]
    [InlineData("whitespace_split")]
    [InlineData("bert_clean_removes")]
    [InlineData("bert_clean_makes_space")]
    [InlineData("bert_pads_chinese")]
    [InlineData("bert_strip_accents_removes")]
    [InlineData("strip_accents_removes")]
    public void Every_code_point_becomes_what_the_reference_makes_of_it(string name)
    {
        var clean = new BertNormalizer(cleansText: true, padsChinese: false, stripsAccents: false, lowercases: false);
        var pads = new BertNormalizer(cleansText: false, padsChinese: true, stripsAccents: false, lowercases: false);
        var accents = new BertNormalizer(cleansText: false, padsChinese: false, stripsAccents: true, lowercases: false);
        Func<string, bool> isMember = name switch
        {
            "bert_punctuation" => text => Words(new BertPreTokenizer(), $"a{text}a") == $"a/|/{text}/|/a",
            "bert_white_space" => text => Words(new BertPreTokenizer(), $"a{text}a") == "a/|/a",
            "whitespace_split" => text => Words(new WhitespaceSplitPreTokenizer(), $"a{text}a") == "a/|/a",
            "bert_clean_removes" => text => Normalize(clean, text).Length == 0,
            "bert_clean_makes_space" => text => Normalize(clean, text) == " ",
            "bert_pads_chinese" => text => Normalize(pads, text) == $" {text} ",
            "bert_strip_accents_removes" => text => Normalize(accents, text).Length == 0,
            _ => text => Normalize(FilterNormalizer.StripAccents, text).Length == 0,
        };
        HashSet<int> members = Members(name);
        Assert.NotEmpty(members);
        Assert.Empty(Scalars().Where(c => isMember(char.ConvertFromUtf32(c)) != members.Contains(c)).Select(c => $"U+{c:X4}"));
    }

    [Theory]
    [InlineData("nfd")]
    [InlineData("nfkd")]
    [InlineData("nfkc")]
    public void Other_forms_are_those_of_the_reference(string form)
    {
        // The fixture lists what differs from Unicode 14 (Python's tables); the runtime's, newer, agree with those for every code point that Unicode 14 assigns.
        var listed = classes.Value.GetProperty(form + "_unlike_unicode_14.0.0").EnumerateArray().ToDictionary(e => e[0].GetInt32(), e => e[1].GetString()!);
        Normalizer normalizer = form == "nfkc" ? new NfcNormalizer(compatibility: true) : new DecomposingNormalizer(compatibility: form == "nfkd");
        NormalizationForm runtimeForm = form switch { "nfd" => NormalizationForm.FormD, "nfkd" => NormalizationForm.FormKD, _ => NormalizationForm.FormKC };
        Assert.All(listed, item => Assert.Equal(item.Value, Normalize(normalizer, char.ConvertFromUtf32(item.Key))));
        if (System.Globalization.CultureInfo.InvariantCulture.CompareInfo.Version.FullVersion == 0)
            return;
        int compared = 0;
        foreach (int codePoint in Scalars().Where(c => !listed.ContainsKey(c)))
        {
            string text = char.ConvertFromUtf32(codePoint);
            string got = Normalize(normalizer, text);
            string expected = text.Normalize(runtimeForm);
            // Younger than Unicode 14 and unknown to the reference: it leaves them as they are.
            if (got == expected || got == text)
                compared++;
            else
                Assert.Fail($"U+{codePoint:X4}: {TokenizerFixtures.Show(expected)} got {TokenizerFixtures.Show(got)}");
        }
        Assert.True(compared > 1_000_000);
    }

    [Fact]
    public void Lower_case_differs_from_the_runtimes_only_where_the_reference_does()
    {
        // The fixture lists what differs from Unicode 14; everything else there is as in the runtime's newer tables.
        var listed = classes.Value.GetProperty("lowercase_unlike_unicode_14.0.0").EnumerateArray().ToDictionary(e => e[0].GetInt32(), e => e[1].GetString()!);
        Assert.Equal(55, listed.Count);
        foreach (int codePoint in Scalars())
        {
            string lower = char.ConvertFromUtf32(LowerCase.Of(codePoint, out int second)) + (second < 0 ? "" : char.ConvertFromUtf32(second));
            string expected = listed.TryGetValue(codePoint, out string? other) ? other
                : codePoint == 0x130 ? "i\u0307" : Rune.ToLowerInvariant(new Rune(codePoint)).ToString();
            Assert.Equal(expected, lower);
        }
    }

    [Fact]
    public void Nfc_of_every_code_point_is_that_of_unicode_9()
    {
        // SHA-256 of NFC of every scalar value, each followed by U+000A, made with Python 3.11's unicodedata (Unicode 14), whose answers for
        // single code points the fixture says are the reference's.
        const string expected = "9cc65524a9d8082bf10840c616cd199bd2ac12ee49a3381bd6fb7957711f342b";
        Assert.Equal(0, classes.Value.GetProperty("nfc_unlike_unicode_14.0.0").GetArrayLength());
        Assert.Equal(expected, HashOfNfc(c => char.ConvertFromUtf32(c)));
    }

    [Fact]
    public void Nfc_of_code_points_between_others_is_that_of_unicode_9()
    {
        // As above for strings that bring ordering, blocking and composition into play; code points younger than Unicode 9 taken for
        // starters that compose with nothing.
        const string expected = "ae8a96df16a97d5bd1b69298c75e59bde5c596cfcfb2ba6610c2ccb9c6c9054a";
        Assert.Equal(expected, HashOfNfc(c => c is >= 0x300 and < 0x11000 ? $"a\u0327{char.ConvertFromUtf32(c)}\u0301\u0323\uAC00{char.ConvertFromUtf32(c)}\u11A8" : ""));
    }

    [Theory]
    [InlineData("A\u0301\u0327", "\u00C1\u0327")]
    [InlineData("o\u0302\u0323", "\u1ED9")]
    [InlineData("\u1100\u1161\u11A8", "\uAC01")]
    [InlineData("\uAC00\u11A7", "\uAC00\u11A7")]
    [InlineData("\u0344", "\u0308\u0301")]
    [InlineData("\u212B", "\u00C5")]
    [InlineData("\u0958", "\u0915\u093C")]
    [InlineData("\u09C7\u09BE", "\u09CB")]
    [InlineData("\u0300a", "\u0300a")]
    public void Nfc_composes_orders_and_blocks(string text, string expected) => Assert.Equal(expected, Normalize(text));

    private static string HashOfNfc(Func<int, string> text)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (int codePoint in Scalars())
            hash.AppendData(Encoding.UTF8.GetBytes(Normalize(text(codePoint)) + "\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static HashSet<int> Members(string name)
    {
        var members = new HashSet<int>();
        foreach (JsonElement range in classes.Value.GetProperty(name).EnumerateArray())
            members.UnionWith(Enumerable.Range(range[0].GetInt32(), range[1].GetInt32() - range[0].GetInt32() + 1));
        return members;
    }

    private static string Normalize(Normalizer normalizer, string text) => normalizer.Normalize(AlignedText.FromSource(text, isAligned: false)).ToString();

    private static string Words(PreTokenizer splitter, string text)
    {
        var words = new WordList(AlignedText.FromSource(text, isAligned: false));
        splitter.Apply(words);
        return string.Join("/|/", words.Words.Select(w => words.Text.Slice(w.Start, w.Length)));
    }

    private static string Normalize(string text) => new NfcNormalizer().Normalize(AlignedText.FromSource(text, isAligned: false)).ToString();

    private static IEnumerable<int> Scalars() => Enumerable.Range(0, 0x110000).Where(c => c is < 0xD800 or > 0xDFFF);
}
