using System.Globalization;
using System.Numerics;
using System.Text;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Printing;

/// <summary>Values as text: Python's <c>str</c> and <c>repr</c>.</summary>
internal static class PythonText
{
    /// <summary>Python converts no longer integers to text.</summary>
    private const int maxIntegerDigits = 4300;

    /// <summary>What printing a value writes; undefined writes nothing.</summary>
    public static string Print(RenderContext context, TemplateValue value) => value switch
    {
        StringValue s => s.Text,
        UndefinedValue => "",
        _ => Represent(context, value),
    };

    /// <summary>The value as Python source would write it, as inside a printed list.</summary>
    public static string Represent(RenderContext context, TemplateValue value)
    {
        var builder = new StringBuilder();
        Represent(context, value, builder);
        return builder.ToString();
    }

    public static string Integer(RenderContext context, BigInteger value)
    {
        // log10(2) · bits is at most one digit too few.
        if (value.GetBitLength() * 0.30103 > maxIntegerDigits)
            throw context.Error($"Exceeds the limit ({maxIntegerDigits} digits) for integer string conversion");
        return value.ToString(CultureInfo.InvariantCulture);
    }

    private static void Represent(RenderContext context, TemplateValue value, StringBuilder builder)
    {
        context.Step();
        int before = builder.Length;
        switch (value)
        {
            case NoneValue:
                builder.Append("None");
                break;
            case BoolValue b:
                builder.Append(b.Value ? "True" : "False");
                break;
            case IntegerValue i:
                builder.Append(Integer(context, i.Value));
                break;
            case FloatValue f:
                builder.Append(FloatText.Shortest(f.Value));
                break;
            case StringValue s:
                context.Characters(s.Text.Length + 2L);
                Quote(s, builder);
                break;
            case SequenceValue sequence:
                Sequence(context, sequence, builder);
                return;
            case DictValue dict:
                Dict(context, dict.Entries, builder);
                return;
            case NamespaceValue space:
                context.Enter();
                builder.Append("<Namespace ");
                Dict(context, space.Attributes.Select(a => new KeyValuePair<TemplateValue, TemplateValue>(new StringValue(a.Key), a.Value)), builder);
                builder.Append('>');
                context.Leave();
                return;
            case UndefinedValue:
                builder.Append("Undefined");
                break;
            case MacroValue macro:
                builder.Append(CultureInfo.InvariantCulture, $"<Macro '{macro.Name}'>");
                break;
            case LoopValue loop:
                builder.Append(CultureInfo.InvariantCulture, $"<LoopContext {loop.Index + 1}/{loop.Length}>");
                break;
            default:
                builder.Append(CultureInfo.InvariantCulture, $"<{value.TypeName}>");
                break;
        }
        context.Characters(builder.Length - before);
    }

    private static void Sequence(RenderContext context, SequenceValue sequence, StringBuilder builder)
    {
        if (sequence.Kind == SequenceKind.Range)
        {
            (BigInteger start, BigInteger stop, BigInteger step) = sequence.Bounds;
            builder.Append(CultureInfo.InvariantCulture, $"range({start}, {stop}{(step.IsOne ? "" : $", {step}")})");
            return;
        }
        (string open, string close) = sequence.Kind switch
        {
            SequenceKind.List => ("[", "]"),
            SequenceKind.Tuple => ("(", sequence.Items.Count == 1 ? ",)" : ")"),
            _ => ($"{sequence.TypeName}([", "])"),
        };
        builder.Append(open);
        for (int i = 0; i < sequence.Items.Count; i++)
        {
            if (i > 0)
                builder.Append(", ");
            Represent(context, sequence.Items[i], builder);
        }
        builder.Append(close);
        context.Characters((2L * sequence.Items.Count) + 2);
    }

    private static void Dict(RenderContext context, IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> entries, StringBuilder builder)
    {
        builder.Append('{');
        bool isFirst = true;
        foreach ((TemplateValue key, TemplateValue value) in entries)
        {
            if (!isFirst)
                builder.Append(", ");
            isFirst = false;
            Represent(context, key, builder);
            builder.Append(": ");
            Represent(context, value, builder);
        }
        builder.Append('}');
    }

    /// <summary>Single quotes unless the text has some and no double ones; what cannot be seen becomes an escape.</summary>
    private static void Quote(StringValue value, StringBuilder builder)
    {
        string text = value.Text;
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        if (value.IsMarkup)
            builder.Append("Markup(");
        builder.Append(quote);
        for (int i = 0; i < text.Length;)
        {
            if (Rune.TryGetRuneAt(text, i, out Rune rune))
            {
                AppendRune(rune, quote, builder);
                i += rune.Utf16SequenceLength;
            }
            else
            {
                builder.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:x4}");
                i++;
            }
        }
        builder.Append(quote);
        if (value.IsMarkup)
            builder.Append(')');
    }

    private static void AppendRune(Rune rune, char quote, StringBuilder builder)
    {
        switch (rune.Value)
        {
            case '\\':
                builder.Append("\\\\");
                break;
            case '\n':
                builder.Append("\\n");
                break;
            case '\r':
                builder.Append("\\r");
                break;
            case '\t':
                builder.Append("\\t");
                break;
            case var v when v == quote:
                builder.Append('\\').Append(quote);
                break;
            case var v when CodePoints.IsPrintable(rune):
                builder.Append(v < 0x80 ? ((char)v).ToString() : rune.ToString());
                break;
            case var v when v < 0x100:
                builder.Append(CultureInfo.InvariantCulture, $"\\x{v:x2}");
                break;
            case var v:
                builder.Append(v < 0x10000 ? "\\u" : "\\U").Append(v.ToString(v < 0x10000 ? "x4" : "x8", CultureInfo.InvariantCulture));
                break;
        }
    }
}
