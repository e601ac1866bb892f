using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>Filters that compare items with one another. Text is compared in lower case unless asked otherwise.</summary>
internal static class SortFilters
{
    // What is undefined is equal to all else that is.
    private static readonly UndefinedValue undefinedKey = new("an undefined value");

    public static TemplateValue Sort(RenderContext context, TemplateValue self, BoundArguments a)
    {
        List<TemplateValue> items = Iteration.ToList(context, self);
        Func<TemplateValue, TemplateValue> key = AttributePath.SortKey(context, a[2], a.Flag(1));
        // Jinja sorts by lists of keys, of which Python asks the order only where their elements are not equal.
        return items.TrueForAll(item => key(item) is UndefinedValue) ? context.List(items) : context.List(Sorting.Sort(context, items, key, a.Flag(0)));
    }

    public static TemplateValue DictSort(RenderContext context, TemplateValue self, BoundArguments a)
    {
        DictValue dict = DictMethods.Mapping(context, self);
        string by = a[1] is null ? "key" : a.Text(1);
        if (by is not ("key" or "value"))
            throw context.Error("You can only sort by either \"key\" or \"value\"");
        Func<TemplateValue, TemplateValue> key = AttributePath.SortKey(context, null, a.Flag(0));
        List<SequenceValue> pairs = [.. dict.Entries.Select(e => context.Tuple(e.Key, e.Value))];
        return context.List(Sorting.Sort(context, pairs, p => key(p.Items[by == "key" ? 0 : 1]), a.Flag(2)));
    }

    /// <summary>Pairs of what the attribute is and the items that have it, in order; the first item's spelling counts.</summary>
    public static TemplateValue GroupBy(RenderContext context, TemplateValue self, BoundArguments a)
    {
        Func<TemplateValue, TemplateValue> key = AttributePath.SortKey(context, a[0], a.Flag(2), a[1]);
        Func<TemplateValue, TemplateValue> spelling = AttributePath.Getter(context, a[0], a[1]);
        var groups = new List<TemplateValue>();
        var current = new List<TemplateValue>();
        TemplateValue? currentKey = null;
        foreach (TemplateValue item in Sorting.Sort(context, Iteration.ToList(context, self), key, isReverse: false))
        {
            TemplateValue itemKey = key(item);
            if (currentKey is not null && !Comparisons.AreEqual(context, currentKey, itemKey))
                Finish();
            currentKey = itemKey;
            current.Add(item);
        }
        if (current.Count > 0)
            Finish();
        return context.List(groups);

        void Finish()
        {
            groups.Add(new SequenceValue(SequenceKind.Tuple, [spelling(current[0]), context.List(current)]) { Fields = ["grouper", "list"] });
            current = [];
        }
    }

    public static TemplateValue Unique(RenderContext context, TemplateValue self, BoundArguments a)
    {
        Func<TemplateValue, TemplateValue> key = AttributePath.SortKey(context, a[1], a.Flag(0));
        return context.Generator(Distinct());

        IEnumerable<TemplateValue> Distinct()
        {
            var seen = new DictValue();
            foreach (TemplateValue item in Iteration.Items(context, self))
            {
                TemplateValue itemKey = key(item);
                if (itemKey is UndefinedValue)
                    itemKey = undefinedKey;
                if (DictValue.IsHashable(itemKey) && seen.Find(itemKey) is not null)
                {
                    context.Step();
                    continue;
                }
                context.Set(seen, itemKey, NoneValue.Instance);
                yield return item;
            }
        }
    }

    public static TemplateValue Min(RenderContext context, TemplateValue self, BoundArguments a) => Extreme(context, self, a, sign: -1);

    public static TemplateValue Max(RenderContext context, TemplateValue self, BoundArguments a) => Extreme(context, self, a, sign: 1);

    private static TemplateValue Extreme(RenderContext context, TemplateValue self, BoundArguments a, int sign)
    {
        Func<TemplateValue, TemplateValue> key = AttributePath.SortKey(context, a[1], a.Flag(0));
        TemplateValue? best = null;
        TemplateValue? bestKey = null;
        foreach (TemplateValue item in Iteration.Items(context, self))
        {
            TemplateValue itemKey = key(item);
            if (bestKey is not null && !(Comparisons.Order(context, itemKey, bestKey) * sign > 0))
                continue;
            best = item;
            bestKey = itemKey;
        }
        return best ?? new UndefinedValue("No aggregated item, sequence was empty.");
    }
}
