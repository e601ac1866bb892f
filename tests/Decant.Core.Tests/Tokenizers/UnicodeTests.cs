using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.Normalizers;
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
        var members = new HashSet<int>();
        foreach (JsonElement range in classes.Value.GetProperty(name).EnumerateArray())
            members.UnionWith(Enumerable.Range(range[0].GetInt32(), range[1].GetInt32() - range[0].GetInt32() + 1));
        Assert.NotEmpty(members);
        Assert.Empty(Scalars().Where(c => ((int)CodePointClasses.Of(c) & flag) != 0 != members.Contains(c)).Select(c => $"U+{c:X4}"));
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

    private static string Normalize(string text) => new NfcNormalizer().Normalize(AlignedText.FromSource(text, isAligned: false)).ToString();

    private static IEnumerable<int> Scalars() => Enumerable.Range(0, 0x110000).Where(c => c is < 0xD800 or > 0xDFFF);
}
