using System.Numerics;
using System.Text;
using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary><c>value[start:stop:step]</c> of texts, lists, tuples and ranges; of anything else it is undefined, as in Jinja.</summary>
internal static class Slices
{
    public static TemplateValue Take(RenderContext context, TemplateValue target, TemplateValue start, TemplateValue stop, TemplateValue step)
    {
        if (target is UndefinedValue undefined)
            throw context.Error(undefined);
        if (target is not (StringValue or SequenceValue { IsIndexable: true }))
            return new UndefinedValue($"{Members.Describe(target)} cannot be sliced");
        if (!IsBound(start) || !IsBound(stop) || !IsBound(step))
            throw context.Error("slice indices must be integers or None");
        if (ToBound(step) is 0)
            throw context.Error("slice step cannot be zero");
        if (target is StringValue text)
            return OfText(context, text.Text, ToBound(start), ToBound(stop), ToBound(step) ?? 1);
        var sequence = (SequenceValue)target;
        (int first, int count, int stride) = Resolve(sequence.Items.Count, ToBound(start), ToBound(stop), ToBound(step) ?? 1);
        context.Items(count);
        var items = new TemplateValue[count];
        for (int i = 0; i < count; i++)
            items[i] = sequence.Items[first + (i * stride)];
        if (sequence.Kind != SequenceKind.Range)
            return context.Sequence(sequence.Kind, items);
        (BigInteger from, _, BigInteger by) = sequence.Bounds;
        BigInteger newStart = from + (first * by);
        return new SequenceValue(SequenceKind.Range, items) { Bounds = (newStart, newStart + (count * stride * by), by * stride) };
    }

    private static StringValue OfText(RenderContext context, string text, int? start, int? stop, int step)
    {
        context.Scan(text.Length);
        int length = CodePoints.Count(text);
        (int first, int count, int stride) = Resolve(length, start, stop, step);
        if (stride == 1)
            return context.Text(CodePoints.Substring(text, first, count));
        Rune[] runes = [.. text.EnumerateRunes()];
        context.Characters(count * 2L);
        var result = new StringBuilder(count);
        for (int i = 0; i < count; i++)
            result.Append(runes[first + (i * stride)].ToString());
        return new StringValue(result.ToString());
    }

    /// <summary>First position, number of elements and step of a slice of a sequence of <paramref name="length"/> elements.</summary>
    private static (int First, int Count, int Step) Resolve(int length, int? start, int? stop, int step)
    {
        step = Math.Clamp(step, -int.MaxValue, int.MaxValue);
        int low = step > 0 ? 0 : -1;
        int high = step > 0 ? length : length - 1;
        int Place(int? bound, int otherwise) => bound is not { } b ? otherwise : (int)Math.Clamp(b < 0 ? (long)b + length : b, low, high);
        int first = Place(start, step > 0 ? low : high);
        int end = Place(stop, step > 0 ? high : low);
        long distance = step > 0 ? (long)end - first : (long)first - end;
        long stride = Math.Abs((long)step);
        int count = distance <= 0 ? 0 : (int)((distance + stride - 1) / stride);
        return (count == 0 ? 0 : first, count, count <= 1 ? 1 : step);
    }

    private static bool IsBound(TemplateValue value) => value is NoneValue or IntegerValue or BoolValue;

    private static int? ToBound(TemplateValue value) => Number.From(value) is { } n ? BoundArguments.Clamp(n.Integer) : null;
}
