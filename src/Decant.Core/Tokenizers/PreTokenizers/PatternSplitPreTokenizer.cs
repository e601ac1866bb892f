using System.Buffers;
using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.PreTokenizers.Patterns;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>
/// Splits by any regular expression, with .NET's engine. It works on UTF-16 and has classes of its own, so it is shown letters of the expression's own alphabet (see
/// <see cref="CodePointAlphabet"/>) in place of the text: one a code point.
/// </summary>
internal sealed class PatternSplitPreTokenizer : PreTokenizer
{
    // The engine's limit is one for each match.
    private const int MatchesBetweenLooks = 64;

    private readonly string source;
    private readonly bool isRegex;
    private readonly SplitBehavior behavior;
    private readonly bool isInverted;
    // Compiling takes some hundredths of a second, which a tokenizer that is only asked for its size need not spend.
    private readonly Lazy<(CodePointAlphabet Alphabet, Regex Regex)> compiled;

    /// <summary>Reads a pattern.</summary>
    /// <param name="source">A regular expression as tokenizer.json spells it, or a string.</param>
    /// <param name="isRegex">True for a regular expression.</param>
    /// <param name="behavior">What becomes of its matches.</param>
    /// <param name="isInverted">True if what lies between them is taken for the matches.</param>
    /// <exception cref="FormatException">The expression uses something that is not known; the message says what.</exception>
    public PatternSplitPreTokenizer(string source, bool isRegex, SplitBehavior behavior, bool isInverted = false)
    {
        this.source = source;
        this.isRegex = isRegex;
        this.behavior = behavior;
        this.isInverted = isInverted;
        Func<Func<CodePointSet, string>, string> translate = isRegex
            ? new OnigurumaPattern(source).Translate
            : write => string.Concat(source.EnumerateRunes().Select(rune => write(CodePointSet.Of(rune.Value))));
        var sets = new List<CodePointSet>();
        try
        {
            string shape = translate(set =>
            {
                sets.Add(set);
                return "x";
            });
            _ = new Regex(shape, RegexOptions.CultureInvariant, TimeLimit);
        }
        catch (RegexParseException e)
        {
            // Its message repeats the expression as it was translated.
            throw new FormatException($"what the engine of regular expressions refuses as {e.Error}", e);
        }
        compiled = new(() =>
        {
            var alphabet = new CodePointAlphabet(sets);
            return (alphabet, new Regex(translate(alphabet.Write), RegexOptions.CultureInvariant | RegexOptions.Compiled, TimeLimit));
        });
    }

    /// <summary>How long the expression may take for a text; one from a hostile file can take for ever.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    public override void Apply(WordList words) => words.Cut(Cut);

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { [isRegex ? "Regex" : "String"] = source },
        ["behavior"] = behavior.ToString(),
        ["invert"] = isInverted,
    };

    private void Cut(ReadOnlySpan<byte> word, List<Word> pieces)
    {
        (CodePointAlphabet alphabet, Regex regex) = compiled.Value;
        char[] letters = ArrayPool<char>.Shared.Rent(word.Length);
        int[] offsets = ArrayPool<int>.Shared.Rent(word.Length + 1);
        try
        {
            int count = Spell(word, alphabet, letters, offsets);
            var cutter = new MatchCutter(behavior, pieces);
            int done = 0;
            bool hasMatched = false;
            long start = Stopwatch.GetTimestamp();
            int untilLook = MatchesBetweenLooks;
            foreach (ValueMatch match in regex.EnumerateMatches(letters.AsSpan(0, count)))
            {
                if (--untilLook == 0)
                {
                    untilLook = MatchesBetweenLooks;
                    if (Stopwatch.GetElapsedTime(start) > TimeLimit)
                        throw new RegexMatchTimeoutException();
                }
                // An empty match cuts too, but not where the match before it has ended already.
                if (match.Length == 0 && hasMatched && match.Index == done)
                    continue;
                int end = match.Index + match.Length;
                if (match.Index > done)
                    cutter.Add(offsets[done], offsets[match.Index], isMatch: isInverted);
                cutter.Add(offsets[match.Index], offsets[end], isMatch: !isInverted);
                done = end;
                hasMatched = true;
            }
            if (done < count)
                cutter.Add(offsets[done], offsets[count], isMatch: isInverted);
            cutter.Finish();
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new NotSupportedModelException($"The tokenizer's split pattern {PatternExcerpt.Of(source)} takes more than {TimeLimit.TotalSeconds} seconds for this text.", e);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(letters);
            ArrayPool<int>.Shared.Return(offsets);
        }
    }

    private static int Spell(ReadOnlySpan<byte> word, CodePointAlphabet alphabet, char[] letters, int[] offsets)
    {
        int count = 0;
        for (int i = 0; i < word.Length;)
        {
            int codePoint = Utf8.CodePointAt(word, i, out int length);
            offsets[count] = i;
            letters[count++] = alphabet.LetterOf(codePoint);
            i += length;
        }
        offsets[count] = word.Length;
        return count;
    }
}
