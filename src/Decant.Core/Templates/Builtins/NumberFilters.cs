using System.Globalization;
using System.Numerics;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>Filters on numbers, and from text to numbers.</summary>
internal static class NumberFilters
{
    /// <summary>Longest text read as a number, as in Python.</summary>
    private const int maxDigits = 4300;

    public static TemplateValue Abs(RenderContext context, TemplateValue self, BoundArguments a) => self switch
    {
        FloatValue f => new FloatValue(Math.Abs(f.Value)),
        UndefinedValue undefined => throw context.Error(undefined),
        _ when Number.From(self) is { } n => new IntegerValue(BigInteger.Abs(n.Integer)),
        _ => throw context.Error($"bad operand type for abs(): '{self.TypeName}'"),
    };

    public static TemplateValue ToInteger(RenderContext context, TemplateValue self, BoundArguments a)
    {
        TemplateValue otherwise = a[0] ?? IntegerValue.Zero;
        if (self is UndefinedValue undefined)
            throw context.Error(undefined);
        if (self is StringValue text)
        {
            int numberBase = a.Int(1, 10);
            if (ParseInteger(text.Text, numberBase) is { } integer)
                return context.Integer(integer);
            return ParseFloat(text.Text) is { } real && double.IsFinite(real) ? Truncate(real) : otherwise;
        }
        return self switch
        {
            FloatValue f => double.IsFinite(f.Value) ? Truncate(f.Value) : otherwise,
            _ when Number.From(self) is { } n => new IntegerValue(n.Integer),
            _ => otherwise,
        };
    }

    public static TemplateValue ToFloat(RenderContext context, TemplateValue self, BoundArguments a) => self switch
    {
        UndefinedValue undefined => throw context.Error(undefined),
        StringValue text when ParseFloat(text.Text) is { } real => new FloatValue(real),
        _ when Number.From(self) is { } n => new FloatValue(n.AsDouble),
        _ => a[0] ?? new FloatValue(0),
    };

    public static TemplateValue Round(RenderContext context, TemplateValue self, BoundArguments a)
    {
        int precision = a.Int(0, 0);
        string method = a[1] is null ? "common" : a.Text(1);
        if (method is not ("common" or "ceil" or "floor"))
            throw context.Error("method must be common, ceil or floor");
        if (self is UndefinedValue undefined)
            throw context.Error(undefined);
        if (Number.From(self) is not { } number)
            throw context.Error($"type {self.TypeName} doesn't define __round__ method");
        if (method != "common")
        {
            double scale = Math.Pow(10, precision);
            double scaled = number.AsDouble * scale;
            return new FloatValue((method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / scale);
        }
        if (!number.IsInteger)
            return new FloatValue(FloatText.Round(number.AsDouble, precision));
        return new IntegerValue(precision >= 0 ? number.Integer : RoundInteger(number.Integer, -precision));
    }

    private static BigInteger RoundInteger(BigInteger value, int zeros)
    {
        if (zeros > maxDigits)
            return BigInteger.Zero;
        BigInteger unit = BigInteger.Pow(10, zeros);
        BigInteger quotient = BigInteger.DivRem(BigInteger.Abs(value), unit, out BigInteger remainder);
        int half = (remainder * 2).CompareTo(unit);
        if (half > 0 || (half == 0 && !quotient.IsEven))
            quotient++;
        return quotient * unit * value.Sign;
    }

    private static IntegerValue Truncate(double value) => new(new BigInteger(Math.Truncate(value)));

    /// <summary>Python's <c>int(text, base)</c>: blanks around, a sign, single underscores between digits, a prefix that fits the base.</summary>
    private static BigInteger? ParseInteger(string text, int numberBase)
    {
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        bool isNegative = rest.StartsWith("-");
        if (isNegative || rest.StartsWith("+"))
            rest = rest[1..];
        int prefixed = rest.Length > 1 && rest[0] == '0' ? char.ToLowerInvariant(rest[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        if (prefixed != 0 && (numberBase == 0 || numberBase == prefixed))
        {
            numberBase = prefixed;
            rest = rest[2..];
            if (rest.StartsWith("_"))
                rest = rest[1..];
        }
        if (numberBase == 0)
            numberBase = 10;
        if (rest.IsEmpty || rest.Length > maxDigits || numberBase is < 2 or > 36)
            return null;
        BigInteger value = BigInteger.Zero;
        bool afterDigit = false;
        foreach (char c in rest)
        {
            if (c == '_' && afterDigit)
            {
                afterDigit = false;
                continue;
            }
            int digit = DigitValue(c);
            if (digit < 0 || digit >= numberBase)
                return null;
            value = (value * numberBase) + digit;
            afterDigit = true;
        }
        return afterDigit ? (isNegative ? -value : value) : null;
    }

    private static int DigitValue(char c) => char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10
        : char.IsDigit(c) ? (int)char.GetNumericValue(c) : -1;

    private static double? ParseFloat(string text)
    {
        string trimmed = text.Trim();
        for (int i = trimmed.IndexOf('_'); i >= 0; i = trimmed.IndexOf('_', i + 1))
        {
            if (i == 0 || i == trimmed.Length - 1 || !char.IsAsciiDigit(trimmed[i - 1]) || !char.IsAsciiDigit(trimmed[i + 1]))
                return null;
        }
        trimmed = trimmed.Replace("_", "", StringComparison.Ordinal);
        if (trimmed.Length > maxDigits)
            return null;
        string word = trimmed.TrimStart('+', '-').ToLowerInvariant();
        if (word is "inf" or "infinity")
            return trimmed[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
        if (word == "nan")
            return double.NaN;
        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(trimmed, style, CultureInfo.InvariantCulture, out double value) ? value : null;
    }
}
