using System.Text;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Syntax;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>Runs statements and collects what they print.</summary>
internal sealed class Renderer(RenderContext context)
{
    private readonly Evaluator evaluator = new(context);
    private StringBuilder output = new();

    /// <summary>How a list of statements ended.</summary>
    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    public string Render(IReadOnlyList<Statement> statements, Scope scope) => Capture(statements, scope);

    /// <summary>What statements print, as a text of its own.</summary>
    public string Capture(IReadOnlyList<Statement> statements, Scope scope) => Capture(() => Run(statements, scope), out _);

    private string Capture(Func<Flow> run, out Flow flow)
    {
        StringBuilder outer = output;
        output = new StringBuilder();
        try
        {
            flow = run();
            context.Characters(output.Length);
            return output.ToString();
        }
        finally
        {
            output = outer;
        }
    }

    private Flow Run(IReadOnlyList<Statement> statements, Scope scope)
    {
        foreach (Statement statement in statements)
        {
            Flow flow = Run(statement, scope);
            if (flow != Flow.Next)
                return flow;
        }
        return Flow.Next;
    }

    private Flow Run(Statement statement, Scope scope)
    {
        context.Step();
        context.Line = statement.Line;
        switch (statement)
        {
            case DataStatement data:
                Write(data.Text);
                return Flow.Next;
            case PrintStatement print:
                Write(PythonText.Print(context, evaluator.Evaluate(print.Value, scope)));
                return Flow.Next;
            case IfStatement condition:
                return RunIf(condition, scope);
            case ForStatement loop:
                RunLoop(loop, evaluator.Evaluate(loop.Iterable, scope), scope, depth: 0);
                return Flow.Next;
            case SetStatement set:
                CheckNamespaces(set.Target, scope);
                Assign(set.Target, evaluator.Evaluate(set.Value, scope), scope);
                return Flow.Next;
            case SetBlockStatement set:
                return RunSetBlock(set, scope);
            case WithStatement with:
                return RunWith(with, scope);
            case FilterBlockStatement filter:
                return RunFilterBlock(filter, scope);
            case MacroStatement macro:
                scope.Set(macro.Macro.Name, new MacroValue(macro.Macro, scope, evaluator, this));
                return Flow.Next;
            case CallBlockStatement call:
                var caller = new MacroValue(call.Caller, scope, evaluator, this);
                Write(PythonText.Print(context, evaluator.Call(call.Call, scope, new KeyValuePair<string, TemplateValue>("caller", caller))));
                return Flow.Next;
            case BreakStatement:
                return Flow.Break;
            case ContinueStatement:
                return Flow.Continue;
            case LoadStatement load:
                throw context.Error($"the template cannot {load.Tag} another one: no loader for this environment specified");
            default:
                throw new InvalidOperationException($"no rule for {statement.GetType().Name}");
        }
    }

    /// <summary>Walks a loop; its own variables and <c>loop</c> are new in every round.</summary>
    internal void RunLoop(ForStatement statement, TemplateValue iterable, Scope scope, int depth)
    {
        IEnumerable<TemplateValue> items = Iteration.Items(context, iterable);
        int? knownCount = statement.Filter is null ? Iteration.Count(context, iterable) : null;
        if (statement.Filter is { } filter)
            items = items.Where(item => Passes(filter, statement.Target, item, scope));
        var loop = new LoopValue(context, items, knownCount, depth, statement.IsRecursive ? inner => CaptureLoop(statement, inner, scope, depth + 1) : null);
        bool ranOnce = false;
        while (loop.MoveNext())
        {
            ranOnce = true;
            context.Step();
            var round = new Scope(scope);
            round.Set("loop", loop);
            Assign(statement.Target, loop.Current, round);
            if (Run(statement.Body, round) == Flow.Break)
                return;
        }
        if (!ranOnce)
            Run(statement.Otherwise, new Scope(scope));
    }

    private bool Passes(Expression filter, AssignmentTarget target, TemplateValue item, Scope scope)
    {
        var inner = new Scope(scope);
        Assign(target, item, inner);
        return evaluator.Evaluate(filter, inner).IsTrue;
    }

    private StringValue CaptureLoop(ForStatement statement, TemplateValue iterable, Scope scope, int depth)
    {
        context.Enter();
        string text = Capture(() =>
        {
            RunLoop(statement, iterable, scope, depth);
            return Flow.Next;
        }, out _);
        context.Leave();
        return new StringValue(text);
    }

    private Flow RunIf(IfStatement statement, Scope scope)
    {
        foreach ((Expression test, IReadOnlyList<Statement> body) in statement.Branches)
        {
            if (evaluator.Evaluate(test, scope).IsTrue)
                return Run(body, scope);
        }
        return Run(statement.Otherwise, scope);
    }

    private Flow RunSetBlock(SetBlockStatement set, Scope scope)
    {
        var inner = new Scope(scope);
        CheckNamespaces(set.Target, scope);
        string text = Capture(() => Run(set.Body, inner), out Flow flow);
        if (flow != Flow.Next)
            return flow;
        TemplateValue value = new StringValue(text);
        Assign(set.Target, set.Filter is null ? value : evaluator.FilterBlock(set.Filter, value, inner), scope);
        return Flow.Next;
    }

    private Flow RunFilterBlock(FilterBlockStatement statement, Scope scope)
    {
        var inner = new Scope(scope);
        string text = Capture(() => Run(statement.Body, inner), out Flow flow);
        if (flow != Flow.Next)
            return flow;
        Write(PythonText.Print(context, evaluator.FilterBlock(statement.Filter, new StringValue(text), inner)));
        return Flow.Next;
    }

    private Flow RunWith(WithStatement with, Scope scope)
    {
        var inner = new Scope(scope);
        TemplateValue[] values = [.. with.Assignments.Select(a => evaluator.Evaluate(a.Value, scope))];
        for (int i = 0; i < values.Length; i++)
            Assign(with.Assignments[i].Target, values[i], inner);
        return Run(with.Body, inner);
    }

    /// <summary>As in Jinja, setting an attribute of something else fails before the value is looked at.</summary>
    private void CheckNamespaces(AssignmentTarget target, Scope scope)
    {
        if (target is TupleTarget tuple)
        {
            foreach (AssignmentTarget inner in tuple.Targets)
                CheckNamespaces(inner, scope);
        }
        else if (target is NamespaceTarget attribute && scope.Find(attribute.Name) is not NamespaceValue)
            throw context.Error("cannot assign attribute on non-namespace object");
    }

    private void Assign(AssignmentTarget target, TemplateValue value, Scope scope)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Name, value);
                break;
            case NamespaceTarget attribute:
                CheckNamespaces(attribute, scope);
                context.Items(1);
                ((NamespaceValue)scope.Find(attribute.Name)!).Attributes[attribute.Attribute] = value;
                break;
            case TupleTarget tuple:
                List<TemplateValue> items = Iteration.ToList(context, value, atMost: tuple.Targets.Count + 1);
                if (items.Count > tuple.Targets.Count)
                    throw context.Error($"too many values to unpack (expected {tuple.Targets.Count})");
                if (items.Count < tuple.Targets.Count)
                    throw context.Error($"not enough values to unpack (expected {tuple.Targets.Count}, got {items.Count})");
                for (int i = 0; i < items.Count; i++)
                    Assign(tuple.Targets[i], items[i], scope);
                break;
        }
    }

    private void Write(string text)
    {
        if (output.Length + (long)text.Length > context.Limits.MaxOutput)
            throw context.LimitError($"the output is longer than {context.Limits.MaxOutput} characters");
        context.Scan(text.Length);
        output.Append(text);
    }
}
