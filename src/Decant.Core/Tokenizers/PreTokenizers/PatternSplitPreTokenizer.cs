using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.PreTokenizers.Patterns;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Splits by any regular expression or string.</summary>
/// <param name="pattern">What to look for.</param>
/// <param name="behavior">What becomes of its matches.</param>
/// <param name="isInverted">True if what lies between them is taken for the matches.</param>
internal sealed class PatternSplitPreTokenizer(CodePointPattern pattern, SplitBehavior behavior, bool isInverted = false) : PreTokenizer
{
    /// <summary>Reads a pattern.</summary>
    /// <param name="source">A regular expression as tokenizer.json spells it, or a string.</param>
    /// <param name="isRegex">True for a regular expression.</param>
    /// <param name="behavior">What becomes of its matches.</param>
    /// <param name="isInverted">True if what lies between them is taken for the matches.</param>
    /// <exception cref="FormatException">The expression uses something that is not known; the message says what.</exception>
    public PatternSplitPreTokenizer(string source, bool isRegex, SplitBehavior behavior, bool isInverted = false)
        : this(new CodePointPattern(source, isRegex), behavior, isInverted)
    {
    }

    /// <inheritdoc/>
    public override void Apply(WordList words) => words.Cut(Cut);

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { [pattern.IsRegex ? "Regex" : "String"] = pattern.Source },
        ["behavior"] = behavior.ToString(),
        ["invert"] = isInverted,
    };

    private void Cut(ReadOnlySpan<byte> word, List<Word> pieces)
    {
        var matches = new List<Word>();
        pattern.FindMatches(word, matches);
        var cutter = new MatchCutter(behavior, pieces);
        int done = 0;
        foreach (Word match in matches)
        {
            if (match.Start > done)
                cutter.Add(done, match.Start, isMatch: isInverted);
            done = match.Start + match.Length;
            cutter.Add(match.Start, done, isMatch: !isInverted);
        }
        if (done < word.Length)
            cutter.Add(done, word.Length, isMatch: isInverted);
        cutter.Finish();
    }
}
