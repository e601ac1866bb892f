using System.Globalization;
using System.Numerics;
using System.Text;
using Decant.Core.Templates.Rendering;

namespace Decant.Core.Templates.Printing;

/// <summary>Numbers in the forms that <c>%</c> and <c>str.format</c> share.</summary>
internal static class NumberText
{
    /// <summary>More digits behind the point than this are refused; a double has at most 1074.</summary>
    public const int MaxPrecision = 2000;

    /// <summary>The digits of an integer without sign, for one of <c>d o x X b</c>.</summary>
    public static string Digits(RenderContext context, BigInteger value, char type)
    {
        BigInteger magnitude = BigInteger.Abs(value);
        return type switch
        {
            'x' => Hexadecimal(magnitude),
            'X' => Hexadecimal(magnitude).ToUpperInvariant(),
            'o' => InBits(magnitude, 3),
            'b' => InBits(magnitude, 1),
            _ => PythonText.Integer(context, magnitude),
        };
    }

    /// <summary>A double without sign, for one of <c>e E f F g G</c>.</summary>
    public static string Real(RenderContext context, double value, char type, int precision)
    {
        if (precision > MaxPrecision)
            throw context.LimitError($"a precision of more than {MaxPrecision}");
        double magnitude = Math.Abs(value);
        string text = char.ToLowerInvariant(type) switch
        {
            'e' => FloatText.Scientific(magnitude, precision),
            'f' => FloatText.Fixed(magnitude, precision),
            _ => FloatText.General(magnitude, precision),
        };
        return char.IsAsciiLetterUpper(type) ? text.ToUpperInvariant() : text;
    }

    /// <summary>Pads to a width in code points; <paramref name="align"/> is <c>&lt;</c>, <c>&gt;</c>, <c>^</c>, or <c>=</c> (between sign and digits).</summary>
    public static string Pad(RenderContext context, string sign, string body, int width, string fill, char align)
    {
        int missing = width - CodePoints.Count(sign) - CodePoints.Count(body);
        if (missing <= 0)
            return sign + body;
        context.Characters(width * (long)fill.Length);
        int before = align switch { '<' => 0, '^' => missing / 2, _ => missing };
        var result = new StringBuilder();
        if (align == '=')
            result.Append(sign);
        result.Insert(result.Length, fill, before);
        if (align != '=')
            result.Append(sign);
        return result.Append(body).Insert(result.Length, fill, missing - before).ToString();
    }

    /// <summary>Digits in groups of three.</summary>
    public static string Group(string digits, char separator)
    {
        int end = digits.AsSpan().IndexOfAnyExceptInRange('0', '9') is var i && i < 0 ? digits.Length : i;
        var result = new StringBuilder(digits);
        for (int at = end - 3; at > 0; at -= 3)
            result.Insert(at, separator);
        return result.ToString();
    }

    private static string Hexadecimal(BigInteger value)
    {
        string text = value.ToString("x", CultureInfo.InvariantCulture).TrimStart('0');
        return text.Length == 0 ? "0" : text;
    }

    private static string InBits(BigInteger value, int bitsPerDigit)
    {
        if (value.IsZero)
            return "0";
        var digits = new StringBuilder();
        for (; !value.IsZero; value >>= bitsPerDigit)
            digits.Insert(0, (char)('0' + (int)(value & ((1 << bitsPerDigit) - 1))));
        return digits.ToString();
    }
}
