using System.Numerics;

namespace Decant.Core.Templates.Values;

/// <summary>A value of the template language: what Python objects are to Jinja. Immutable, except for a namespace.</summary>
internal abstract class TemplateValue
{
    /// <summary>Python's name of the type, for messages.</summary>
    public abstract string TypeName { get; }

    /// <summary>Python's truth.</summary>
    public virtual bool IsTrue => true;

    /// <summary>Nesting of containers below this value: 0 for anything that holds no values.</summary>
    public virtual int Height => 0;
}

/// <summary><c>none</c>.</summary>
internal sealed class NoneValue : TemplateValue
{
    public static readonly NoneValue Instance = new();

    private NoneValue()
    {
    }

    public override string TypeName => "NoneType";

    public override bool IsTrue => false;
}

/// <summary>
/// What a missing name, attribute or element gives: prints as nothing, is false and empty, fails when anything else is done with it.
/// </summary>
internal sealed class UndefinedValue(string message, bool isUnsafe = false) : TemplateValue
{
    /// <summary>The error of using the value.</summary>
    public string Message { get; } = message;

    /// <summary>True if the attribute exists in Python but the sandbox hides it.</summary>
    public bool IsUnsafe { get; } = isUnsafe;

    public override string TypeName => "Undefined";

    public override bool IsTrue => false;

    public static UndefinedValue Name(string name) => new($"'{name}' is undefined");
}

/// <summary><c>true</c> or <c>false</c>; counts as 1 or 0 in arithmetic.</summary>
internal sealed class BoolValue : TemplateValue
{
    public static readonly BoolValue True = new(true);
    public static readonly BoolValue False = new(false);

    private BoolValue(bool value) => Value = value;

    public bool Value { get; }

    public override string TypeName => "bool";

    public override bool IsTrue => Value;

    public static BoolValue Of(bool value) => value ? True : False;
}

/// <summary>An integer of any size, as in Python.</summary>
internal sealed class IntegerValue(BigInteger value) : TemplateValue
{
    public static readonly IntegerValue Zero = new(BigInteger.Zero);

    public BigInteger Value { get; } = value;

    public override string TypeName => "int";

    public override bool IsTrue => !Value.IsZero;
}

/// <summary>A double.</summary>
internal sealed class FloatValue(double value) : TemplateValue
{
    public double Value { get; } = value;

    public override string TypeName => "float";

    public override bool IsTrue => Value != 0;
}

/// <summary>Text. Length and positions are counted in code points, as in Python.</summary>
internal sealed class StringValue(string text, bool isMarkup = false) : TemplateValue
{
    public static readonly StringValue Empty = new("");

    public string Text { get; } = text;

    /// <summary>True for the result of <c>escape</c> and <c>safe</c>: not escaped again, and escapes what is added to it.</summary>
    public bool IsMarkup { get; } = isMarkup;

    public override string TypeName => IsMarkup ? "Markup" : "str";

    public override bool IsTrue => Text.Length > 0;
}
