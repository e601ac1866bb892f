using System.Globalization;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers.Patterns;

/// <summary>
/// Reads what a regular expression of the reference tokenizers (Oniguruma, Ruby's syntax) says about one code point: a character, an escape, a set in brackets with sets
/// within it and what sets have in common (<c>&amp;&amp;</c>).
/// </summary>
/// <param name="pattern">The expression.</param>
internal sealed class OnigurumaReader(string pattern)
{
    private const int DeepestSet = 100;

    private int depth;

    /// <summary>Where the next character stands.</summary>
    public int Position { get; set; }

    /// <summary>True if there is no more.</summary>
    public bool IsAtEnd => Position >= pattern.Length;

    /// <summary>True if the expression goes on with a text.</summary>
    public bool IsAt(string text) => string.CompareOrdinal(pattern, Position, text, 0, text.Length) == 0;

    /// <summary>Takes a text if the expression goes on with it.</summary>
    public bool Take(string text)
    {
        if (!IsAt(text))
            return false;
        Position += text.Length;
        return true;
    }

    /// <summary>Takes a code point.</summary>
    public int TakeCodePoint()
    {
        if (IsAtEnd)
            throw new FormatException("an end where a character should be");
        int codePoint = char.IsSurrogatePair(pattern, Position) ? char.ConvertToUtf32(pattern, Position) : pattern[Position];
        Position += codePoint > 0xFFFF ? 2 : 1;
        return codePoint;
    }

    /// <summary>Takes what is left up to and including a character.</summary>
    public string TakeThrough(char end)
    {
        int found = pattern.IndexOf(end, Position);
        if (found < 0)
            throw new FormatException($"a '{end}' that is missing");
        string taken = pattern[Position..found];
        Position = found + 1;
        return taken;
    }

    /// <summary>Takes a set behind its opening bracket.</summary>
    /// <param name="ignoresCase">True if what differs in case only is in it too.</param>
    public CodePointSet TakeSet(bool ignoresCase)
    {
        if (++depth > DeepestSet)
            throw new FormatException($"more than {DeepestSet} sets within each other");
        bool isNegated = Take("^");
        CodePointSet? common = null;
        CodePointSet set = CodePointSet.Empty;
        bool isFirst = true;
        while (isFirst || !IsAt("]"))
        {
            if (IsAtEnd)
                throw new FormatException("a set that is not closed");
            if (Take("&&"))
            {
                common = common?.Intersect(set) ?? set;
                set = CodePointSet.Empty;
            }
            else
            {
                set = set.Union(TakeSetItem(ignoresCase));
            }
            isFirst = false;
        }
        Position++;
        depth--;
        set = common?.Intersect(set) ?? set;
        if (ignoresCase)
            set = CaseFolding.Close(set);
        return isNegated ? set.Complement() : set;
    }

    /// <summary>Takes an escape that stands for code points, behind the backslash.</summary>
    /// <param name="isInSet">True within brackets, where <c>\b</c> is a backspace.</param>
    public CodePointSet TakeEscape(bool isInSet)
    {
        int start = Position;
        int escaped = TakeCodePoint();
        switch (escaped)
        {
            case 's':
                return CodePointProperties.Space;
            case 'S':
                return CodePointProperties.Space.Complement();
            case 'd':
                return CodePointProperties.Digit;
            case 'D':
                return CodePointProperties.Digit.Complement();
            case 'w':
                return isInSet ? CodePointProperties.WordInBrackets : CodePointProperties.Word;
            case 'W':
                return (isInSet ? CodePointProperties.WordInBrackets : CodePointProperties.Word).Complement();
            case 'h':
                return CodePointProperties.HexDigit;
            case 'H':
                return CodePointProperties.HexDigit.Complement();
            case 'p' or 'P' when Take("{"):
                return TakeProperty(escaped == 'P');
            default:
                Position = start;
                return CodePointSet.Of(TakeEscapedCharacter(isInSet));
        }
    }

    private CodePointSet TakeProperty(bool isNegated)
    {
        string name = TakeThrough('}');
        bool isTurnedRound = name.StartsWith('^');
        CodePointSet set = CodePointProperties.Find(isTurnedRound ? name[1..] : name) ?? throw new FormatException($"the class '\\p{{{name}}}'");
        return isNegated != isTurnedRound ? set.Complement() : set;
    }

    private int TakeEscapedCharacter(bool isInSet)
    {
        int escaped = TakeCodePoint();
        switch (escaped)
        {
            case 't':
                return '\t';
            case 'n':
                return '\n';
            case 'v':
                return '\v';
            case 'f':
                return '\f';
            case 'r':
                return '\r';
            case 'a':
                return '\a';
            case 'e':
                return 0x1B;
            case '0':
                return 0;
            case 'b' when isInSet:
                return '\b';
            case 'x' when Take("{"):
                return ParseHexadecimal(TakeThrough('}'));
            case 'x':
                return ParseHexadecimal(TakeDigits(2));
            case 'u':
                return ParseHexadecimal(TakeDigits(4));
            default:
                return escaped < 0x80 && char.IsAsciiLetterOrDigit((char)escaped) ? throw new FormatException($"the escape '\\{(char)escaped}'") : escaped;
        }
    }

    private string TakeDigits(int count)
    {
        if (Position + count > pattern.Length)
            throw new FormatException("an escape that is too short");
        string digits = pattern.Substring(Position, count);
        Position += count;
        return digits;
    }

    private static int ParseHexadecimal(string digits) =>
        int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) && value is >= 0 and <= CodePointSet.MaxCodePoint
            ? value
            : throw new FormatException($"the code point '{digits}'");

    // A character, a range of characters, an escape or a set.
    private CodePointSet TakeSetItem(bool ignoresCase)
    {
        if (Take("[:"))
        {
            bool isNegated = Take("^");
            string name = TakeThrough(':');
            CodePointSet bracket = Take("]") && CodePointProperties.FindBracket(name) is { } known ? known : throw new FormatException($"the set '[:{name}:]'");
            return isNegated ? bracket.Complement() : bracket;
        }
        if (Take("["))
            return TakeSet(ignoresCase);
        CodePointSet first = Take("\\") ? TakeEscape(isInSet: true) : CodePointSet.Of(TakeCodePoint());
        // A hyphen is itself at the end, before a set and behind a class.
        if (!IsAt("-") || IsAt("-]") || IsAt("-[") || Single(first) is not { } low)
            return first;
        Position++;
        CodePointSet last = Take("\\") ? TakeEscape(isInSet: true) : CodePointSet.Of(TakeCodePoint());
        int high = Single(last) ?? throw new FormatException("a range that ends with a class");
        return low <= high ? CodePointSet.Of((low, high)) : throw new FormatException("a range whose end comes before its start");
    }

    private static int? Single(CodePointSet set) => set.Ranges is [var (first, last)] && first == last ? first : null;
}
