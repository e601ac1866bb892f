using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Syntax;

/// <summary>A node that has a value.</summary>
/// <param name="Line">Line of the template, from 1.</param>
internal abstract record Expression(int Line);

internal sealed record ConstantExpression(int Line, TemplateValue Value) : Expression(Line);

internal sealed record NameExpression(int Line, string Name) : Expression(Line);

/// <summary>A list or tuple display.</summary>
internal sealed record SequenceExpression(int Line, SequenceKind Kind, IReadOnlyList<Expression> Items) : Expression(Line);

internal sealed record DictExpression(int Line, IReadOnlyList<(Expression Key, Expression Value)> Entries) : Expression(Line);

/// <summary><c>then if test else otherwise</c>; undefined if there is no else.</summary>
internal sealed record ConditionalExpression(int Line, Expression Test, Expression Then, Expression? Otherwise) : Expression(Line);

internal enum UnaryOperator
{
    Not,
    Minus,
    Plus,
}

internal sealed record UnaryExpression(int Line, UnaryOperator Operator, Expression Operand) : Expression(Line);

/// <summary><c>and</c> or <c>or</c>: gives one of its operands, the right one evaluated only if needed.</summary>
internal sealed record LogicalExpression(int Line, bool IsAnd, Expression Left, Expression Right) : Expression(Line);

internal enum ArithmeticOperator
{
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

internal sealed record ArithmeticExpression(int Line, ArithmeticOperator Operator, Expression Left, Expression Right) : Expression(Line);

/// <summary><c>a ~ b ~ c</c>: the texts of all parts.</summary>
internal sealed record ConcatenationExpression(int Line, IReadOnlyList<Expression> Parts) : Expression(Line);

internal enum ComparisonOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// <summary><c>a &lt; b &lt; c</c>: true if every neighbouring pair holds.</summary>
internal sealed record ComparisonExpression(int Line, Expression First, IReadOnlyList<(ComparisonOperator Operator, Expression Operand)> Rest) : Expression(Line);

/// <summary><c>target.name</c>.</summary>
internal sealed record AttributeExpression(int Line, Expression Target, string Name) : Expression(Line);

/// <summary><c>target[index]</c>.</summary>
internal sealed record SubscriptExpression(int Line, Expression Target, Expression Index) : Expression(Line);

/// <summary><c>target[start:stop:step]</c>.</summary>
internal sealed record SliceExpression(int Line, Expression Target, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line);

/// <summary>The arguments of a call as written: <c>f(positional, name=named, *more, **moreNamed)</c>.</summary>
internal sealed record CallArguments(
    IReadOnlyList<Expression> Positional,
    IReadOnlyList<(string Name, Expression Value)> Named,
    Expression? More = null,
    Expression? MoreNamed = null)
{
    public static readonly CallArguments None = new([], []);
}

internal sealed record CallExpression(int Line, Expression Callee, CallArguments Arguments) : Expression(Line);

/// <summary><c>input | name(arguments)</c>. Without input it is the filter of a block; without builtin evaluating it fails.</summary>
internal sealed record FilterExpression(int Line, Expression? Input, string Name, Builtin? Filter, CallArguments Arguments) : Expression(Line);

/// <summary><c>input is name(arguments)</c>.</summary>
internal sealed record TestExpression(int Line, Expression Input, string Name, Builtin? Test, CallArguments Arguments) : Expression(Line);
