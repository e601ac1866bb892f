using System.Buffers;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers.Patterns;

/// <summary>
/// Finds any regular expression in UTF-8, with .NET's engine. That works on UTF-16 and has classes of its own, so it is shown letters of the expression's own alphabet (see
/// <see cref="CodePointAlphabet"/>) in place of the text: one a code point.
/// </summary>
internal sealed class CodePointPattern
{
    // The engine's limit is one for each match.
    private const int MatchesBetweenLooks = 64;

    // Compiling takes some hundredths of a second, which a tokenizer that is only asked for its size need not spend.
    private readonly Lazy<(CodePointAlphabet Alphabet, Regex Regex)> compiled;

    /// <summary>Reads a pattern.</summary>
    /// <param name="source">A regular expression as tokenizer.json spells it, or a string.</param>
    /// <param name="isRegex">True for a regular expression.</param>
    /// <exception cref="FormatException">The expression uses something that is not known; the message says what.</exception>
    public CodePointPattern(string source, bool isRegex)
    {
        Source = source;
        IsRegex = isRegex;
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

    /// <summary>As tokenizer.json spells it.</summary>
    public string Source { get; }

    /// <summary>True if it is a regular expression.</summary>
    public bool IsRegex { get; }

    /// <summary>How long the expression may take for a text; one from a hostile file can take for ever.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Appends the matches in bytes, from left to right, empty ones among them but where the one before has just ended.</summary>
    /// <exception cref="NotSupportedModelException">It takes longer than <see cref="TimeLimit"/>.</exception>
    public void FindMatches(ReadOnlySpan<byte> text, List<Word> matches)
    {
        (CodePointAlphabet alphabet, Regex regex) = compiled.Value;
        char[] letters = ArrayPool<char>.Shared.Rent(text.Length);
        int[] offsets = ArrayPool<int>.Shared.Rent(text.Length + 1);
        try
        {
            int count = Spell(text, alphabet, letters, offsets);
            int done = -1;
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
                if (match.Length == 0 && match.Index == done)
                    continue;
                done = match.Index + match.Length;
                matches.Add(new Word(offsets[match.Index], offsets[done] - offsets[match.Index]));
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new NotSupportedModelException($"The tokenizer's pattern {PatternExcerpt.Of(Source)} takes more than {TimeLimit.TotalSeconds} seconds for this text.", e);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(letters);
            ArrayPool<int>.Shared.Return(offsets);
        }
    }

    private static int Spell(ReadOnlySpan<byte> text, CodePointAlphabet alphabet, char[] letters, int[] offsets)
    {
        int count = 0;
        for (int i = 0; i < text.Length;)
        {
            int codePoint = Utf8.CodePointAt(text, i, out int length);
            offsets[count] = i;
            letters[count++] = alphabet.LetterOf(codePoint);
            i += length;
        }
        offsets[count] = text.Length;
        return count;
    }
}
