using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>
/// A stable merge sort by Python's order. .NET's own sort is not stable, and wraps what a comparison throws; this one also ends, whatever
/// a hostile order answers.
/// </summary>
internal static class Sorting
{
    public static List<T> Sort<T>(RenderContext context, IReadOnlyList<T> items, Func<T, TemplateValue> key, bool isReverse)
    {
        context.Items(items.Count * 2L);
        (T Item, TemplateValue Key)[] from = [.. items.Select(i => (i, key(i)))];
        var to = new (T Item, TemplateValue Key)[from.Length];
        for (int width = 1; width < from.Length; width *= 2)
        {
            for (int start = 0; start < from.Length; start += 2 * width)
                Merge(context, from, to, start, Math.Min(start + width, from.Length), Math.Min(start + (2 * width), from.Length), isReverse);
            (from, to) = (to, from);
        }
        return [.. from.Select(pair => pair.Item)];
    }

    private static void Merge<T>(RenderContext context, (T Item, TemplateValue Key)[] from, (T Item, TemplateValue Key)[] to, int start, int middle, int end, bool isReverse)
    {
        int left = start;
        int right = middle;
        for (int at = start; at < end; at++)
        {
            bool takeRight = left == middle || (right < end && Precedes(context, from[right].Key, from[left].Key, isReverse));
            to[at] = takeRight ? from[right++] : from[left++];
        }
    }

    private static bool Precedes(RenderContext context, TemplateValue a, TemplateValue b, bool isReverse) =>
        (isReverse ? Comparisons.Order(context, b, a) : Comparisons.Order(context, a, b)) is < 0;
}
