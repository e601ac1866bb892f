using System.Numerics;

namespace Decant.Core.Templates.Values;

/// <summary>Which of Python's finite sequences a <see cref="SequenceValue"/> behaves as.</summary>
internal enum SequenceKind
{
    List,
    Tuple,
    Range,
    DictKeys,
    DictValues,
    DictItems,
}

/// <summary>A list, a tuple, a range or a view of a mapping.</summary>
internal sealed class SequenceValue : TemplateValue
{
    public static readonly SequenceValue EmptyTuple = new(SequenceKind.Tuple, []);

    public SequenceValue(SequenceKind kind, IReadOnlyList<TemplateValue> items)
    {
        Kind = kind;
        Items = items;
        Height = HeightOf(items) + 1;
    }

    public SequenceKind Kind { get; }

    public IReadOnlyList<TemplateValue> Items { get; }

    /// <summary>Names of the elements, for the pairs that <c>groupby</c> gives; else empty.</summary>
    public IReadOnlyList<string> Fields { get; init; } = [];

    /// <summary>Start, stop and step of a range.</summary>
    public (BigInteger Start, BigInteger Stop, BigInteger Step) Bounds { get; init; }

    public override int Height { get; }

    public override bool IsTrue => Items.Count > 0;

    /// <summary>True if elements can be taken by position.</summary>
    public bool IsIndexable => Kind is SequenceKind.List or SequenceKind.Tuple or SequenceKind.Range;

    public override string TypeName => Kind switch
    {
        SequenceKind.List => "list",
        SequenceKind.Tuple => "tuple",
        SequenceKind.Range => "range",
        SequenceKind.DictKeys => "dict_keys",
        SequenceKind.DictValues => "dict_values",
        _ => "dict_items",
    };

    internal static int HeightOf(IEnumerable<TemplateValue> items)
    {
        int height = 0;
        foreach (TemplateValue item in items)
            height = Math.Max(height, item.Height);
        return height;
    }
}

/// <summary>What lazy filters give: can be walked once and has no length.</summary>
internal sealed class GeneratorValue(IEnumerator<TemplateValue> items) : TemplateValue
{
    public IEnumerator<TemplateValue> Items { get; } = items;

    public override string TypeName => "generator";
}
