using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>No text takes time that grows with the square of its length: long runs of one thing, through every tokenizer.</summary>
public class LongWordTests
{
    private const int Length = 1 << 17;

    // Words without an end, digits, marks that stack and want ordering, spaces, line breaks, what no vocabulary has, halves of added tokens.
    private static readonly string[] pieces =
        ["antidisestablishmentarianism", "a", "1", " ", "\n", "a\u0301\u0323", "\u0327\u0301\u0323", "\u1100\u1161", "\U0001F600", "\u4F60", "\u0378", "<", "\u2581", "\uFDFA"];

    public static TheoryData<string> All => [.. TokenizerFixtures.All];

    public static TheoryData<string> Models => ["gemma-like", "spm-bpe", "spm-unigram", "spm-unigram-albert"];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(All))]
    public void A_hundred_thousand_characters_take_seconds(string folder) => Encode(TokenizerFixtures.Load(folder), Length);

    [Theory]
    [MemberData(nameof(Models))]
    public void A_hundred_thousand_characters_take_seconds_with_a_model_file(string folder) =>
        Encode(TokenizerFixtures.LoadFiles(folder, ["tokenizer.model"], null), Length);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(All))]
    [Trait("Category", "Slow")]
    public void A_million_characters_take_seconds(string folder) => Encode(TokenizerFixtures.Load(folder), 1 << 20);

    /// <summary>The clock of these tests goes with the work of their thread, and stands while it waits.</summary>
    [Fact]
    public void The_time_of_a_thread_is_that_of_its_work()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have wall time only.");
        double start = ThreadTime.Seconds;
        Thread.Sleep(300);
        double asleep = ThreadTime.Seconds - start;
        var wall = System.Diagnostics.Stopwatch.StartNew();
        while (ThreadTime.Seconds - start < 0.2)
            Assert.True(wall.Elapsed.TotalSeconds < 60, "the clock stands");
        Assert.InRange(asleep, 0, 0.1);
        Assert.InRange(wall.Elapsed.TotalSeconds, 0.05, 60);
    }

    private static void Encode(Tokenizer tokenizer, int length)
    {
        foreach (string piece in pieces)
        {
            string word = string.Concat(Enumerable.Repeat(piece, length / piece.Length));
            double start = ThreadTime.Seconds;
            int[] ids = tokenizer.EncodeIds(word, addSpecialTokens: true);
            tokenizer.Decode(ids, skipSpecialTokens: true);
            double taken = ThreadTime.Seconds - start;
            // Steps by the square take minutes.
            Assert.True(taken < 20, $"{TokenizerFixtures.Show(piece)} takes {taken:F1} s");
        }
    }
}
