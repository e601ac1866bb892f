using System.Globalization;
using System.Text;

namespace Decant.Core.Templates.Syntax;

/// <summary>
/// Cuts a template into tokens as Jinja 3.1 does with <c>trim_blocks</c> and <c>lstrip_blocks</c>: line ends become <c>\n</c>, one at the
/// very end is dropped; the line break after a block or comment goes, and so does white space from the start of the line to it;
/// <c>-</c> inside a delimiter removes all white space on that side, <c>+</c> turns the two rules off. See
/// https://jinja.palletsprojects.com/en/stable/templates/#whitespace-control.
/// </summary>
internal sealed class Lexer
{
    private static readonly string[] longOperators = ["//", "**", "==", "!=", ">=", "<="];
    private const string shortOperators = "+-/*%~[](){}<>=.:|,;";

    private readonly string source;
    private readonly string origin;
    private readonly List<Token> tokens = [];
    private readonly Stack<char> brackets = new();
    private int position;
    private int line = 1;
    private int lineCountedTo;
    private bool atLineStart = true;

    private Lexer(string source, string origin)
    {
        this.source = Normalize(source);
        this.origin = origin;
    }

    /// <summary>All tokens; the last one is <see cref="TokenKind.EndOfTemplate"/>.</summary>
    public static List<Token> Read(string source, string origin)
    {
        var lexer = new Lexer(source, origin);
        while (lexer.position < lexer.source.Length)
            lexer.ReadTextAndTag();
        lexer.Add(TokenKind.EndOfTemplate, "");
        return lexer.tokens;
    }

    private static string Normalize(string source)
    {
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return text.EndsWith('\n') ? text[..^1] : text;
    }

    private void ReadTextAndTag()
    {
        int begin = FindTag(position);
        if (begin < 0)
        {
            Add(TokenKind.Data, source[position..]);
            position = source.Length;
            return;
        }
        string text = source[position..begin];
        char kind = source[begin + 1];
        char sign = begin + 2 < source.Length && source[begin + 2] is '-' or '+' ? source[begin + 2] : '\0';
        AddData(StripBefore(text, sign, isPrint: kind == '{'));
        position = begin + (sign == '\0' ? 2 : 3);
        switch (kind)
        {
            case '#':
                SkipComment();
                break;
            case '%' when MatchKeywordTag(position, "raw", trimNewline: false) is int rawStart:
                ReadRaw(rawStart);
                break;
            case '%':
                Add(TokenKind.BlockBegin, "");
                ReadTag(isPrint: false);
                break;
            default:
                Add(TokenKind.PrintBegin, "");
                ReadTag(isPrint: true);
                break;
        }
        atLineStart = source[position - 1] == '\n';
    }

    private int FindTag(int from)
    {
        for (int i = source.IndexOf('{', from); i >= 0 && i + 1 < source.Length; i = source.IndexOf('{', i + 1))
        {
            if (source[i + 1] is '{' or '%' or '#')
                return i;
        }
        return -1;
    }

    private string StripBefore(string text, char sign, bool isPrint)
    {
        if (sign == '-')
            return text.TrimEnd();
        if (sign == '+' || isPrint)
            return text;
        int lineStart = text.LastIndexOf('\n') + 1;
        return (lineStart > 0 || atLineStart) && string.IsNullOrWhiteSpace(text[lineStart..]) ? text[..lineStart] : text;
    }

    private void SkipComment()
    {
        int end = source.IndexOf("#}", position, StringComparison.Ordinal);
        if (end < 0)
            throw Error("Missing end of comment tag");
        char sign = end > position ? source[end - 1] : '\0';
        position = end + 2;
        TrimAfter(sign);
    }

    private void ReadRaw(int start)
    {
        for (int end = source.IndexOf("{%", start, StringComparison.Ordinal); end >= 0; end = source.IndexOf("{%", end + 1, StringComparison.Ordinal))
        {
            char sign = end + 2 < source.Length && source[end + 2] is '-' or '+' ? source[end + 2] : '\0';
            if (MatchKeywordTag(end + (sign == '\0' ? 2 : 3), "endraw", trimNewline: true) is not int after)
                continue;
            atLineStart = source[start - 1] == '\n';
            AddData(StripBefore(source[start..end], sign, isPrint: false));
            position = after;
            return;
        }
        throw Error("Missing end of raw directive");
    }

    /// <summary>Where a tag of one keyword ends, white space behind it removed; null if something else stands here.</summary>
    private int? MatchKeywordTag(int from, string keyword, bool trimNewline)
    {
        int at = SkipWhiteSpace(from);
        if (string.CompareOrdinal(source, at, keyword, 0, keyword.Length) != 0)
            return null;
        at = SkipWhiteSpace(at + keyword.Length);
        char sign = at < source.Length && (source[at] == '-' || (source[at] == '+' && trimNewline)) ? source[at++] : '\0';
        if (string.CompareOrdinal(source, at, "%}", 0, 2) != 0)
            return null;
        at += 2;
        if (sign == '-')
            return SkipWhiteSpace(at);
        return trimNewline && sign == '\0' && at < source.Length && source[at] == '\n' ? at + 1 : at;
    }

    private void ReadTag(bool isPrint)
    {
        brackets.Clear();
        while (position < source.Length)
        {
            if (brackets.Count == 0 && TryReadEnd(isPrint))
                return;
            char c = source[position];
            if (char.IsWhiteSpace(c))
                position++;
            else if (char.IsAsciiDigit(c))
                ReadNumber();
            else if (c == '_' || char.IsLetter(c))
                ReadName();
            else if (c is '\'' or '"')
                ReadString(c);
            else
                ReadOperator(c);
        }
    }

    private bool TryReadEnd(bool isPrint)
    {
        string close = isPrint ? "}}" : "%}";
        char sign = source[position] == '-' || (source[position] == '+' && !isPrint) ? source[position] : '\0';
        int at = position + (sign == '\0' ? 0 : 1);
        if (string.CompareOrdinal(source, at, close, 0, 2) != 0)
            return false;
        Add(isPrint ? TokenKind.PrintEnd : TokenKind.BlockEnd, "");
        position = at + 2;
        TrimAfter(isPrint && sign == '\0' ? '+' : sign);
        return true;
    }

    private void TrimAfter(char sign)
    {
        if (sign == '-')
            position = SkipWhiteSpace(position);
        else if (sign != '+' && position < source.Length && source[position] == '\n')
            position++;
    }

    private int SkipWhiteSpace(int from)
    {
        while (from < source.Length && char.IsWhiteSpace(source[from]))
            from++;
        return from;
    }

    private void ReadName()
    {
        int start = position;
        while (position < source.Length && (source[position] == '_' || char.IsLetterOrDigit(source[position])))
            position++;
        Add(TokenKind.Name, source[start..position], start);
    }

    private void ReadNumber()
    {
        int start = position;
        bool mayBeFloat = start == 0 || source[start - 1] != '.';
        int end = SkipDigits(start);
        bool isFloat = false;
        if (mayBeFloat && end < source.Length && source[end] == '.' && SkipDigits(end + 1) is int fraction && fraction > end + 1)
        {
            end = fraction;
            isFloat = true;
        }
        if (mayBeFloat && end < source.Length && source[end] is 'e' or 'E')
        {
            int digits = end + 1 < source.Length && source[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (SkipDigits(digits) is int exponent && exponent > digits)
            {
                end = exponent;
                isFloat = true;
            }
        }
        if (!isFloat)
            end = EndOfInteger(start, end);
        position = end;
        Add(isFloat ? TokenKind.Float : TokenKind.Integer, source[start..end].Replace("_", "", StringComparison.Ordinal), start);
    }

    /// <summary>0x, 0o, 0b prefixes; a decimal that begins with 0 is only zeros.</summary>
    private int EndOfInteger(int start, int decimalEnd)
    {
        if (source[start] != '0')
            return decimalEnd;
        string digits = (start + 1 < source.Length ? char.ToLowerInvariant(source[start + 1]) : ' ') switch
        {
            'x' => "0123456789abcdefABCDEF",
            'o' => "01234567",
            'b' => "01",
            _ => "",
        };
        int at = start + (digits.Length > 0 ? 2 : 1);
        int end = at;
        if (digits.Length == 0)
            digits = "0";
        while (at < source.Length && (digits.Contains(source[at], StringComparison.Ordinal) || (source[at] == '_' && at + 1 < source.Length && digits.Contains(source[at + 1], StringComparison.Ordinal))))
            end = ++at;
        return end == start + 2 && digits != "0" ? start + 1 : end;
    }

    private int SkipDigits(int from)
    {
        int at = from;
        while (at < source.Length && (char.IsAsciiDigit(source[at]) || (source[at] == '_' && at > from && at + 1 < source.Length && char.IsAsciiDigit(source[at + 1]))))
            at++;
        return at;
    }

    private void ReadString(char quote)
    {
        int start = position;
        int end = start + 1;
        while (end < source.Length && source[end] != quote)
            end += source[end] == '\\' ? 2 : 1;
        if (end >= source.Length)
            throw Error($"unexpected char '{quote}' (a string that does not end)");
        Add(TokenKind.String, Unescape(source.AsSpan(start + 1, end - start - 1)), start);
        position = end + 1;
    }

    private string Unescape(ReadOnlySpan<char> text)
    {
        if (!text.Contains('\\'))
            return text.ToString();
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
                continue;
            }
            char c = text[++i];
            int octalLength = text[i..].IndexOfAnyExceptInRange('0', '7') is var n && n < 0 ? Math.Min(3, text.Length - i) : Math.Min(3, n);
            if (octalLength > 0)
            {
                result.Append((char)Convert.ToInt32(text.Slice(i, octalLength).ToString(), 8));
                i += octalLength - 1;
                continue;
            }
            int hexLength = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (hexLength > 0)
            {
                AppendCodePoint(result, text, i + 1, hexLength);
                i += hexLength;
                continue;
            }
            const string plain = "abfnrtv\\'\"";
            int index = plain.IndexOf(c, StringComparison.Ordinal);
            if (index >= 0)
                result.Append("\a\b\f\n\r\t\v\\'\""[index]);
            else if (c == 'N')
                throw Error("character names (\\N{...}) are not supported in strings");
            else if (c != '\n')
                result.Append('\\').Append(c);
        }
        return result.ToString();
    }

    private void AppendCodePoint(StringBuilder result, ReadOnlySpan<char> text, int start, int length)
    {
        if (start + length > text.Length || !uint.TryParse(text.Slice(start, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value) || value > 0x10FFFF)
            throw Error("a broken \\x, \\u or \\U escape in a string");
        if (value < 0x10000)
            result.Append((char)value);
        else
            result.Append(char.ConvertFromUtf32((int)value));
    }

    private void ReadOperator(char c)
    {
        string? symbol = longOperators.FirstOrDefault(o => string.CompareOrdinal(source, position, o, 0, 2) == 0);
        if (symbol is null && !shortOperators.Contains(c, StringComparison.Ordinal))
            throw Error($"unexpected char '{c}'");
        symbol ??= c.ToString();
        if (c is '(' or '[' or '{')
            brackets.Push(c == '(' ? ')' : c == '[' ? ']' : '}');
        else if (c is ')' or ']' or '}')
        {
            if (!brackets.TryPop(out char expected))
                throw Error($"unexpected '{c}'");
            if (expected != c)
                throw Error($"unexpected '{c}', expected '{expected}'");
        }
        Add(TokenKind.Operator, symbol, position);
        position += symbol.Length;
    }

    private void AddData(string text)
    {
        if (text.Length > 0)
            Add(TokenKind.Data, text);
    }

    private void Add(TokenKind kind, string text) => Add(kind, text, position);

    private void Add(TokenKind kind, string text, int at)
    {
        line += source.AsSpan(lineCountedTo, at - lineCountedTo).Count('\n');
        lineCountedTo = at;
        tokens.Add(new Token(kind, text, line));
    }

    private TemplateSyntaxException Error(string detail)
    {
        line += source.AsSpan(lineCountedTo, position - lineCountedTo).Count('\n');
        lineCountedTo = position;
        return new TemplateSyntaxException(detail, origin, line);
    }
}
