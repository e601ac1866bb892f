using System.Globalization;
using System.Numerics;

namespace Decant.Core.Templates.Printing;

/// <summary>
/// Doubles in decimal as Python writes them: the shortest digits that read back as the same value, or a fixed number of digits rounded
/// from the exact value, ties to even.
/// </summary>
internal static class FloatText
{
    /// <summary>Python's <c>repr</c>: exponents below -4 and from 16 on.</summary>
    public static string Shortest(double value)
    {
        if (Special(value) is { } special)
            return special;
        (string digits, int exponent) = SplitDigits(Math.Abs(value).ToString("R", CultureInfo.InvariantCulture));
        return (double.IsNegative(value) ? "-" : "") + (exponent is < -4 or >= 16 ? WithExponent(digits, exponent) : Plain(digits, exponent));
    }

    /// <summary><c>%.nf</c>.</summary>
    public static string Fixed(double value, int decimals)
    {
        if (Special(value) is { } special)
            return special;
        string digits = RoundScaled(Math.Abs(value), decimals).ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        string sign = double.IsNegative(value) ? "-" : "";
        return sign + (decimals == 0 ? digits : $"{digits[..^decimals]}.{digits[^decimals..]}");
    }

    /// <summary><c>%.ne</c>.</summary>
    public static string Scientific(double value, int decimals)
    {
        if (Special(value) is { } special)
            return special;
        (string digits, int exponent) = SignificantDigits(Math.Abs(value), decimals + 1);
        string fraction = decimals == 0 ? "" : "." + digits[1..];
        return $"{(double.IsNegative(value) ? "-" : "")}{digits[0]}{fraction}e{ExponentText(exponent)}";
    }

    /// <summary><c>%.ng</c>: the shorter of the two forms, without zeros at the end.</summary>
    public static string General(double value, int precision)
    {
        if (Special(value) is { } special)
            return special;
        precision = Math.Max(precision, 1);
        (string digits, int exponent) = SignificantDigits(Math.Abs(value), precision);
        digits = digits.TrimEnd('0');
        if (digits.Length == 0)
            digits = "0";
        string sign = double.IsNegative(value) ? "-" : "";
        if (exponent < -4 || exponent >= precision)
            return sign + WithExponent(digits, exponent);
        string plain = Plain(digits, exponent);
        return sign + (plain.EndsWith(".0", StringComparison.Ordinal) ? plain[..^2] : plain);
    }

    /// <summary>Rounds to decimals (before the point if negative), ties to even, as Python's <c>round</c>.</summary>
    public static double Round(double value, int decimals)
    {
        // Beyond these a double has no digits left to round, or nothing but zero.
        if (!double.IsFinite(value) || decimals > 330)
            return value;
        if (decimals < -310)
            return Math.CopySign(0, value);
        string text = $"{RoundScaled(Math.Abs(value), decimals).ToString(CultureInfo.InvariantCulture)}E{(-decimals).ToString(CultureInfo.InvariantCulture)}";
        return Math.CopySign(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture), value);
    }

    private static string? Special(double value) => double.IsNaN(value) ? "nan"
        : double.IsPositiveInfinity(value) ? "inf"
        : double.IsNegativeInfinity(value) ? "-inf" : null;

    /// <summary>value · 10^decimals as the nearest integer, computed without rounding on the way.</summary>
    private static BigInteger RoundScaled(double value, int decimals)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int biased = (int)((bits >> 52) & 0x7FF);
        BigInteger numerator = (bits & 0xFFFFFFFFFFFFF) | (biased == 0 ? 0 : 1L << 52);
        int binaryExponent = Math.Max(biased, 1) - 1075;
        BigInteger denominator = BigInteger.One;
        if (decimals >= 0)
            numerator *= BigInteger.Pow(10, decimals);
        else
            denominator = BigInteger.Pow(10, -decimals);
        if (binaryExponent >= 0)
            numerator <<= binaryExponent;
        else
            denominator <<= -binaryExponent;
        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger remainder);
        int half = (remainder * 2).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    /// <summary>The first <paramref name="count"/> digits and the exponent of the first one.</summary>
    private static (string Digits, int Exponent) SignificantDigits(double value, int count)
    {
        if (value == 0)
            return (new string('0', count), 0);
        int exponent = SplitDigits(value.ToString("R", CultureInfo.InvariantCulture)).Exponent;
        string digits = RoundScaled(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
        return digits.Length > count ? (digits[..count], exponent + 1) : (digits, exponent);
    }

    /// <summary>Digits without leading or closing zeros, and the power of ten of the first, of a number .NET printed.</summary>
    private static (string Digits, int Exponent) SplitDigits(string text)
    {
        int e = text.IndexOf('E', StringComparison.Ordinal);
        int exponent = e < 0 ? 0 : int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string mantissa = e < 0 ? text : text[..e];
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        exponent += (point < 0 ? mantissa.Length : point) - 1;
        int zeros = digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        return digits.Length == 0 ? ("0", 0) : (digits, exponent - zeros);
    }

    private static string Plain(string digits, int exponent)
    {
        if (exponent < 0)
            return "0." + new string('0', -exponent - 1) + digits;
        string padded = digits.PadRight(exponent + 1, '0');
        string fraction = padded[(exponent + 1)..];
        return padded[..(exponent + 1)] + "." + (fraction.Length == 0 ? "0" : fraction);
    }

    private static string WithExponent(string digits, int exponent) =>
        digits[..1] + (digits.Length > 1 ? "." + digits[1..] : "") + "e" + ExponentText(exponent);

    private static string ExponentText(int exponent) =>
        (exponent < 0 ? "-" : "+") + Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
}
