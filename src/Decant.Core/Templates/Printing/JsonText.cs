using System.Globalization;
using System.Text;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Printing;

/// <summary>How <c>tojson</c> writes.</summary>
/// <param name="EscapeNonAscii">Everything outside printable ASCII as <c>\u</c> escapes.</param>
/// <param name="Indent">What one level is indented by, or null for one line.</param>
/// <param name="ItemSeparator">Between items.</param>
/// <param name="KeySeparator">Between key and value.</param>
/// <param name="SortKeys">Keys in order instead of as they stand.</param>
internal sealed record JsonStyle(bool EscapeNonAscii, string? Indent, string ItemSeparator, string KeySeparator, bool SortKeys);

/// <summary>Values as Python's <c>json.dumps</c> writes them.</summary>
internal sealed class JsonText(RenderContext context, JsonStyle style)
{
    private readonly StringBuilder builder = new();

    public static string Write(RenderContext context, TemplateValue value, JsonStyle style)
    {
        var text = new JsonText(context, style);
        text.Write(value, level: 0);
        return text.builder.ToString();
    }

    private void Write(TemplateValue value, int level)
    {
        context.Step();
        int before = builder.Length;
        switch (value)
        {
            case StringValue s:
                WriteString(s.Text);
                break;
            case SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple } list:
                WriteItems('[', ']', list.Items, level, item => Write(item, level + 1));
                return;
            case DictValue dict:
                WriteItems('{', '}', Entries(dict), level, entry =>
                {
                    WriteString(entry.Key);
                    builder.Append(style.KeySeparator);
                    Write(entry.Value, level + 1);
                });
                return;
            default:
                builder.Append(Scalar(value) ?? throw context.Error($"Object of type {value.TypeName} is not JSON serializable"));
                break;
        }
        context.Characters(builder.Length - before);
    }

    private string? Scalar(TemplateValue value) => value switch
    {
        NoneValue => "null",
        BoolValue b => b.Value ? "true" : "false",
        IntegerValue i => PythonText.Integer(context, i.Value),
        FloatValue f => double.IsNaN(f.Value) ? "NaN"
            : double.IsInfinity(f.Value) ? (f.Value > 0 ? "Infinity" : "-Infinity") : FloatText.Shortest(f.Value),
        _ => null,
    };

    private List<KeyValuePair<string, TemplateValue>> Entries(DictValue dict)
    {
        IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> entries = dict.Entries;
        if (style.SortKeys)
            entries = Sorting.Sort(context, [.. entries], e => e.Key, isReverse: false);
        return [.. entries.Select(e => new KeyValuePair<string, TemplateValue>(Key(e.Key), e.Value))];
    }

    private string Key(TemplateValue key) => key is StringValue s
        ? s.Text
        : Scalar(key) ?? throw context.Error($"keys must be str, int, float, bool or None, not {key.TypeName}");

    private void WriteItems<T>(char open, char close, IReadOnlyCollection<T> items, int level, Action<T> write)
    {
        builder.Append(open);
        bool isFirst = true;
        foreach (T item in items)
        {
            if (!isFirst)
                builder.Append(style.ItemSeparator);
            isFirst = false;
            NewLine(level + 1);
            write(item);
        }
        if (!isFirst)
            NewLine(level);
        builder.Append(close);
        context.Characters(2 + (items.Count * (long)(style.ItemSeparator.Length + style.KeySeparator.Length)));
    }

    private void NewLine(int level)
    {
        if (style.Indent is null)
            return;
        context.Characters(1 + (level * (long)style.Indent.Length));
        builder.Append('\n');
        for (int i = 0; i < level; i++)
            builder.Append(style.Indent);
    }

    private void WriteString(string text)
    {
        context.Characters(text.Length + 2L);
        builder.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"':
                    builder.Append("\\\"");
                    break;
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
                case '\b':
                    builder.Append("\\b");
                    break;
                case '\f':
                    builder.Append("\\f");
                    break;
                case < ' ':
                case > '~' when style.EscapeNonAscii:
                    builder.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                default:
                    builder.Append(c);
                    break;
            }
        }
        builder.Append('"');
    }
}
