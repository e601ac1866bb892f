using Decant.Core.Templates.Rendering;

namespace Decant.Core.Templates.Printing;

[Flags]
internal enum TrimSides
{
    Left = 1,
    Right = 2,
    Both = Left | Right,
}

/// <summary>Removing and adding characters at the ends of a text.</summary>
internal static class TextTrimming
{
    /// <summary>Without the given characters (white space if null) at its ends.</summary>
    public static string Trim(string text, string? characters, TrimSides sides)
    {
        HashSet<string>? set = characters is null ? null : [.. characters.EnumerateRunes().Select(r => r.ToString())];
        int start = 0;
        int end = text.Length;
        if (sides.HasFlag(TrimSides.Left))
        {
            while (start < end && Belongs(text, start, set))
                start += CodePoints.LengthAt(text, start);
        }
        if (sides.HasFlag(TrimSides.Right))
        {
            while (end > start && Belongs(text, Last(text, start, end), set))
                end = Last(text, start, end);
        }
        return text[start..end];
    }

    /// <summary>Centred in a width; an odd blank goes where Python puts it.</summary>
    public static string Center(RenderContext context, string text, int width, string fill)
    {
        int missing = width - CodePoints.Count(text);
        if (missing <= 0)
            return text;
        int before = (missing / 2) + (missing & width & 1);
        return Repeat(context, fill, before) + text + Repeat(context, fill, missing - before);
    }

    public static string Repeat(RenderContext context, string fill, int count)
    {
        context.Characters(fill.Length * (long)Math.Max(0, count));
        return count <= 0 ? "" : string.Concat(Enumerable.Repeat(fill, count));
    }

    private static int Last(string text, int start, int end) =>
        end - start >= 2 && char.IsLowSurrogate(text[end - 1]) && char.IsHighSurrogate(text[end - 2]) ? end - 2 : end - 1;

    private static bool Belongs(string text, int index, HashSet<string>? set) => set is null
        ? CodePoints.IsSpace(text[index])
        : set.Contains(text.Substring(index, CodePoints.LengthAt(text, index)));
}
