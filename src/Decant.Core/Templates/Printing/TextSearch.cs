using System.Globalization;
using System.Text;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Printing;

/// <summary>Finding, cutting and replacing in texts as Python's <c>str</c> does.</summary>
internal static class TextSearch
{
    /// <summary>Replaces at most <paramref name="count"/> places (all if negative); an empty text stands before, between and behind all characters.</summary>
    public static StringValue Replace(RenderContext context, string text, string old, string replacement, int count)
    {
        context.Scan(text.Length);
        long places = count < 0 ? long.MaxValue : count;
        places = Math.Min(places, old.Length == 0 ? CodePoints.Count(text) + 1L : CountOf(text, old));
        context.Characters(text.Length + (places * (replacement.Length - old.Length)));
        var result = new StringBuilder();
        int at = 0;
        for (long i = 0; i < places; i++)
        {
            int found = old.Length == 0 ? at : text.IndexOf(old, at, StringComparison.Ordinal);
            int next = old.Length > 0 ? found + old.Length : found < text.Length ? found + CodePoints.LengthAt(text, found) : found;
            result.Append(text, at, found - at).Append(replacement);
            if (old.Length == 0)
                result.Append(text, found, next - found);
            at = next;
        }
        return new StringValue(result.Append(text, at, text.Length - at).ToString());
    }

    /// <summary>Places where a text occurs, not overlapping.</summary>
    public static int CountOf(string text, string part)
    {
        if (part.Length == 0)
            return CodePoints.Count(text) + 1;
        int count = 0;
        for (int at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal))
            count++;
        return count;
    }

    /// <summary>Parts between separators; white space of any length if the separator is null, from the right if asked.</summary>
    public static List<string> Split(RenderContext context, string text, string? separator, int most, bool fromRight)
    {
        context.Scan(text.Length);
        if (separator is { Length: 0 })
            throw context.Error("empty separator");
        List<string> parts = separator is null ? SplitAtSpace(text, most, fromRight) : SplitAt(text, separator, most, fromRight);
        context.Characters(text.Length);
        return parts;
    }

    /// <summary>Lines, at any of Python's line ends.</summary>
    public static List<string> Lines(string text, bool keepEnds)
    {
        var lines = new List<string>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('\n' or '\r' or '\v' or '\f' or (>= '\x1c' and <= '\x1e') or '\x85' or '\u2028' or '\u2029'))
                continue;
            int end = i;
            if (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
                i++;
            lines.Add(text[start..(keepEnds ? i + 1 : end)]);
            start = i + 1;
        }
        if (start < text.Length)
            lines.Add(text[start..]);
        return lines;
    }

    public static bool IsAlphanumeric(Rune rune) => Rune.IsLetter(rune) || Rune.IsNumber(rune);

    private static List<string> SplitAt(string text, string separator, int most, bool fromRight)
    {
        var parts = new List<string>();
        if (fromRight)
        {
            int end = text.Length;
            while (most < 0 || parts.Count < most)
            {
                int found = end < separator.Length ? -1 : text.AsSpan(0, end).LastIndexOf(separator);
                if (found < 0)
                    break;
                parts.Add(text[(found + separator.Length)..end]);
                end = found;
            }
            parts.Add(text[..end]);
            parts.Reverse();
            return parts;
        }
        int start = 0;
        while (most < 0 || parts.Count < most)
        {
            int found = text.IndexOf(separator, start, StringComparison.Ordinal);
            if (found < 0)
                break;
            parts.Add(text[start..found]);
            start = found + separator.Length;
        }
        parts.Add(text[start..]);
        return parts;
    }

    private static List<string> SplitAtSpace(string text, int most, bool fromRight)
    {
        var words = new List<(int Start, int End)>();
        for (int i = 0; i < text.Length;)
        {
            int end = i;
            while (end < text.Length && !CodePoints.IsSpace(text[end]))
                end++;
            if (end > i)
                words.Add((i, end));
            i = end + 1;
        }
        if (most < 0 || words.Count <= most)
            return [.. words.Select(w => text[w.Start..w.End])];
        if (fromRight)
        {
            int kept = words.Count - most;
            return [text[..words[kept - 1].End], .. words.Skip(kept).Select(w => text[w.Start..w.End])];
        }
        return [.. words.Take(most).Select(w => text[w.Start..w.End]), text[words[most].Start..]];
    }

    /// <summary>Python's classes of characters, over a whole text; an empty text is in none.</summary>
    public static bool All(string text, Func<Rune, bool> belongs)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!belongs(rune))
                return false;
        }
        return text.Length > 0;
    }

    public static bool IsDigit(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;
}
