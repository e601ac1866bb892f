using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Syntax;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>Filters on anything that can be walked.</summary>
internal static class SequenceFilters
{
    public static TemplateValue Length(RenderContext context, TemplateValue self, BoundArguments a) => Iteration.Count(context, self) is { } count
        ? new IntegerValue(count)
        : throw context.Error($"object of type '{self.TypeName}' has no len()");

    public static TemplateValue First(RenderContext context, TemplateValue self, BoundArguments a) =>
        Iteration.ToList(context, self, atMost: 1) is [var first] ? first : new UndefinedValue("No first item, sequence was empty.");

    public static TemplateValue Last(RenderContext context, TemplateValue self, BoundArguments a)
    {
        if (self is GeneratorValue)
            throw context.Error("'generator' object is not reversible");
        if (self is SequenceValue sequence)
            return sequence.Items.Count > 0 ? sequence.Items[^1] : new UndefinedValue("No last item, sequence was empty.");
        return Iteration.ToList(context, self) is [.., var last] ? last : new UndefinedValue("No last item, sequence was empty.");
    }

    public static TemplateValue List(RenderContext context, TemplateValue self, BoundArguments a) => context.List(Iteration.ToList(context, self));

    public static TemplateValue Join(RenderContext context, TemplateValue self, BoundArguments a)
    {
        string separator = a[0] is null ? "" : PythonText.Print(context, a.Value(0));
        List<TemplateValue> items = Iteration.ToList(context, self);
        if (a[1] is { } attribute and not NoneValue)
            items = [.. items.Select(AttributePath.Getter(context, attribute))];
        string[] texts = [.. items.Select(i => PythonText.Print(context, i))];
        context.Characters(texts.Sum(t => (long)t.Length) + (separator.Length * (long)Math.Max(0, texts.Length - 1)));
        return new StringValue(string.Join(separator, texts));
    }

    public static TemplateValue Reverse(RenderContext context, TemplateValue self, BoundArguments a)
    {
        if (self is StringValue text)
            return Slices.Take(context, text, NoneValue.Instance, NoneValue.Instance, new IntegerValue(-1));
        List<TemplateValue> items = Iteration.ToList(context, self);
        items.Reverse();
        return self is GeneratorValue ? context.List(items) : context.Generator(items);
    }

    public static TemplateValue Sum(RenderContext context, TemplateValue self, BoundArguments a)
    {
        IEnumerable<TemplateValue> items = Iteration.Items(context, self);
        if (a[0] is { } attribute and not NoneValue)
            items = items.Select(AttributePath.Getter(context, attribute));
        TemplateValue total = a[1] ?? IntegerValue.Zero;
        if (total is StringValue)
            throw context.Error("sum() can't sum strings [use ''.join(seq) instead]");
        foreach (TemplateValue item in items)
        {
            context.Step();
            total = Arithmetic.Apply(context, ArithmeticOperator.Add, total, item);
        }
        return total;
    }

    /// <summary>Lists of so many items each, the last one filled up if a filling is given.</summary>
    public static TemplateValue Batch(RenderContext context, TemplateValue self, BoundArguments a)
    {
        int size = a.Int(0, 0);
        TemplateValue filling = a[1] ?? NoneValue.Instance;
        return context.Generator(Batches());

        IEnumerable<TemplateValue> Batches()
        {
            var current = new List<TemplateValue>();
            foreach (TemplateValue item in Iteration.Items(context, self))
            {
                context.Step();
                if (current.Count == size)
                {
                    yield return context.List(current);
                    current = [];
                }
                current.Add(item);
            }
            if (current.Count == 0)
                yield break;
            if (filling is not NoneValue && current.Count < size)
            {
                context.Items(size - current.Count);
                current.AddRange(Enumerable.Repeat(filling, size - current.Count));
            }
            yield return context.List(current);
        }
    }

    /// <summary>So many lists of about equal length.</summary>
    public static TemplateValue Slice(RenderContext context, TemplateValue self, BoundArguments a)
    {
        int slices = a.Int(0, 0);
        TemplateValue filling = a[1] ?? NoneValue.Instance;
        return context.Generator(Parts());

        IEnumerable<TemplateValue> Parts()
        {
            List<TemplateValue> items = Iteration.ToList(context, self);
            if (slices == 0)
                throw context.Error("integer division or modulo by zero");
            (int each, int longer) = Math.DivRem(items.Count, slices);
            int offset = 0;
            for (int i = 0; i < slices; i++)
            {
                context.Step();
                int start = offset + (i * each);
                if (i < longer)
                    offset++;
                int end = offset + ((i + 1) * each);
                List<TemplateValue> part = items.GetRange(start, end - start);
                if (filling is not NoneValue && i >= longer)
                    part.Add(filling);
                yield return context.List(part);
            }
        }
    }

    public static TemplateValue Items(RenderContext context, TemplateValue self, BoundArguments a) => self switch
    {
        UndefinedValue => context.Generator([]),
        DictValue dict => context.Generator(dict.Entries.Select(e => context.Tuple(e.Key, e.Value))),
        _ => throw context.Error("Can only get item pairs from a mapping."),
    };
}
