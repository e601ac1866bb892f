using Decant.Core.Errors;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.Gguf;
using Decant.Core.Tokenizers.PreTokenizers;
using Decant.Core.Tokenizers.PreTokenizers.Patterns;

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
    [InlineData(@"\p{Han}+", "\u3042\u4E00\U00020000\u3007x", "\u3042|\u4E00\U00020000\u3007|x")]
    [InlineData(@"[\p{Hiragana}\p{Katakana}]+|\p{^Han}", "\u3042\u30A2\u4E00z", "\u3042\u30A2|\u4E00|z")]
    [InlineData(@"[\p{L}&&[^\p{Han}]]+", "ab\u4E00\u4E8Cc", "ab|\u4E00\u4E8C|c")]
    [InlineData(@"[^a-z&&b-d]+", "abcd-e", "a|bcd|-e")]
    [InlineData("[\U00010400-\U0001044F]+", "a\U00010400\U0001044Eb\U00010450", "a|\U00010400\U0001044E|b\U00010450")]
    [InlineData("\U0001F600", "a\U0001F600\U0001F601", "a|\U0001F600|\U0001F601")]
    [InlineData(@"[[:alpha:]]+|[[:^word:]]", "a\u00B2\u00E9!", "a|\u00B2|\u00E9|!")]
    [InlineData(@"\w+", "a\u00B2\u2167\u24D0\u2466", "a\u00B2\u2167\u24D0|\u2466")]
    [InlineData(@"[\w]+|[[:word:]]", "a\u00B2\u2167\u24D0\u2466", "a|\u00B2|\u2167\u24D0|\u2466")]
    [InlineData(@"(?i:\p{Lu}+|[\p{Ll}]+)", "abAB", "abAB")]
    [InlineData(@"a(?i)b|c", "aBaCc", "aB|aC|c")]
    [InlineData(@"(?i)stra\u00DFe", "STRA\u1E9EE", "STRA\u1E9EE")]
    [InlineData(@"(?i:[^a-c])", "aBd", "aB|d")]
    [InlineData(@"\bb", "ab b-b", "ab |b|-|b")]
    [InlineData(@"(?<x>a)(?#remark)b", "aab", "a|ab")]
    [InlineData(@"(?m:.)+", "a\nb", "a\nb")]
    [InlineData(@".+", "a\nb", "a|\n|b")]
    [InlineData(@"\R", "a\r\nb\n", "a|\r\n|b|\n")]
    [InlineData(@"^b|a$", "ab\nb\na", "ab\n|b|\n|a")]
    [InlineData(@"(?=(\d{3})+(?!\d))", "1234567 12", "1|234|567 12")]
    [InlineData(@"\h{2}|[\b]", "ff0\bz", "ff|0|\b|z")]
    [InlineData(@"(?>a+)b|(?:ab?){,2}", "aab", "aab")]
    [InlineData(@"x{a", "x{a", "x{a")]
    public void Rubys_syntax_is_understood(string regex, string text, string expected) =>
        Assert.Equal(expected, string.Join('|', Pieces(new PatternSplitPreTokenizer(regex, isRegex: true, SplitBehavior.Isolated), text)));

    public static TheoryData<string, string, string> Published => new(
        ("gpt-4o", "HelloWorld's IT'LL 12345 a/b\n/", "Hello|World's| IT'LL| |123|45| a|/b|\n|/"),
        ("gpt-4o", "\u0E01\u0E33 e\u0301t\u00C9 \u4E2D\u6587", "\u0E01\u0E33| e\u0301t|\u00C9| \u4E2D\u6587"),
        ("tekken", "HelloWorld's 123", "Hello|World|'s| |1|2|3"),
        ("kimi-k2", "ab\u4E2D\u6587\U00020000cd's", "ab|\u4E2D\u6587\U00020000|cd's"),
        ("deepseek-v3", "x=.abc 1234 \u4E2D\u304B!?", "x|=.|abc| |123|4| |\u4E2D\u304B|!?"),
        ("deepseek-llm", "caf\u00E9 \u4E2D1 23", "caf|\u00E9| |\u4E2D|1| |2|3"),
        ("qwen35", "e\u0301a 12", "e\u0301a| |1|2"),
        ("bloom", "a b, c. d", "a| b|,| c|.| d"),
        ("viking", "a12", "a|1|2"),
        ("superbpe", "1234567 x", "1|234|567| x"),
        ("tiny_aya", "1234567 1000a", "1|234|567| |100|0|a"),
        ("exaone-moe", "one two, 3", "one two|,| |3"),
        ("jais-2", "a       b", "a|    |  | b"),
        ("starcoder", "a 12", "a| |1|2"),
        ("bailingmoe", "'LL a", "'LL| a"));

    [Theory]
    [MemberData(nameof(Published))]
    public void Published_patterns_cut_as_documented(string name, string text, string expected) =>
        Assert.Equal(expected, string.Join('|', Pieces(GgufPreTokenizers.Find(name)!.PreTokenizer, text)));

    [Theory]
    [InlineData(@"\p{Klingon}")]
    [InlineData(@"[[:letters:]]")]
    [InlineData(@"(a)\1")]
    [InlineData(@"(?x: a)")]
    [InlineData(@"a\Kb")]
    [InlineData(@"[a-\d]")]
    [InlineData(@"[b-a]")]
    [InlineData(@"a{3,1}")]
    [InlineData(@"\x{110000}")]
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
        var split = new PatternSplitPreTokenizer(new CodePointPattern("(?:a|a|aa)+b", isRegex: true) { TimeLimit = TimeSpan.FromMilliseconds(50) }, SplitBehavior.Isolated);
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => Pieces(split, new string('a', 5000)));
        Assert.Contains("pattern '", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_matches_that_take_long_together_end_in_a_message_too()
    {
        var split = new PatternSplitPreTokenizer(new CodePointPattern(@"(?=a+b?)", isRegex: true) { TimeLimit = TimeSpan.FromMilliseconds(50) }, SplitBehavior.Isolated);
        Assert.Throws<NotSupportedModelException>(() => Pieces(split, new string('a', 200_000)));
    }

    [Fact]
    public void Threes_from_the_right_are_those_of_the_expressions_they_stand_for()
    {
        var random = new Random(11);
        foreach (string regex in (string[])[@"(?=(\d{3})+(?!\d))", @"\d{1,3}(?=(?:\d{3})*\b)"])
        {
            DigitGroupsPreTokenizer written = DigitGroupsPreTokenizer.Find(regex)!;
            var general = new PatternSplitPreTokenizer(regex, isRegex: true, SplitBehavior.Isolated);
            for (int i = 0; i < 2000; i++)
            {
                string text = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => random.Next(3) > 0 ? "7" : "a ,\u0661\u00B2\u0301_\n"[random.Next(8)].ToString()));
                Assert.Equal(Pieces(general, text), Pieces(written, text));
            }
            Assert.Equal(333_334, Pieces(written, new string('1', 1_000_000)).Length);
        }
        Assert.Null(DigitGroupsPreTokenizer.Find(@"\d{3}"));
    }

    private static string[] Pieces(PreTokenizer splitter, string text)
    {
        var words = new WordList(AlignedText.FromSource(text, isAligned: false));
        splitter.Apply(words);
        return [.. words.Words.Select(w => words.Text.Slice(w.Start, w.Length).ToString())];
    }
}
