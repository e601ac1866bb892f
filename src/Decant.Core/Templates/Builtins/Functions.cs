using System.Numerics;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>All global functions: Jinja's, and the two that transformers adds. To add one: a line here.</summary>
internal static class Functions
{
    /// <summary>Jinja's sandbox allows no longer ranges.</summary>
    private const int maxRange = 100_000;

    private static readonly Builtin[] all =
    [
        new("cycler", "*", (c, _, a) => a.All.Positional.Count > 0 ? new CyclerValue(a.All.Positional) : throw c.Error("at least one item has to be provided")),
        new("dict", "*", Dict),
        new("joiner", "sep?", (_, _, a) => new JoinerValue(a[0] ?? new StringValue(", "))),
        new("lipsum", "*", (c, _, _) => throw c.Error("lipsum() makes random text, which no prompt should hold: not supported")),
        new("namespace", "*", Namespace),
        new("raise_exception", "message", (c, _, a) => throw new TemplateRaisedException(PythonText.Print(c, a.Value(0)), c.Origin, c.Line)),
        new("range", "start stop? step?", Range),
        new("strftime_now", "format", (c, _, a) => new StringValue(DateText.Format(c, c.Clock.GetLocalNow(), a.Text(0)))),
    ];

    /// <summary>The outermost scope of every rendering.</summary>
    public static Scope Globals()
    {
        var scope = new Scope(null);
        foreach (Builtin function in all)
            scope.Set(function.Name, new BuiltinValue(function, NoneValue.Instance));
        return scope;
    }

    private static DictValue Dict(RenderContext context, TemplateValue self, BoundArguments a)
    {
        DictValue dict = a.All.Positional switch
        {
            [] => new DictValue(),
            [DictValue source] => DictMethods.Copy(context, source),
            [UndefinedValue undefined] => throw context.Error(undefined),
            [var pairs] => FromPairs(context, pairs),
            _ => throw context.Error($"dict expected at most 1 argument, got {a.All.Positional.Count}"),
        };
        foreach ((string name, TemplateValue value) in a.All.Named)
            context.Set(dict, new StringValue(name), value);
        return dict;
    }

    private static DictValue FromPairs(RenderContext context, TemplateValue pairs)
    {
        var dict = new DictValue();
        foreach (TemplateValue pair in Iteration.Items(context, pairs))
        {
            if (Iteration.ToList(context, pair, atMost: 3) is not [var key, var value])
                throw context.Error("dictionary update sequence element must be a pair");
            context.Set(dict, key, value);
        }
        return dict;
    }

    private static NamespaceValue Namespace(RenderContext context, TemplateValue self, BoundArguments a)
    {
        var result = new NamespaceValue();
        foreach ((TemplateValue key, TemplateValue value) in Dict(context, self, a).Entries)
            result.Attributes[(key as StringValue ?? throw context.Error("names in a namespace must be strings")).Text] = value;
        return result;
    }

    private static SequenceValue Range(RenderContext context, TemplateValue self, BoundArguments a)
    {
        BigInteger start = a[1] is null ? 0 : a.Integer(0);
        BigInteger stop = a[1] is null ? a.Integer(0) : a.Integer(1);
        BigInteger step = a[2] is null ? 1 : a.Integer(2);
        if (step.IsZero)
            throw context.Error("range() arg 3 must not be zero");
        BigInteger span = step.Sign > 0 ? stop - start : start - stop;
        BigInteger count = span.Sign <= 0 ? 0 : (span + BigInteger.Abs(step) - 1) / BigInteger.Abs(step);
        if (count > maxRange)
            throw context.LimitError($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({maxRange}).");
        context.Items((long)count);
        var items = new TemplateValue[(int)count];
        for (int i = 0; i < items.Length; i++)
            items[i] = new IntegerValue(start + (i * step));
        return new SequenceValue(SequenceKind.Range, items) { Bounds = (start, stop, step) };
    }
}
