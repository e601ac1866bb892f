using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>All tests (<c>value is name</c>). To add one: a line here.</summary>
internal static class ValueTests
{
    private static readonly Dictionary<string, Builtin> byName = Builtin.Index(
    [
        Of("boolean", (_, v) => v is BoolValue),
        // As in Jinja, where calling what is undefined is an error of its own.
        Of("callable", (_, v) => v is CallableValue or UndefinedValue),
        Of("defined", (_, v) => v is not UndefinedValue),
        With("divisibleby", "num", (c, v, n) => IsZero(Modulo(c, v, n))),
        With("eq", "other", Comparisons.AreEqual),
        With("equalto", "other", Comparisons.AreEqual),
        With("==", "other", Comparisons.AreEqual),
        Of("escaped", (_, v) => v is StringValue { IsMarkup: true }),
        Of("even", (c, v) => IsZero(Modulo(c, v, new IntegerValue(2)))),
        Of("false", (_, v) => v is BoolValue { Value: false }),
        Of("filter", (_, v) => v is StringValue s && Filters.Find(s.Text) is not null),
        Of("float", (_, v) => v is FloatValue),
        With("ge", "other", (c, v, o) => Comparisons.Order(c, v, o, ">=") is >= 0),
        With(">=", "other", (c, v, o) => Comparisons.Order(c, v, o, ">=") is >= 0),
        With("greaterthan", "other", (c, v, o) => Comparisons.Order(c, v, o, ">") is > 0),
        With("gt", "other", (c, v, o) => Comparisons.Order(c, v, o, ">") is > 0),
        With(">", "other", (c, v, o) => Comparisons.Order(c, v, o, ">") is > 0),
        With("in", "seq", (c, v, o) => Comparisons.Contains(c, o, v)),
        Of("integer", (_, v) => v is IntegerValue),
        Of("iterable", (_, v) => Iteration.IsIterable(v)),
        With("le", "other", (c, v, o) => Comparisons.Order(c, v, o, "<=") is <= 0),
        With("<=", "other", (c, v, o) => Comparisons.Order(c, v, o, "<=") is <= 0),
        With("lessthan", "other", (c, v, o) => Comparisons.Order(c, v, o) is < 0),
        Of("lower", (c, v) => IsCase(PythonText.Print(c, v), upper: false)),
        With("lt", "other", (c, v, o) => Comparisons.Order(c, v, o) is < 0),
        With("<", "other", (c, v, o) => Comparisons.Order(c, v, o) is < 0),
        Of("mapping", (_, v) => v is DictValue),
        With("ne", "other", (c, v, o) => !Comparisons.AreEqual(c, v, o)),
        With("!=", "other", (c, v, o) => !Comparisons.AreEqual(c, v, o)),
        Of("none", (_, v) => v is NoneValue),
        Of("number", (_, v) => Number.From(v) is not null),
        Of("odd", (c, v) => Comparisons.AreEqual(c, Modulo(c, v, new IntegerValue(2)), new IntegerValue(1))),
        With("sameas", "other", IsSame),
        Of("sequence", (_, v) => v is StringValue or DictValue or UndefinedValue or SequenceValue { IsIndexable: true }),
        Of("string", (_, v) => v is StringValue),
        Of("test", (_, v) => v is StringValue s && Find(s.Text) is not null),
        Of("true", (_, v) => v is BoolValue { Value: true }),
        Of("undefined", (_, v) => v is UndefinedValue),
        Of("upper", (c, v) => IsCase(PythonText.Print(c, v), upper: true)),
    ]);

    public static Builtin? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>The error of using a test that is not there.</summary>
    public static string Unknown(string name) => $"No test named '{name}'.";

    /// <summary>Python's <c>islower</c> and <c>isupper</c>: at least one letter with case, and none of the other case.</summary>
    public static bool IsCase(string text, bool upper)
    {
        bool any = false;
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            if (!CaseMapping.IsCased(rune))
                continue;
            if (upper ? !CaseMapping.IsUpper(rune) : !CaseMapping.IsLower(rune))
                return false;
            any = true;
        }
        return any;
    }

    private static Builtin Of(string name, Func<RenderContext, TemplateValue, bool> holds) =>
        new(name, "", (context, value, _) => BoolValue.Of(holds(context, value)));

    private static Builtin With(string name, string parameter, Func<RenderContext, TemplateValue, TemplateValue, bool> holds) =>
        new(name, parameter, (context, value, arguments) => BoolValue.Of(holds(context, value, arguments.Value(0))));

    private static TemplateValue Modulo(RenderContext context, TemplateValue value, TemplateValue divisor) =>
        Arithmetic.Apply(context, Syntax.ArithmeticOperator.Modulo, value, divisor);

    private static bool IsZero(TemplateValue value) => Number.From(value) is { AsDouble: 0 };

    /// <summary>Python's <c>is</c>. Equal small numbers and short texts are one object there as a rule; here they always are.</summary>
    private static bool IsSame(RenderContext context, TemplateValue left, TemplateValue right) => ReferenceEquals(left, right)
        || (left.GetType() == right.GetType() && left is StringValue or IntegerValue or FloatValue && Comparisons.AreEqual(context, left, right));
}
