using System.Buffers;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>
/// Splits by any regular expression, with .NET's engine. It works on UTF-16, so every code point above U+FFFF is shown to it as one of the same general category
/// below: one character a code point.
/// </summary>
internal sealed class PatternSplitPreTokenizer : PreTokenizer
{
    // By general category, in the order of UnicodeCategory; surrogates, line and paragraph separators and controls do not occur above U+FFFF.
    private const string StandIns =
        "\u10A0\u0561\u01C5\u02B0\u1200\u0300\u0903\u0488\u0E50\u2160\u2460\u2000\u2028\u2029\u0001\u200B\u0378\uE000\u203F\u2010\u2045\u2046\u2018\u2019\u0589\u2200\u20A0\u02C2\u2300\u0378";

    private readonly string source;
    private readonly bool isRegex;
    private readonly SplitBehavior behavior;
    private readonly bool isInverted;
    // Compiling takes some hundredths of a second, which a tokenizer that is only asked for its size need not spend.
    private readonly Lazy<Regex> regex;

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
        if (!isRegex && source.Any(char.IsSurrogate))
            throw new FormatException("characters above U+FFFF");
        try
        {
            string pattern = isRegex ? new OnigurumaPattern(source).Translate() : Regex.Escape(source);
            _ = new Regex(pattern, RegexOptions.CultureInvariant, TimeLimit);
            regex = new Lazy<Regex>(() => new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.Compiled, TimeLimit));
        }
        catch (ArgumentException e)
        {
            throw new FormatException(e.Message, e);
        }
    }

    /// <summary>How long the expression may take for a text; one from a hostile file can take for ever.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>What the engine is shown for a code point: itself, or above U+FFFF one of the same general category.</summary>
    public static char StandInOf(int codePoint) => codePoint <= 0xFFFF ? (char)codePoint : StandIns[(int)CharUnicodeInfo.GetUnicodeCategory(codePoint)];

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
        char[] characters = ArrayPool<char>.Shared.Rent(word.Length);
        int[] offsets = ArrayPool<int>.Shared.Rent(word.Length + 1);
        try
        {
            int count = Decode(word, characters, offsets);
            var cutter = new MatchCutter(behavior, pieces);
            int done = 0;
            foreach (ValueMatch match in regex.Value.EnumerateMatches(characters.AsSpan(0, count)))
            {
                if (match.Length == 0)
                    continue;
                int end = match.Index + match.Length;
                cutter.Add(offsets[done], offsets[match.Index], isMatch: isInverted);
                cutter.Add(offsets[match.Index], offsets[end], isMatch: !isInverted);
                done = end;
            }
            cutter.Add(offsets[done], offsets[count], isMatch: isInverted);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new NotSupportedModelException($"The tokenizer's split pattern '{source}' takes more than {TimeLimit.TotalSeconds} seconds for this text.", e);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(characters);
            ArrayPool<int>.Shared.Return(offsets);
        }
    }

    private static int Decode(ReadOnlySpan<byte> word, char[] characters, int[] offsets)
    {
        int count = 0;
        for (int i = 0; i < word.Length;)
        {
            int codePoint = Utf8.CodePointAt(word, i, out int length);
            offsets[count] = i;
            characters[count++] = StandInOf(codePoint);
            i += length;
        }
        offsets[count] = word.Length;
        return count;
    }
}
