using System.Globalization;
using System.Numerics;
using System.Text;
using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Printing;

/// <summary>
/// <c>'%s of %d' % (a, b)</c>: Python's printf-style formatting
/// (https://docs.python.org/3/library/stdtypes.html#printf-style-string-formatting).
/// </summary>
internal sealed class PercentFormat
{
    private readonly RenderContext context;
    private readonly string format;
    private readonly DictValue? named;
    private readonly IReadOnlyList<TemplateValue> values;
    private readonly bool isTuple;
    private int position;
    private int used;

    private PercentFormat(RenderContext context, string format, TemplateValue arguments)
    {
        this.context = context;
        this.format = format;
        named = arguments as DictValue;
        isTuple = arguments is SequenceValue { Kind: SequenceKind.Tuple };
        values = isTuple ? ((SequenceValue)arguments).Items : [arguments];
    }

    public static StringValue Apply(RenderContext context, string format, TemplateValue arguments) =>
        new(new PercentFormat(context, format, arguments).Run());

    private string Run()
    {
        var result = new StringBuilder();
        context.Characters(format.Length);
        while (position < format.Length)
        {
            int percent = format.IndexOf('%', position);
            if (percent < 0)
                percent = format.Length;
            result.Append(format, position, percent - position);
            position = percent + 1;
            if (percent == format.Length)
                break;
            string item = Item();
            context.Characters(item.Length);
            result.Append(item);
            if (result.Length > context.Limits.MaxOutput)
                throw context.LimitError($"a text of more than {context.Limits.MaxOutput} characters");
        }
        // Of a mapping, and of a list for the same reason (it has elements by key), nothing need be used.
        bool allUsed = used >= values.Count || named is not null || values is [SequenceValue { Kind: SequenceKind.List }] && !isTuple;
        return allUsed ? result.ToString() : throw context.Error("not all arguments converted during string formatting");
    }

    private string Item()
    {
        TemplateValue? value = position < format.Length && format[position] == '(' ? NamedValue() : null;
        string flags = TakeWhile(c => "#0- +".Contains(c, StringComparison.Ordinal));
        int width = TakeNumber(0);
        if (width < 0)
        {
            flags += "-";
            width = width == int.MinValue ? int.MaxValue : -width;
        }
        int? precision = null;
        if (position < format.Length && format[position] == '.')
        {
            position++;
            precision = Math.Max(0, TakeNumber(0));
        }
        TakeWhile(c => c is 'h' or 'l' or 'L');
        if (position >= format.Length)
            throw context.Error("incomplete format");
        char type = format[position++];
        if (type == '%')
            return "%";
        value ??= NextValue();
        return Convert(value, type, flags, width, precision);
    }

    private string Convert(TemplateValue value, char type, string flags, int width, int? precision)
    {
        char align = flags.Contains('-', StringComparison.Ordinal) ? '<' : flags.Contains('0', StringComparison.Ordinal) ? '=' : '>';
        switch (type)
        {
            case 's' or 'r' or 'a':
                string text = type == 's' ? PythonText.Print(context, value) : PythonText.Represent(context, value);
                if (precision is { } limit && limit < CodePoints.Count(text))
                    text = CodePoints.Substring(text, 0, limit);
                return NumberText.Pad(context, "", text, width, " ", align == '<' ? '<' : '>');
            case 'c':
                return NumberText.Pad(context, "", Character(value), width, " ", align == '<' ? '<' : '>');
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o':
                BigInteger integer = ToInteger(value, type);
                string digits = NumberText.Digits(context, integer, type is 'i' or 'u' ? 'd' : type);
                if (precision is { } least && least > digits.Length)
                {
                    context.Characters(least);
                    digits = digits.PadLeft(least, '0');
                }
                string prefix = flags.Contains('#', StringComparison.Ordinal) && type is 'x' or 'X' or 'o' ? "0" + type : "";
                return NumberText.Pad(context, Sign(integer.Sign < 0, flags) + prefix, digits, width, align == '=' ? "0" : " ", align);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                double real = (Number.From(value) ?? throw context.Error($"must be real number, not {value.TypeName}")).AsDouble;
                return NumberText.Pad(context, Sign(double.IsNegative(real), flags), NumberText.Real(context, real, type, precision ?? 6), width, align == '=' ? "0" : " ", align);
            default:
                throw context.Error($"unsupported format character '{type}'");
        }
    }

    private BigInteger ToInteger(TemplateValue value, char type) => value switch
    {
        FloatValue f when type is 'd' or 'i' or 'u' && double.IsFinite(f.Value) => new BigInteger(Math.Truncate(f.Value)),
        _ when Number.From(value) is { IsInteger: true } n => n.Integer,
        _ => throw context.Error($"%{type} format: a number is required, not {value.TypeName}"),
    };

    private string Character(TemplateValue value) => value switch
    {
        StringValue s when CodePoints.Count(s.Text) == 1 => s.Text,
        IntegerValue i when i.Value.Sign >= 0 && i.Value <= 0x10FFFF && Rune.IsValid((int)i.Value) => new Rune((int)i.Value).ToString(),
        _ => throw context.Error("%c requires int or char"),
    };

    private TemplateValue NamedValue()
    {
        int depth = 0;
        int start = ++position;
        while (position < format.Length && (depth > 0 || format[position] != ')'))
            depth += format[position++] switch { '(' => 1, ')' => -1, _ => 0 };
        if (position >= format.Length)
            throw context.Error("incomplete format key");
        string name = format[start..position++];
        if (named is null)
            throw context.Error("format requires a mapping");
        return named.Find(name) ?? throw context.Error($"'{name}'");
    }

    private TemplateValue NextValue() => used < values.Count ? values[used++] : throw context.Error("not enough arguments for format string");

    private int TakeNumber(int otherwise)
    {
        if (position < format.Length && format[position] == '*')
        {
            position++;
            return Number.From(NextValue()) is { IsInteger: true } n ? BoundArguments.Clamp(n.Integer) : throw context.Error("* wants int");
        }
        string digits = TakeWhile(char.IsAsciiDigit);
        return digits.Length == 0 ? otherwise : int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }

    private string TakeWhile(Func<char, bool> belongs)
    {
        int start = position;
        while (position < format.Length && belongs(format[position]))
            position++;
        return format[start..position];
    }

    private static string Sign(bool isNegative, string flags) =>
        isNegative ? "-" : flags.Contains('+', StringComparison.Ordinal) ? "+" : flags.Contains(' ', StringComparison.Ordinal) ? " " : "";
}
