using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Syntax;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>Equality, order and membership as Python has them.</summary>
internal static class Comparisons
{
    public static bool Holds(RenderContext context, ComparisonOperator symbol, TemplateValue left, TemplateValue right) => symbol switch
    {
        ComparisonOperator.Equal => AreEqual(context, left, right),
        ComparisonOperator.NotEqual => !AreEqual(context, left, right),
        ComparisonOperator.In => Contains(context, right, left),
        ComparisonOperator.NotIn => !Contains(context, right, left),
        ComparisonOperator.Less => Order(context, left, right, "<") is < 0,
        ComparisonOperator.LessOrEqual => Order(context, left, right, "<=") is <= 0,
        ComparisonOperator.Greater => Order(context, left, right, ">") is > 0,
        _ => Order(context, left, right, ">=") is >= 0,
    };

    public static bool AreEqual(RenderContext context, TemplateValue left, TemplateValue right)
    {
        context.Step();
        switch (left, right)
        {
            case (StringValue a, StringValue b):
                context.Scan(Math.Min(a.Text.Length, b.Text.Length));
                return a.Text == b.Text;
            case (UndefinedValue, UndefinedValue):
                return true;
            case (SequenceValue a, SequenceValue b):
                return HaveSameKind(a, b) && a.Items.Count == b.Items.Count && FirstDifference(context, a, b) < 0;
            case (DictValue a, DictValue b):
                return a.Count == b.Count && a.Entries.All(e => b.Find(e.Key) is { } other && AreEqual(context, e.Value, other));
            default:
                return Number.From(left) is { } m && Number.From(right) is { } n
                    ? !IsNan(left) && !IsNan(right) && m.Equals(n)
                    : ReferenceEquals(left, right);
        }
    }

    /// <summary>Negative, zero or positive; null if a number is not a number, so that no order holds.</summary>
    /// <param name="context">The rendering.</param>
    /// <param name="left">Left operand.</param>
    /// <param name="right">Right operand.</param>
    /// <param name="symbol">The operator, for the message.</param>
    public static int? Order(RenderContext context, TemplateValue left, TemplateValue right, string symbol = "<")
    {
        context.Step();
        if (left is UndefinedValue || right is UndefinedValue)
            throw context.Error(left as UndefinedValue ?? (UndefinedValue)right);
        if (Number.From(left) is { } m && Number.From(right) is { } n)
            return IsNan(left) || IsNan(right) ? null : m.CompareTo(n);
        if (left is StringValue a && right is StringValue b)
        {
            context.Scan(Math.Min(a.Text.Length, b.Text.Length));
            return CodePoints.Compare(a.Text, b.Text);
        }
        if (left is SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple } s && right is SequenceValue t && s.Kind == t.Kind)
        {
            int at = FirstDifference(context, s, t);
            return at < 0 ? s.Items.Count.CompareTo(t.Items.Count) : Order(context, s.Items[at], t.Items[at], symbol);
        }
        throw context.Error($"'{symbol}' not supported between instances of '{left.TypeName}' and '{right.TypeName}'");
    }

    public static bool Contains(RenderContext context, TemplateValue container, TemplateValue item)
    {
        switch (container)
        {
            case StringValue text when item is StringValue part:
                context.Scan(text.Text.Length);
                return text.Text.Contains(part.Text, StringComparison.Ordinal);
            case StringValue:
                throw context.Error($"'in <string>' requires string as left operand, not {item.TypeName}");
            case DictValue when !DictValue.IsHashable(item):
                throw context.Error($"unhashable type: '{item.TypeName}'");
            case DictValue dict:
                return dict.Find(item) is not null;
            case var other when !Iteration.IsIterable(other):
                throw context.Error($"argument of type '{container.TypeName}' is not iterable");
            default:
                return Iteration.Items(context, container).Any(i => AreEqual(context, i, item));
        }
    }

    private static bool HaveSameKind(SequenceValue left, SequenceValue right) => left.Kind == right.Kind && left.Kind != SequenceKind.DictValues;

    private static bool IsNan(TemplateValue value) => value is FloatValue f && double.IsNaN(f.Value);

    /// <summary>The first place where two sequences differ within their common length, or -1.</summary>
    private static int FirstDifference(RenderContext context, SequenceValue left, SequenceValue right)
    {
        int common = Math.Min(left.Items.Count, right.Items.Count);
        for (int i = 0; i < common; i++)
        {
            if (!AreEqual(context, left.Items[i], right.Items[i]))
                return i;
        }
        return -1;
    }
}
