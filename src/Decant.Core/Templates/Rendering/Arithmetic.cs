using System.Numerics;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Syntax;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>Operators on numbers, texts and lists, with Python's rules: division rounds down, <c>/</c> gives a float, <c>%</c> formats text.</summary>
internal static class Arithmetic
{
    private static readonly Dictionary<ArithmeticOperator, string> symbols = new()
    {
        [ArithmeticOperator.Add] = "+",
        [ArithmeticOperator.Subtract] = "-",
        [ArithmeticOperator.Multiply] = "*",
        [ArithmeticOperator.Divide] = "/",
        [ArithmeticOperator.FloorDivide] = "//",
        [ArithmeticOperator.Modulo] = "%",
        [ArithmeticOperator.Power] = "** or pow()",
    };

    public static TemplateValue Apply(RenderContext context, ArithmeticOperator symbol, TemplateValue left, TemplateValue right)
    {
        if (left is StringValue format && symbol == ArithmeticOperator.Modulo)
            return PercentFormat.Apply(context, format.Text, right);
        if (left is UndefinedValue || right is UndefinedValue)
            throw context.Error(left as UndefinedValue ?? (UndefinedValue)right);
        if (Number.From(left) is { } m && Number.From(right) is { } n)
            return m.IsInteger && n.IsInteger ? OnIntegers(context, symbol, m.Integer, n.Integer) : OnFloats(context, symbol, m.AsDouble, n.AsDouble);
        return symbol switch
        {
            ArithmeticOperator.Add => Join(context, left, right),
            ArithmeticOperator.Multiply when Number.From(right) is { IsInteger: true } count => Repeat(context, left, count.Integer, right),
            ArithmeticOperator.Multiply when Number.From(left) is { IsInteger: true } count => Repeat(context, right, count.Integer, left),
            _ => throw Unsupported(context, symbol, left, right),
        };
    }

    public static TemplateValue Sign(RenderContext context, TemplateValue operand, bool isMinus) => operand switch
    {
        UndefinedValue undefined => throw context.Error(undefined),
        FloatValue f => new FloatValue(isMinus ? -f.Value : f.Value),
        _ when Number.From(operand) is { } n => new IntegerValue(isMinus ? -n.Integer : n.Integer),
        _ => throw context.Error($"bad operand type for unary {(isMinus ? '-' : '+')}: '{operand.TypeName}'"),
    };

    private static TemplateValue OnIntegers(RenderContext context, ArithmeticOperator symbol, BigInteger left, BigInteger right)
    {
        switch (symbol)
        {
            case ArithmeticOperator.Add:
                return context.Integer(left + right);
            case ArithmeticOperator.Subtract:
                return context.Integer(left - right);
            case ArithmeticOperator.Multiply:
                context.Scan(left.GetBitLength() * right.GetBitLength() / 256);
                return context.Integer(left * right);
            case ArithmeticOperator.Power when right.Sign >= 0:
                return Power(context, left, right);
            case ArithmeticOperator.Power:
                return OnFloats(context, symbol, Number.ToDouble(left), Number.ToDouble(right));
        }
        if (right.IsZero)
            throw context.Error(symbol == ArithmeticOperator.Divide ? "division by zero" : "integer division or modulo by zero");
        context.Scan(left.GetBitLength() * right.GetBitLength() / 256);
        if (symbol == ArithmeticOperator.Divide)
            return Quotient(context, left, right);
        BigInteger quotient = BigInteger.DivRem(left, right, out BigInteger remainder);
        bool roundDown = !remainder.IsZero && remainder.Sign != right.Sign;
        return new IntegerValue(symbol == ArithmeticOperator.FloorDivide ? quotient - (roundDown ? 1 : 0) : remainder + (roundDown ? right : 0));
    }

    /// <summary>True division, rounded once: large operands are divided as integers, with enough bits and a sticky last one.</summary>
    private static FloatValue Quotient(RenderContext context, BigInteger left, BigInteger right)
    {
        const int doubleBits = 53;
        if (left.GetBitLength() <= doubleBits && right.GetBitLength() <= doubleBits)
            return new FloatValue((double)left / (double)right);
        int shift = (int)(right.GetBitLength() - left.GetBitLength()) + (2 * doubleBits);
        (BigInteger numerator, BigInteger denominator) = shift > 0 ? (left << shift, right) : (left, right << -shift);
        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger remainder) << 1;
        if (!remainder.IsZero)
            quotient += left.Sign * right.Sign;
        double result = Math.ScaleB(Number.ToDouble(quotient), -shift - 1);
        return double.IsFinite(result) ? new FloatValue(result) : throw context.Error("integer division result too large for a float");
    }

    private static IntegerValue Power(RenderContext context, BigInteger left, BigInteger right)
    {
        if (left.IsZero || left.IsOne || left == BigInteger.MinusOne)
            return new IntegerValue(right.IsZero ? BigInteger.One : right.IsEven ? left * left : left);
        if ((left.GetBitLength() - 1) * right > RenderContext.MaxIntegerBits)
            throw context.LimitError($"an integer of more than {RenderContext.MaxIntegerBits} bits");
        return context.Integer(BigInteger.Pow(left, (int)right));
    }

    private static FloatValue OnFloats(RenderContext context, ArithmeticOperator symbol, double left, double right)
    {
        if (right == 0 && symbol is ArithmeticOperator.Divide or ArithmeticOperator.FloorDivide or ArithmeticOperator.Modulo)
            throw context.Error(symbol == ArithmeticOperator.Modulo ? "float modulo" : "float division by zero");
        if (symbol == ArithmeticOperator.Power && left == 0 && right < 0)
            throw context.Error("0.0 cannot be raised to a negative power");
        double result = symbol switch
        {
            ArithmeticOperator.Add => left + right,
            ArithmeticOperator.Subtract => left - right,
            ArithmeticOperator.Multiply => left * right,
            ArithmeticOperator.Divide => left / right,
            ArithmeticOperator.FloorDivide => FloorDivide(left, right),
            ArithmeticOperator.Modulo => Modulo(left, right),
            _ => Math.Pow(left, right),
        };
        if (symbol == ArithmeticOperator.Power && !double.IsFinite(result) && double.IsFinite(left) && double.IsFinite(right))
            throw context.Error(double.IsNaN(result) ? "a root of a negative number" : "(34, 'Numerical result out of range')");
        return new FloatValue(result);
    }

    /// <summary>The remainder has the sign of the divisor, as in Python.</summary>
    private static double Modulo(double left, double right)
    {
        double remainder = left % right;
        if (remainder == 0)
            return Math.CopySign(0, right);
        return remainder < 0 != right < 0 ? remainder + right : remainder;
    }

    private static double FloorDivide(double left, double right)
    {
        double quotient = (left - Modulo(left, right)) / right;
        return quotient == 0 ? Math.CopySign(0, left / right) : Math.Round(quotient);
    }

    private static TemplateValue Join(RenderContext context, TemplateValue left, TemplateValue right)
    {
        switch (left, right)
        {
            case (StringValue a, StringValue b) when a.IsMarkup || b.IsMarkup:
                context.Characters((a.Text.Length + (long)b.Text.Length) * 6);
                return new StringValue(HtmlText.Escape(a) + HtmlText.Escape(b), isMarkup: true);
            case (StringValue a, StringValue b):
                context.Characters(a.Text.Length + (long)b.Text.Length);
                return new StringValue(a.Text + b.Text);
            case (SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple } a, SequenceValue b) when a.Kind == b.Kind:
                context.Items(a.Items.Count + (long)b.Items.Count);
                return context.Sequence(a.Kind, [.. a.Items, .. b.Items]);
            case (StringValue, _):
                throw context.Error($"can only concatenate str (not \"{right.TypeName}\") to str");
            default:
                throw Unsupported(context, ArithmeticOperator.Add, left, right);
        }
    }

    private static TemplateValue Repeat(RenderContext context, TemplateValue value, BigInteger times, TemplateValue operand)
    {
        int count = times.Sign <= 0 ? 0 : times > int.MaxValue ? int.MaxValue : (int)times;
        switch (value)
        {
            case StringValue text:
                context.Characters(text.Text.Length * (long)count);
                return new StringValue(string.Concat(Enumerable.Repeat(text.Text, text.Text.Length == 0 ? 0 : count)), text.IsMarkup);
            case SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple } list:
                context.Items(list.Items.Count * (long)count);
                return context.Sequence(list.Kind, [.. Enumerable.Repeat(list.Items, list.Items.Count == 0 ? 0 : count).SelectMany(items => items)]);
            default:
                throw Unsupported(context, ArithmeticOperator.Multiply, value, operand);
        }
    }

    private static TemplateRuntimeException Unsupported(RenderContext context, ArithmeticOperator symbol, TemplateValue left, TemplateValue right) =>
        context.Error($"unsupported operand type(s) for {symbols[symbol]}: '{left.TypeName}' and '{right.TypeName}'");
}
