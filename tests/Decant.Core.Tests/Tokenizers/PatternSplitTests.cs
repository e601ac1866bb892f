using System.Globalization;
using Decant.Core.Errors;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Splits by any pattern, beside the scanners that were written for three of them.</summary>
public class PatternSplitTests
{
    public static TheoryData<string> Known => [.. SplitPatterns.All.Select(p => p.Regex)];

    [Theory]
    [MemberData(nameof(Known))]
    public void A_pattern_cuts_every_text_where_its_scanner_does(string regex)
    {
        var general = new PatternSplitPreTokenizer(regex, isRegex: true, SplitBehavior.Isolated);
        var written = new SplitPreTokenizer(SplitPatterns.Find(regex)!);
        int compared = 0;
        foreach (string folder in new[] { "bytelevel-gpt2", "bytelevel-llama3", "bytelevel-qwen2" })
        {
            foreach (EncodingCase each in TokenizerFixtures.Cases(folder))
            {
                Assert.Equal(Pieces(written, each.Text), Pieces(general, each.Text));
                compared++;
            }
        }
        Assert.True(compared > 3000);
    }

    [Theory]
    [InlineData("Removed", false, "a|b|c")]
    [InlineData("Isolated", false, "a|-|-|b|-|c")]
    [InlineData("MergedWithPrevious", false, "a-|-|b-|c")]
    [InlineData("MergedWithNext", false, "a|-|-b|-c")]
    [InlineData("Contiguous", false, "a|--|b|-|c")]
    [InlineData("Removed", true, "-|-|-")]
    public void Matches_go_where_the_behaviour_says(string name, bool isInverted, string expected)
    {
        SplitBehavior behavior = Enum.Parse<SplitBehavior>(name);
        Assert.Equal(expected, string.Join('|', Pieces(new PatternSplitPreTokenizer("-", isRegex: false, behavior, isInverted), "a--b-c")));
        Assert.Equal(expected, string.Join('|', Pieces(new PatternSplitPreTokenizer("[-]", isRegex: true, behavior, isInverted), "a--b-c")));
    }

    [Theory]
    [InlineData(@"[a[bc]]+", "abcd", "abc|d")]
    [InlineData(@"[^(\s|[.,])]+", "ab(c.d e", "ab|(|c|.|d| |e")]
    [InlineData(@"\p{N}{1,3}", "12345x\U0001D7D8\U0001D7D9", "123|45|x|\U0001D7D8\U0001D7D9")]
    [InlineData(@"a?+b", "ab b aa", "ab| |b| aa")]
    [InlineData(@"a++a|b", "aaab", "aaa|b")]
    [InlineData(@"(?i:'s|k)", "x'\u017F\u212A'S", "x|'\u017F|\u212A|'S")]
    [InlineData(@"\w+", "e\u0301t \u200Dx", "e\u0301t| \u200D|x")]
    [InlineData(@"\s+$", "a  \nb ", "a|  |\nb| ")]
    [InlineData(@"\p{L}+", "\U0001F600\U00020000a", "\U0001F600|\U00020000a")]
    [InlineData(@"[\u4e00-\u9fa5]+", "\u4F60\u597Da", "\u4F60\u597D|a")]
    public void Rubys_syntax_is_understood(string regex, string text, string expected) =>
        Assert.Equal(expected, string.Join('|', Pieces(new PatternSplitPreTokenizer(regex, isRegex: true, SplitBehavior.Isolated), text)));

    [Theory]
    [InlineData(@"\p{Han}")]
    [InlineData(@"[[:alpha:]]")]
    [InlineData(@"[a-z&&[^b]]")]
    [InlineData(@"\h")]
    [InlineData(@"(?<x>a)")]
    [InlineData("\U00010400")]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("[a")]
    [InlineData("*a")]
    [InlineData("\\")]
    public void What_is_not_understood_is_refused(string regex) =>
        Assert.Throws<FormatException>(() => new PatternSplitPreTokenizer(regex, isRegex: true, SplitBehavior.Isolated));

    [Fact]
    public void A_pattern_that_takes_for_ever_ends_in_a_message()
    {
        var split = new PatternSplitPreTokenizer("(?:a|a|aa)+b", isRegex: true, SplitBehavior.Isolated) { TimeLimit = TimeSpan.FromMilliseconds(50) };
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => Pieces(split, new string('a', 5000)));
        Assert.Contains("split pattern", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Stand_ins_have_the_category_they_stand_for()
    {
        foreach (int codePoint in (int[])[0x10400, 0x10428, 0x1D7D8, 0x1F600, 0x20000, 0x1D165, 0x10A01, 0x1E8D0, 0xE0001, 0x10FFFF, 0x1F3FB, 0x10100, 0x1D6C1, 0x11FDD])
        {
            string category = CharUnicodeInfo.GetUnicodeCategory(codePoint).ToString();
            Assert.Equal(category, CharUnicodeInfo.GetUnicodeCategory(PatternSplitPreTokenizer.StandInOf(codePoint)).ToString());
        }
    }

    private static string[] Pieces(PreTokenizer splitter, string text)
    {
        var words = new WordList(AlignedText.FromSource(text, isAligned: false));
        splitter.Apply(words);
        return [.. words.Words.Select(w => words.Text.Slice(w.Start, w.Length).ToString())];
    }
}
