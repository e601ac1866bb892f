using System.Globalization;
using System.Numerics;

namespace Decant.Core.Templates.Values;

/// <summary>A number as arithmetic sees it: an integer (bool included) or a double, compared exactly with one another.</summary>
internal readonly struct Number : IComparable<Number>, IEquatable<Number>
{
    private Number(BigInteger integer)
    {
        Integer = integer;
        IsInteger = true;
    }

    private Number(double real) => Real = real;

    public bool IsInteger { get; }

    /// <summary>The value if <see cref="IsInteger"/>.</summary>
    public BigInteger Integer { get; }

    private double Real { get; }

    /// <summary>The value as a double; an integer out of range gives infinity.</summary>
    public double AsDouble => IsInteger ? ToDouble(Integer) : Real;

    /// <summary>The nearest double, ties to even; .NET's own conversion of large integers cuts bits off instead.</summary>
    public static double ToDouble(BigInteger value) => value.GetBitLength() <= 63
        ? (long)value
        : double.Parse(value.ToString(CultureInfo.InvariantCulture), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    public static Number? From(TemplateValue value) => value switch
    {
        IntegerValue i => new Number(i.Value),
        BoolValue b => new Number(b.Value ? BigInteger.One : BigInteger.Zero),
        FloatValue f => new Number(f.Value),
        _ => null,
    };

    /// <summary>Order; NaN counts as smaller than everything and equal to itself (callers that need IEEE's answer ask for NaN first).</summary>
    public int CompareTo(Number other)
    {
        if (IsInteger && other.IsInteger)
            return Integer.CompareTo(other.Integer);
        if (!IsInteger && !other.IsInteger)
            return Real.CompareTo(other.Real);
        return IsInteger ? -CompareWithInteger(other.Real, Integer) : CompareWithInteger(Real, other.Integer);
    }

    public bool Equals(Number other) => CompareTo(other) == 0;

    public override bool Equals(object? obj) => obj is Number other && Equals(other);

    public override int GetHashCode()
    {
        if (IsInteger)
            return Integer.GetHashCode();
        return double.IsFinite(Real) && double.IsInteger(Real) ? new BigInteger(Real).GetHashCode() : Real.GetHashCode();
    }

    private static int CompareWithInteger(double real, BigInteger integer)
    {
        if (double.IsNaN(real) || double.IsNegativeInfinity(real))
            return -1;
        if (double.IsPositiveInfinity(real))
            return 1;
        double whole = Math.Floor(real);
        int order = new BigInteger(whole).CompareTo(integer);
        return order != 0 ? order : real > whole ? 1 : 0;
    }
}
