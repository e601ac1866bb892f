using System.Globalization;
using System.Text;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>
/// Writes a regular expression of the reference tokenizers (Oniguruma, Ruby syntax) for .NET's engine: sets within sets, possessive quantifiers, line anchors and
/// case folding are spelled otherwise there.
/// </summary>
/// <param name="pattern">The expression.</param>
internal sealed class OnigurumaPattern(string pattern)
{
    private const string WordSet = @"\p{L}\p{M}\p{Nd}\p{Pc}";

    private readonly StringBuilder output = new();
    private readonly Stack<(int Start, bool IgnoresCase)> groups = new();
    private int position;
    private int atom = -1;
    private bool ignoresCase;

    /// <summary>The expression for .NET.</summary>
    /// <exception cref="FormatException">It uses something that is not known here; the message says what.</exception>
    public string Translate()
    {
        while (position < pattern.Length)
            TranslateNext();
        return groups.Count == 0 ? output.ToString() : throw new FormatException("a group that is not closed");
    }

    private void TranslateNext()
    {
        char next = pattern[position];
        switch (next)
        {
            case '(':
                OpenGroup();
                break;
            case ')':
                if (!groups.TryPop(out (int Start, bool IgnoresCase) group))
                    throw new FormatException("a bracket that closes nothing");
                output.Append(')');
                (atom, ignoresCase) = group;
                position++;
                break;
            case '|':
                output.Append('|');
                atom = -1;
                position++;
                break;
            case '^' or '$':
                output.Append("(?m:").Append(next).Append(')');
                atom = -1;
                position++;
                break;
            case '*' or '+' or '?':
                Quantify(next.ToString(), isInterval: false);
                break;
            case '{' when IntervalLength() is > 0 and int length:
                Quantify(pattern.Substring(position, length), isInterval: true);
                break;
            case '[':
                atom = output.Length;
                position++;
                string set = ReadSet(isInner: false);
                output.Append(ignoresCase ? $"(?i:{set})" : set);
                break;
            case '\\':
                atom = output.Length;
                output.Append(ReadEscape(isInSet: false));
                break;
            default:
                atom = output.Length;
                output.Append(Literal(next));
                position++;
                break;
        }
    }

    private void OpenGroup()
    {
        foreach ((string opening, string written, bool folds) in (ReadOnlySpan<(string, string, bool)>)
            [("(?i:", "(?:", true), ("(?:", "(?:", false), ("(?=", "(?=", false), ("(?!", "(?!", false), ("(?<=", "(?<=", false), ("(?<!", "(?<!", false), ("(?>", "(?>", false)])
        {
            if (string.CompareOrdinal(pattern, position, opening, 0, opening.Length) != 0)
                continue;
            Open(opening.Length, written, folds);
            return;
        }
        if (position + 1 < pattern.Length && pattern[position + 1] == '?')
            throw new FormatException($"the group '{pattern.AsSpan(position, Math.Min(4, pattern.Length - position))}'");
        Open(1, "(?:", folds: false);
    }

    private void Open(int length, string written, bool folds)
    {
        groups.Push((output.Length, ignoresCase));
        output.Append(written);
        ignoresCase |= folds;
        position += length;
        atom = -1;
    }

    private void Quantify(string quantifier, bool isInterval)
    {
        if (atom < 0)
            throw new FormatException($"'{quantifier}' behind nothing");
        position += quantifier.Length;
        char after = position < pattern.Length ? pattern[position] : '\0';
        output.Append(quantifier);
        if (after == '?')
        {
            output.Append('?');
            position++;
        }
        else if (after == '+')
        {
            // Behind an interval it is a quantifier like any other, and takes the whole as often as it can.
            output.Insert(atom, isInterval ? "(?:" : "(?>").Append(isInterval ? ")+" : ")");
            position++;
        }
    }

    // {3}, {1,3}, {1,}; 0 if the brace is a character.
    private int IntervalLength()
    {
        int end = pattern.IndexOf('}', position);
        ReadOnlySpan<char> inner = end < 0 ? "" : pattern.AsSpan(position + 1, end - position - 1);
        return inner.Length > 0 && char.IsAsciiDigit(inner[0]) && !inner.ContainsAnyExceptInRange(',', '9') && !inner.ContainsAnyInRange('-', '/') && inner.Count(',') <= 1 ? end + 1 - position : 0;
    }

    // The set up to its closing bracket; sets within it are written into it.
    private string ReadSet(bool isInner)
    {
        var set = new StringBuilder(isInner ? "" : "[");
        if (position < pattern.Length && pattern[position] == '^')
        {
            if (isInner)
                throw new FormatException("a set within a set that is turned round");
            set.Append('^');
            position++;
        }
        while (position < pattern.Length && pattern[position] != ']')
        {
            char next = pattern[position];
            if (next == '&' && position + 1 < pattern.Length && pattern[position + 1] == '&')
                throw new FormatException("what two sets have in common (&&)");
            if (next == '\\')
            {
                set.Append(ReadEscape(isInSet: true));
                continue;
            }
            position++;
            if (next != '[')
            {
                set.Append(next == '^' ? @"\^" : CheckPlane(next));
                continue;
            }
            if (position < pattern.Length && pattern[position] == ':')
                throw new FormatException("a set by name ([:name:])");
            set.Append(ReadSet(isInner: true));
        }
        if (position == pattern.Length)
            throw new FormatException("a set that is not closed");
        position++;
        return isInner ? set.ToString() : set.Append(']').ToString();
    }

    private string ReadEscape(bool isInSet)
    {
        if (position + 1 == pattern.Length)
            throw new FormatException("a backslash at the end");
        char escaped = pattern[position + 1];
        int start = position;
        position += 2;
        switch (escaped)
        {
            case 's' or 'S' or 'd' or 'D' or 'n' or 'r' or 't' or 'f' or 'v':
                return pattern[start..position];
            case 'w':
                return isInSet ? WordSet : $"[{WordSet}]";
            case 'W' when !isInSet:
                return $"[^{WordSet}]";
            case 'p' or 'P':
                int end = pattern.IndexOf('}', position);
                string name = end < 0 || pattern[position] != '{' ? "" : pattern[(position + 1)..end];
                // General categories have one or two letters; scripts and properties are not known to .NET.
                if (name.Length is not (1 or 2) || !char.IsAsciiLetterUpper(name[0]))
                    throw new FormatException($"the class '\\{escaped}{{{name}}}'");
                position = end + 1;
                return pattern[start..position];
            case 'u' when position + 4 <= pattern.Length && ushort.TryParse(pattern.AsSpan(position, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _):
                position += 4;
                return pattern[start..position];
            default:
                return char.IsAsciiLetterOrDigit(escaped) ? throw new FormatException($"the escape '\\{escaped}'") : $"\\{CheckPlane(escaped)}";
        }
    }

    private string Literal(char character)
    {
        CheckPlane(character);
        if (!ignoresCase || !char.IsAsciiLetter(character))
            return character is '{' or '}' or ']' or '#' ? $"\\{character}" : character.ToString();
        // Two letters have a third form outside ASCII.
        return char.ToLowerInvariant(character) switch
        {
            's' => "[sS\u017F]",
            'k' => "[kK\u212A]",
            var lower => $"[{lower}{char.ToUpperInvariant(lower)}]",
        };
    }

    private static char CheckPlane(char character) =>
        char.IsSurrogate(character) ? throw new FormatException("characters above U+FFFF") : character;
}
