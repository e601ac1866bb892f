using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>Walking values as Python's <c>iter</c> does.</summary>
internal static class Iteration
{
    public static bool IsIterable(TemplateValue value) => value is StringValue or SequenceValue or DictValue or GeneratorValue or UndefinedValue;

    /// <summary>The items of a value: elements, keys, characters; none of undefined. Each is paid for as it is taken.</summary>
    public static IEnumerable<TemplateValue> Items(RenderContext context, TemplateValue value) => value switch
    {
        SequenceValue sequence => sequence.Items,
        DictValue dict => dict.Keys,
        StringValue text => Characters(context, text.Text),
        GeneratorValue generator => Rest(context, generator),
        UndefinedValue => [],
        _ => throw context.Error($"'{value.TypeName}' object is not iterable"),
    };

    /// <summary>The items as a new list.</summary>
    public static List<TemplateValue> ToList(RenderContext context, TemplateValue value, int atMost = int.MaxValue)
    {
        var items = new List<TemplateValue>();
        foreach (TemplateValue item in Items(context, value))
        {
            context.Items(1);
            items.Add(item);
            if (items.Count >= atMost)
                break;
        }
        return items;
    }

    /// <summary>How many items a value has, or null if it has no length.</summary>
    public static int? Count(RenderContext context, TemplateValue value)
    {
        switch (value)
        {
            case SequenceValue sequence:
                return sequence.Items.Count;
            case DictValue dict:
                return dict.Count;
            case StringValue text:
                context.Scan(text.Text.Length);
                return CodePoints.Count(text.Text);
            case UndefinedValue:
                return 0;
            default:
                return null;
        }
    }

    private static IEnumerable<TemplateValue> Characters(RenderContext context, string text)
    {
        for (int i = 0; i < text.Length;)
        {
            context.Items(1);
            int length = CodePoints.LengthAt(text, i);
            yield return new StringValue(text.Substring(i, length));
            i += length;
        }
    }

    private static IEnumerable<TemplateValue> Rest(RenderContext context, GeneratorValue generator)
    {
        while (true)
        {
            context.Enter();
            bool more = generator.Items.MoveNext();
            context.Leave();
            if (!more)
                yield break;
            yield return generator.Items.Current;
        }
    }
}
