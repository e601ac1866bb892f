using System.Globalization;
using System.Text;
using Decant.Core.Templates.Rendering;

namespace Decant.Core.Templates.Printing;

/// <summary>
/// Dates by the directives of <c>strftime</c> in the C locale (https://docs.python.org/3/library/datetime.html#format-codes). <c>-</c>
/// behind the percent sign drops leading zeros, as glibc does. What is no directive stays as it is.
/// </summary>
internal static class DateText
{
    public static string Format(RenderContext context, DateTimeOffset time, string format)
    {
        var result = new StringBuilder();
        Append(time, format, result);
        context.Characters(result.Length);
        return result.ToString();
    }

    private static void Append(DateTimeOffset time, string format, StringBuilder result)
    {
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }
            bool isBare = format[i + 1] == '-' && i + 2 < format.Length;
            i += isBare ? 2 : 1;
            string text = Directive(time, format[i]) ?? $"%{(isBare ? "-" : "")}{format[i]}";
            result.Append(isBare ? WithoutZeros(text) : text);
        }
    }

    private static string? Directive(DateTimeOffset t, char directive) => directive switch
    {
        'Y' => Number(t.Year, 4),
        'm' => Number(t.Month, 2),
        'd' => Number(t.Day, 2),
        'e' => t.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'y' => Number(t.Year % 100, 2),
        'C' => Number(t.Year / 100, 2),
        'j' => Number(t.DayOfYear, 3),
        'H' => Number(t.Hour, 2),
        'I' => Number(Twelve(t.Hour), 2),
        'k' => t.Hour.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'l' => Twelve(t.Hour).ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'M' => Number(t.Minute, 2),
        'S' => Number(t.Second, 2),
        'f' => Number((int)(t.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond), 6),
        's' => t.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        'p' => t.Hour < 12 ? "AM" : "PM",
        'P' => t.Hour < 12 ? "am" : "pm",
        'a' => t.ToString("ddd", CultureInfo.InvariantCulture),
        'A' => t.ToString("dddd", CultureInfo.InvariantCulture),
        'b' or 'h' => t.ToString("MMM", CultureInfo.InvariantCulture),
        'B' => t.ToString("MMMM", CultureInfo.InvariantCulture),
        'u' => Number(t.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)t.DayOfWeek, 1),
        'w' => Number((int)t.DayOfWeek, 1),
        'U' => Number((t.DayOfYear + 6 - (int)t.DayOfWeek) / 7, 2),
        'W' => Number((t.DayOfYear + 6 - (((int)t.DayOfWeek + 6) % 7)) / 7, 2),
        'V' => Number(ISOWeek.GetWeekOfYear(t.DateTime), 2),
        'G' => Number(ISOWeek.GetYear(t.DateTime), 4),
        'z' or 'Z' => "",
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        'D' or 'x' => Composed(t, "%m/%d/%y"),
        'F' => Composed(t, "%Y-%m-%d"),
        'T' or 'X' => Composed(t, "%H:%M:%S"),
        'R' => Composed(t, "%H:%M"),
        'r' => Composed(t, "%I:%M:%S %p"),
        'c' => Composed(t, "%a %b %e %H:%M:%S %Y"),
        _ => null,
    };

    private static string Composed(DateTimeOffset time, string format)
    {
        var result = new StringBuilder();
        Append(time, format, result);
        return result.ToString();
    }

    private static string Number(int value, int digits) => value.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');

    private static int Twelve(int hour) => hour % 12 == 0 ? 12 : hour % 12;

    private static string WithoutZeros(string text)
    {
        string bare = text.TrimStart('0', ' ');
        return bare.Length == 0 && text.Length > 0 ? text[^1..] : bare;
    }
}
