namespace Decant.Core.Templates.Values;

/// <summary>A mapping that keeps the order of insertion. Keys: text, numbers, none, and tuples of these.</summary>
internal sealed class DictValue : TemplateValue
{
    private readonly OrderedDictionary<TemplateValue, TemplateValue> entries = new(KeyComparer.Instance);
    private int height = 1;

    public int Count => entries.Count;

    public IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> Entries => entries;

    public IEnumerable<TemplateValue> Keys => entries.Keys;

    public IEnumerable<TemplateValue> Values => entries.Values;

    public override string TypeName => "dict";

    public override bool IsTrue => entries.Count > 0;

    public override int Height => height;

    /// <summary>True if a value can be a key.</summary>
    public static bool IsHashable(TemplateValue value) => value is not (DictValue or NamespaceValue or SequenceValue)
        || value is SequenceValue { Kind: SequenceKind.Tuple, Height: 1 };

    /// <summary>Adds or replaces; only for whoever builds the mapping. The key must be hashable.</summary>
    public void Set(TemplateValue key, TemplateValue value)
    {
        entries[key] = value;
        height = Math.Max(height, value.Height + 1);
    }

    /// <summary>The value of a hashable key, or null.</summary>
    public TemplateValue? Find(TemplateValue key) => entries.TryGetValue(key, out TemplateValue? value) ? value : null;

    public TemplateValue? Find(string key) => Find(new StringValue(key));
}

/// <summary>Equality of keys as Python has it: 1, 1.0 and true are one key. Tuples are flat here (see <see cref="DictValue.IsHashable"/>).</summary>
internal sealed class KeyComparer : IEqualityComparer<TemplateValue>
{
    public static readonly KeyComparer Instance = new();

    public bool Equals(TemplateValue? x, TemplateValue? y)
    {
        if (ReferenceEquals(x, y))
            return true;
        if (x is StringValue a && y is StringValue b)
            return a.Text == b.Text;
        if (Number.From(x!) is { } m && Number.From(y!) is { } n)
            return m.CompareTo(n) == 0;
        return x is SequenceValue s && y is SequenceValue t && s.Kind == t.Kind && s.Items.SequenceEqual(t.Items, this);
    }

    public int GetHashCode(TemplateValue obj) => obj switch
    {
        StringValue s => s.Text.GetHashCode(StringComparison.Ordinal),
        SequenceValue s => s.Items.Aggregate(17, (hash, item) => HashCode.Combine(hash, GetHashCode(item))),
        _ when Number.From(obj) is { } n => n.GetHashCode(),
        _ => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj),
    };
}
