using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.PreTokenizers.Patterns;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>
/// Cuts numbers into threes from the right, by one of two published expressions that look ahead to the end of the number at every digit: in one pass here, where a
/// matcher takes the square of the number's length.
/// </summary>
internal sealed class DigitGroupsPreTokenizer : PreTokenizer
{
    private static readonly Lazy<CodePointSet> digits = new(() => CodePointProperties.Digit);
    private static readonly Lazy<CodePointSet> words = new(() => CodePointProperties.Word);

    private readonly string regex;
    private readonly bool isolatesNumbers;

    private DigitGroupsPreTokenizer(string regex, bool isolatesNumbers)
    {
        this.regex = regex;
        this.isolatesNumbers = isolatesNumbers;
    }

    /// <summary>The pre-tokenizer that isolates the matches of an expression, or null if it is another one.</summary>
    public static DigitGroupsPreTokenizer? Find(string regex) =>
        regex == KnownPatterns.SuperBpe[1] ? new DigitGroupsPreTokenizer(regex, isolatesNumbers: false)
        : regex == KnownPatterns.TinyAya[0] ? new DigitGroupsPreTokenizer(regex, isolatesNumbers: true)
        : null;

    /// <inheritdoc/>
    public override void Apply(WordList words) => words.Cut(Cut);

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { ["Regex"] = regex },
        ["behavior"] = "Isolated",
        ["invert"] = false,
    };

    private void Cut(ReadOnlySpan<byte> text, List<Word> pieces)
    {
        int done = 0;
        var starts = new List<int>();
        for (int i = 0; i < text.Length;)
        {
            // The digits of one number, and what comes behind it.
            starts.Clear();
            int end = i, length = 0, next = -1;
            while (end < text.Length && digits.Value.Contains(next = Utf8.CodePointAt(text, end, out length)))
            {
                starts.Add(end);
                end += length;
            }
            if (starts.Count == 0)
            {
                i = end + length;
                continue;
            }
            // A number that a word goes on with is left alone by the expression that isolates them.
            bool isCut = !isolatesNumbers || end == text.Length || !words.Value.Contains(next);
            for (int digit = 0; isCut && digit < starts.Count; digit++)
            {
                if ((starts.Count - digit) % 3 == 0 || isolatesNumbers && digit == 0)
                    CutAt(starts[digit]);
            }
            if (isCut && isolatesNumbers)
                CutAt(end);
            i = end;
        }
        if (done < text.Length)
            pieces.Add(new Word(done, text.Length - done));

        void CutAt(int place)
        {
            if (place > done)
                pieces.Add(new Word(done, place - done));
            done = place;
        }
    }
}
