using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Syntax;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>Values of expressions.</summary>
internal sealed class Evaluator(RenderContext context)
{
    public TemplateValue Evaluate(Expression expression, Scope scope)
    {
        context.Step();
        context.Line = expression.Line;
        return expression switch
        {
            ConstantExpression constant => constant.Value,
            NameExpression name => scope.Find(name.Name) ?? UndefinedValue.Name(name.Name),
            AttributeExpression attribute => Members.Attribute(context, Evaluate(attribute.Target, scope), attribute.Name),
            SubscriptExpression subscript => Members.Item(context, Evaluate(subscript.Target, scope), Evaluate(subscript.Index, scope)),
            FilterExpression filter => Filter(filter, Evaluate(filter.Input!, scope), scope),
            CallExpression call => Call(call, scope),
            TestExpression test => Test(test, scope),
            LogicalExpression logical => Logical(logical, scope),
            ComparisonExpression comparison => Comparison(comparison, scope),
            ArithmeticExpression arithmetic => Arithmetic.Apply(context, arithmetic.Operator, Evaluate(arithmetic.Left, scope), Evaluate(arithmetic.Right, scope)),
            ConcatenationExpression concatenation => Concatenate(concatenation, scope),
            UnaryExpression unary => Unary(unary, scope),
            ConditionalExpression conditional => Conditional(conditional, scope),
            SliceExpression slice => Slice(slice, scope),
            SequenceExpression sequence => context.Sequence(sequence.Kind, EvaluateAll(sequence.Items, scope)),
            DictExpression dict => Dict(dict, scope),
            _ => throw new InvalidOperationException($"no rule for {expression.GetType().Name}"),
        };
    }

    /// <summary>Calls with the written arguments, and further named ones.</summary>
    public TemplateValue Call(CallExpression call, Scope scope, params KeyValuePair<string, TemplateValue>[] furtherNamed)
    {
        TemplateValue callee = Evaluate(call.Callee, scope);
        Arguments arguments = EvaluateArguments(call.Arguments, scope, furtherNamed);
        context.Line = call.Line;
        return context.Call(callee, arguments);
    }

    /// <summary>Applies a filter, and those it is chained behind, to a value.</summary>
    public TemplateValue Filter(FilterExpression filter, TemplateValue input, Scope scope)
    {
        Arguments arguments = EvaluateArguments(filter.Arguments, scope);
        context.Line = filter.Line;
        Builtin builtin = filter.Filter ?? throw context.Error(Filters.Unknown(filter.Name));
        return builtin.Invoke(context, input, arguments);
    }

    /// <summary>Applies the filters of a block; the innermost of the chain has no input of its own.</summary>
    public TemplateValue FilterBlock(FilterExpression filter, TemplateValue input, Scope scope)
    {
        context.Step();
        return Filter(filter, filter.Input is FilterExpression inner ? FilterBlock(inner, input, scope) : input, scope);
    }

    private TemplateValue Test(TestExpression test, Scope scope)
    {
        TemplateValue input = Evaluate(test.Input, scope);
        Arguments arguments = EvaluateArguments(test.Arguments, scope);
        context.Line = test.Line;
        Builtin builtin = test.Test ?? throw context.Error(ValueTests.Unknown(test.Name));
        return builtin.Invoke(context, input, arguments);
    }

    private TemplateValue Logical(LogicalExpression logical, Scope scope)
    {
        TemplateValue left = Evaluate(logical.Left, scope);
        return left.IsTrue == logical.IsAnd ? Evaluate(logical.Right, scope) : left;
    }

    private BoolValue Comparison(ComparisonExpression comparison, Scope scope)
    {
        TemplateValue left = Evaluate(comparison.First, scope);
        foreach ((ComparisonOperator symbol, Expression operand) in comparison.Rest)
        {
            TemplateValue right = Evaluate(operand, scope);
            context.Line = comparison.Line;
            if (!Comparisons.Holds(context, symbol, left, right))
                return BoolValue.False;
            left = right;
        }
        return BoolValue.True;
    }

    private StringValue Concatenate(ConcatenationExpression concatenation, Scope scope)
    {
        var parts = new string[concatenation.Parts.Count];
        long length = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = PythonText.Print(context, Evaluate(concatenation.Parts[i], scope));
            length += parts[i].Length;
        }
        context.Characters(length);
        return new StringValue(string.Concat(parts));
    }

    private TemplateValue Unary(UnaryExpression unary, Scope scope)
    {
        TemplateValue operand = Evaluate(unary.Operand, scope);
        return unary.Operator == UnaryOperator.Not
            ? BoolValue.Of(!operand.IsTrue)
            : Arithmetic.Sign(context, operand, unary.Operator == UnaryOperator.Minus);
    }

    private TemplateValue Conditional(ConditionalExpression conditional, Scope scope)
    {
        if (Evaluate(conditional.Test, scope).IsTrue)
            return Evaluate(conditional.Then, scope);
        return conditional.Otherwise is null
            ? new UndefinedValue("the inline if-expression evaluated to false and no else section was defined.")
            : Evaluate(conditional.Otherwise, scope);
    }

    private TemplateValue Slice(SliceExpression slice, Scope scope)
    {
        TemplateValue target = Evaluate(slice.Target, scope);
        TemplateValue Bound(Expression? bound) => bound is null ? NoneValue.Instance : Evaluate(bound, scope);
        TemplateValue start = Bound(slice.Start);
        TemplateValue stop = Bound(slice.Stop);
        TemplateValue step = Bound(slice.Step);
        context.Line = slice.Line;
        return Slices.Take(context, target, start, stop, step);
    }

    private DictValue Dict(DictExpression expression, Scope scope)
    {
        var dict = new DictValue();
        foreach ((Expression key, Expression value) in expression.Entries)
            context.Set(dict, Evaluate(key, scope), Evaluate(value, scope));
        return dict;
    }

    private TemplateValue[] EvaluateAll(IReadOnlyList<Expression> expressions, Scope scope)
    {
        var values = new TemplateValue[expressions.Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = Evaluate(expressions[i], scope);
        return values;
    }

    private Arguments EvaluateArguments(CallArguments arguments, Scope scope, params KeyValuePair<string, TemplateValue>[] furtherNamed)
    {
        if (ReferenceEquals(arguments, CallArguments.None) && furtherNamed.Length == 0)
            return Arguments.None;
        List<TemplateValue> positional = [.. EvaluateAll(arguments.Positional, scope)];
        var named = new List<KeyValuePair<string, TemplateValue>>();
        foreach ((string name, Expression value) in arguments.Named)
            named.Add(new(name, Evaluate(value, scope)));
        named.AddRange(furtherNamed);
        if (arguments.More is not null)
            positional.AddRange(Iteration.ToList(context, Evaluate(arguments.More, scope)));
        if (arguments.MoreNamed is not null)
            named.AddRange(Members.NamedArguments(context, Evaluate(arguments.MoreNamed, scope)));
        context.Items(positional.Count + named.Count);
        return new Arguments(positional, named);
    }
}
