using System.Globalization;
using System.Text;

namespace Decant.Core.Templates.Printing;

/// <summary>Texts by code point, as Python counts them; .NET strings hold UTF-16.</summary>
internal static class CodePoints
{
    public static int Count(string text)
    {
        int pairs = 0;
        int at = 0;
        ReadOnlySpan<char> rest = text;
        while (rest[at..].IndexOfAnyInRange('\ud800', '\udbff') is var offset and >= 0)
        {
            at += offset;
            if (LengthAt(text, at) == 2)
                pairs++;
            at++;
        }
        return text.Length - pairs;
    }

    /// <summary>UTF-16 units of the code point that begins at an index.</summary>
    public static int LengthAt(string text, int index) =>
        char.IsHighSurrogate(text[index]) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]) ? 2 : 1;

    /// <summary>The part from a code point on; both numbers must lie within the text.</summary>
    public static string Substring(string text, int start, int count)
    {
        int from = ToIndex(text, start, 0);
        return text[from..ToIndex(text, count, from)];
    }

    /// <summary>The UTF-16 index of the code point that stands <paramref name="count"/> after an index.</summary>
    public static int ToIndex(string text, int count, int from)
    {
        if (text.AsSpan(from).IndexOfAnyInRange('\ud800', '\udbff') < 0)
            return Math.Min(from + count, text.Length);
        int at = from;
        for (int i = 0; i < count && at < text.Length; i++)
            at += LengthAt(text, at);
        return at;
    }

    /// <summary>Order by code point, in which U+E000–U+FFFF come before the surrogate pairs.</summary>
    public static int Compare(string left, string right)
    {
        int common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        return Rank(left[common]).CompareTo(Rank(right[common]));

        static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;
    }

    /// <summary>Python's <c>str.isspace</c> of one character: .NET's white space and the four separators U+001C–U+001F.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>Python's <c>str.isprintable</c> of one code point: anything but controls, separators and unassigned; a blank counts.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
