namespace Decant.Core.Templates.Syntax;

/// <summary>A node that writes or changes something.</summary>
/// <param name="Line">Line of the template, from 1.</param>
internal abstract record Statement(int Line);

/// <summary>Text outside tags.</summary>
internal sealed record DataStatement(int Line, string Text) : Statement(Line);

/// <summary><c>{{ value }}</c>.</summary>
internal sealed record PrintStatement(int Line, Expression Value) : Statement(Line);

internal sealed record IfStatement(int Line, IReadOnlyList<(Expression Test, IReadOnlyList<Statement> Body)> Branches, IReadOnlyList<Statement> Otherwise) : Statement(Line);

internal sealed record ForStatement(
    int Line,
    AssignmentTarget Target,
    Expression Iterable,
    Expression? Filter,
    bool IsRecursive,
    IReadOnlyList<Statement> Body,
    IReadOnlyList<Statement> Otherwise) : Statement(Line);

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed record SetStatement(int Line, AssignmentTarget Target, Expression Value) : Statement(Line);

/// <summary><c>{% set target | filter %}…{% endset %}</c>.</summary>
internal sealed record SetBlockStatement(int Line, AssignmentTarget Target, FilterExpression? Filter, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary><c>{% with a = 1 %}…{% endwith %}</c>; without assignments it is only a scope.</summary>
internal sealed record WithStatement(int Line, IReadOnlyList<(AssignmentTarget Target, Expression Value)> Assignments, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary><c>{% filter name %}…{% endfilter %}</c>.</summary>
internal sealed record FilterBlockStatement(int Line, FilterExpression Filter, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary><c>{% macro name(parameters) %}…{% endmacro %}</c>.</summary>
internal sealed record MacroStatement(int Line, MacroDefinition Macro) : Statement(Line);

/// <summary><c>{% call(parameters) callee(arguments) %}…{% endcall %}</c>.</summary>
internal sealed record CallBlockStatement(int Line, MacroDefinition Caller, CallExpression Call) : Statement(Line);

internal sealed record BreakStatement(int Line) : Statement(Line);

internal sealed record ContinueStatement(int Line) : Statement(Line);

/// <summary><c>include</c>, <c>import</c>, <c>from</c>, <c>extends</c>: a chat template has nowhere to load from, so running it fails.</summary>
internal sealed record LoadStatement(int Line, string Tag) : Statement(Line);

/// <summary>Parameters and body of a macro or of the block of a <c>call</c>.</summary>
/// <param name="Name">The name; <c>caller</c> for a block.</param>
/// <param name="Parameters">Names with their defaults.</param>
/// <param name="Body">The body.</param>
/// <param name="UsesCaller">The body mentions <c>caller</c>.</param>
/// <param name="UsesVarargs">The body mentions <c>varargs</c>, so that further positional arguments are allowed.</param>
/// <param name="UsesKwargs">The body mentions <c>kwargs</c>, so that further named arguments are allowed.</param>
internal sealed record MacroDefinition(
    string Name,
    IReadOnlyList<(string Name, Expression? Default)> Parameters,
    IReadOnlyList<Statement> Body,
    bool UsesCaller,
    bool UsesVarargs,
    bool UsesKwargs);

/// <summary>What <c>set</c>, <c>for</c> and <c>with</c> assign to.</summary>
internal abstract record AssignmentTarget;

internal sealed record NameTarget(string Name) : AssignmentTarget;

/// <summary><c>a, b</c>: takes a value of as many elements apart.</summary>
internal sealed record TupleTarget(IReadOnlyList<AssignmentTarget> Targets) : AssignmentTarget;

/// <summary><c>ns.attribute</c>.</summary>
internal sealed record NamespaceTarget(string Name, string Attribute) : AssignmentTarget;
