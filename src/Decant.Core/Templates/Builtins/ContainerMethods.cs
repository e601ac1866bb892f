using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>All methods of mappings that do not change them.</summary>
internal static class DictMethods
{
    public static Dictionary<string, Builtin> All { get; } = Builtin.Index(
    [
        new("copy", "", (c, self, _) => Copy(c, (DictValue)self)),
        new("get", "key default?", (c, self, a) => DictValue.IsHashable(a.Value(0))
            ? ((DictValue)self).Find(a.Value(0)) ?? a[1] ?? NoneValue.Instance
            : throw c.Error($"unhashable type: '{a.Value(0).TypeName}'")),
        new("items", "", (c, self, _) => c.Sequence(SequenceKind.DictItems, [.. ((DictValue)self).Entries.Select(e => c.Tuple(e.Key, e.Value))])),
        new("keys", "", (c, self, _) => c.Sequence(SequenceKind.DictKeys, [.. ((DictValue)self).Keys])),
        new("values", "", (c, self, _) => c.Sequence(SequenceKind.DictValues, [.. ((DictValue)self).Values])),
    ]);

    /// <summary>A mapping, or the error Python gives where <c>items()</c> is called on something else.</summary>
    internal static DictValue Mapping(RenderContext context, TemplateValue value) => value switch
    {
        DictValue dict => dict,
        UndefinedValue undefined => throw context.Error(undefined),
        _ => throw context.Error($"'{value.TypeName}' object has no attribute 'items'"),
    };

    internal static DictValue Copy(RenderContext context, DictValue source)
    {
        var copy = new DictValue();
        foreach ((TemplateValue key, TemplateValue value) in source.Entries)
            context.Set(copy, key, value);
        return copy;
    }
}

/// <summary>All methods of lists, tuples and ranges that do not change them.</summary>
internal static class SequenceMethods
{
    public static Dictionary<string, Builtin> All { get; } = Builtin.Index(
    [
        new("count", "value", (c, self, a) => new IntegerValue(((SequenceValue)self).Items.Count(i => Comparisons.AreEqual(c, i, a.Value(0))))),
        new("index", "value start? stop?", Index),
    ]);

    /// <summary>What a list has and a tuple has not.</summary>
    public static Dictionary<string, Builtin> ListOnly { get; } = Builtin.Index([new("copy", "", (c, self, _) => c.List([.. ((SequenceValue)self).Items]))]);

    private static IntegerValue Index(RenderContext context, TemplateValue self, BoundArguments a)
    {
        IReadOnlyList<TemplateValue> items = ((SequenceValue)self).Items;
        int Place(int argument, int otherwise) => a.Int(argument, otherwise) is var p && p < 0 ? Math.Max(0, p + items.Count) : p;
        int stop = Math.Min(Place(2, items.Count), items.Count);
        for (int i = Place(1, 0); i < stop; i++)
        {
            if (Comparisons.AreEqual(context, items[i], a.Value(0)))
                return new IntegerValue(i);
        }
        throw context.Error("the value is not in the list");
    }
}

/// <summary>Methods of what <c>cycler()</c> gives.</summary>
internal static class CyclerMethods
{
    public static Dictionary<string, Builtin> All { get; } = Builtin.Index(
    [
        new("next", "", (_, self, _) => ((CyclerValue)self).Next()),
        new("reset", "", (_, self, _) =>
        {
            ((CyclerValue)self).Reset();
            return NoneValue.Instance;
        }),
    ]);
}

/// <summary>Methods of the variable <c>loop</c>.</summary>
internal static class LoopMethods
{
    public static Dictionary<string, Builtin> All { get; } = Builtin.Index(
    [
        new("changed", "*", (_, self, a) => BoolValue.Of(((LoopValue)self).HasChanged(a.All.Positional))),
        new("cycle", "*", (c, self, a) => a.All.Positional.Count > 0
            ? a.All.Positional[((LoopValue)self).Index % a.All.Positional.Count]
            : throw c.Error("no items for cycling given")),
    ]);
}
