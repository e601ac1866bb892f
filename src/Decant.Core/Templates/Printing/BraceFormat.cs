using System.Globalization;
using System.Numerics;
using System.Text;
using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Printing;

/// <summary>
/// <c>'{} {name:&gt;8}'.format(...)</c>: Python's format strings (https://docs.python.org/3/library/string.html#formatstrings). Attributes
/// and elements in a field go through the sandbox.
/// </summary>
internal sealed class BraceFormat(RenderContext context, Arguments arguments)
{
    /// <summary>A field may stand in the format specification of another one, not deeper.</summary>
    private const int maxNesting = 2;

    private int automatic;
    private bool isNumbered;

    public static StringValue Apply(RenderContext context, string format, Arguments arguments) =>
        new(new BraceFormat(context, arguments).Expand(format, nesting: 0));

    private string Expand(string format, int nesting)
    {
        if (nesting >= maxNesting)
            throw context.Error("Max string recursion exceeded");
        context.Characters(format.Length);
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            bool isDoubled = i + 1 < format.Length && format[i + 1] == c;
            if (c is not ('{' or '}'))
                result.Append(c);
            else if (isDoubled && !(c == '}' && nesting > 0))
            {
                result.Append(c);
                i++;
            }
            else if (c == '}')
                throw context.Error("Single '}' encountered in format string");
            else
            {
                int end = FieldEnd(format, i + 1);
                string item = Field(format[(i + 1)..end], nesting);
                context.Characters(item.Length);
                result.Append(item);
                if (result.Length > context.Limits.MaxOutput)
                    throw context.LimitError($"a text of more than {context.Limits.MaxOutput} characters");
                i = end;
            }
        }
        return result.ToString();
    }

    private int FieldEnd(string format, int start)
    {
        int depth = 0;
        for (int i = start; i < format.Length; i++)
        {
            if (format[i] == '{')
                depth++;
            else if (format[i] == '}' && --depth < 0)
                return i;
        }
        throw context.Error("expected '}' before end of string");
    }

    private string Field(string field, int nesting)
    {
        int colon = SpecificationStart(field);
        string name = colon < 0 ? field : field[..colon];
        char conversion = '\0';
        if (name.Length >= 2 && name[^2] == '!')
        {
            conversion = name[^1];
            name = name[..^2];
        }
        TemplateValue value = Lookup(name);
        string specification = colon < 0 ? "" : Expand(field[(colon + 1)..], nesting + 1);
        value = conversion switch
        {
            '\0' => value,
            's' => new StringValue(PythonText.Print(context, value)),
            'r' or 'a' => new StringValue(PythonText.Represent(context, value)),
            _ => throw context.Error($"Unknown conversion specifier '{conversion}'"),
        };
        return Format(value, specification);
    }

    /// <summary>The colon in front of the specification; one inside brackets belongs to a key.</summary>
    private static int SpecificationStart(string field)
    {
        bool isKey = false;
        for (int i = 0; i < field.Length; i++)
        {
            if (field[i] == '[')
                isKey = true;
            else if (field[i] == ']')
                isKey = false;
            else if (field[i] == ':' && !isKey)
                return i;
        }
        return -1;
    }

    private TemplateValue Lookup(string name)
    {
        int end = name.AsSpan().IndexOfAny('.', '[');
        string first = end < 0 ? name : name[..end];
        TemplateValue value = Argument(first);
        for (int at = end < 0 ? name.Length : end; at < name.Length;)
        {
            bool isKey = name[at] == '[';
            int stop = isKey ? name.IndexOf(']', at) : name.AsSpan(at + 1).IndexOfAny('.', '[') is var n && n < 0 ? name.Length : at + 1 + n;
            if (stop < 0)
                throw context.Error("Missing ']' in format string");
            string part = name[(at + 1)..stop];
            value = isKey
                ? Members.Item(context, value, ToIndex(part) is { } index ? new IntegerValue(index) : new StringValue(part))
                : Members.Attribute(context, value, part);
            at = isKey ? stop + 1 : stop;
        }
        return value;
    }

    private TemplateValue Argument(string name)
    {
        if (name.Length > 0 && ToIndex(name) is null)
            return arguments.FindNamed(name) ?? throw context.Error($"'{name}'");
        bool switches = name.Length == 0 ? isNumbered : automatic > 0;
        if (switches)
            throw context.Error("cannot switch between automatic field numbering and manual field specification");
        isNumbered = name.Length > 0;
        int index = ToIndex(name) ?? automatic++;
        return index < arguments.Positional.Count
            ? arguments.Positional[index]
            : throw context.Error($"Replacement index {index} out of range for positional args tuple");
    }

    private static int? ToIndex(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? index : null;

    private string Format(TemplateValue value, string specification)
    {
        if (specification.Length == 0)
            return PythonText.Print(context, value);
        FormatSpecification s = FormatSpecification.Parse(context, specification);
        if (value is StringValue text && s.Type is '\0' or 's')
        {
            string body = PythonText.Print(context, value);
            if (s.Precision is { } limit && limit < CodePoints.Count(body))
                body = CodePoints.Substring(body, 0, limit);
            return NumberText.Pad(context, "", body, s.Width, s.Fill ?? " ", s.Align ?? '<');
        }
        if (Number.From(value) is not { } number)
            throw context.Error($"unsupported format string passed to {value.TypeName}.__format__");
        bool asInteger = number.IsInteger && s.Type is '\0' or 'd' or 'x' or 'X' or 'o' or 'b' or 'n';
        string digits = asInteger ? NumberText.Digits(context, number.Integer, s.Type is '\0' or 'n' ? 'd' : s.Type) : Real(number.AsDouble, s);
        if (s.Separator != '\0')
            digits = NumberText.Group(digits, s.Separator);
        if (s.Type == '%')
            digits += "%";
        bool isNegative = number.IsInteger ? number.Integer.Sign < 0 : double.IsNegative(number.AsDouble);
        string sign = isNegative ? "-" : s.Sign is '+' or ' ' ? s.Sign.ToString() : "";
        if (s.IsAlternate && asInteger && s.Type is 'x' or 'X' or 'o' or 'b')
            sign += "0" + s.Type;
        return NumberText.Pad(context, sign, digits, s.Width, s.Fill ?? " ", s.Align ?? '>');
    }

    private string Real(double value, FormatSpecification s) => s.Type switch
    {
        '\0' when s.Precision is null => FloatText.Shortest(Math.Abs(value)),
        '\0' => NumberText.Real(context, value, 'g', s.Precision.Value),
        'e' or 'E' or 'f' or 'F' or 'g' or 'G' => NumberText.Real(context, value, s.Type, s.Precision ?? 6),
        '%' => NumberText.Real(context, value * 100, 'f', s.Precision ?? 6),
        _ => throw context.Error($"Unknown format code '{s.Type}'"),
    };

    /// <summary><c>[[fill]align][sign][#][0][width][,][.precision][type]</c>.</summary>
    private sealed record FormatSpecification(string? Fill, char? Align, char Sign, bool IsAlternate, int Width, char Separator, int? Precision, char Type)
    {
        public static FormatSpecification Parse(RenderContext context, string text)
        {
            int at = 0;
            string? fill = null;
            char? align = null;
            int fillLength = CodePoints.LengthAt(text, 0);
            if (text.Length > fillLength && IsAlign(text[fillLength]))
            {
                fill = text[..fillLength];
                align = text[fillLength];
                at = fillLength + 1;
            }
            else if (IsAlign(text[0]))
                align = text[at++];
            char Take(string symbols) => at < text.Length && symbols.Contains(text[at], StringComparison.Ordinal) ? text[at++] : '\0';
            int? TakeNumber()
            {
                int start = at;
                while (at < text.Length && char.IsAsciiDigit(text[at]))
                    at++;
                return at == start ? null : int.TryParse(text.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : int.MaxValue;
            }
            char sign = Take("+- ");
            bool isAlternate = Take("#") != '\0';
            if (Take("0") != '\0')
            {
                fill ??= "0";
                align ??= '=';
            }
            int width = TakeNumber() ?? 0;
            char separator = Take(",_");
            int? precision = Take(".") == '\0' ? null : TakeNumber() ?? throw context.Error("Format specifier missing precision");
            char type = at < text.Length ? text[at++] : '\0';
            return at == text.Length
                ? new(fill, align, sign, isAlternate, width, separator, precision, type)
                : throw context.Error("Invalid format specifier");
        }

        private static bool IsAlign(char c) => c is '<' or '>' or '^' or '=';
    }
}
