using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>
/// The variable <c>loop</c>. Items are taken one by one, one ahead only if <c>last</c> or <c>nextitem</c> is asked for, all at once only
/// if the length is: a filter of the loop then runs at the same moments as in Jinja.
/// </summary>
internal sealed class LoopValue(RenderContext context, IEnumerable<TemplateValue> source, int? knownCount, int depth, Func<TemplateValue, TemplateValue>? recurse) : CallableValue
{
    private readonly IEnumerator<TemplateValue> items = source.GetEnumerator();
    private readonly Queue<TemplateValue> ahead = new();
    private int? count = knownCount;
    private int index = -1;
    private TemplateValue? previous;
    private TemplateValue? lastChanged;

    public TemplateValue Current { get; private set; } = NoneValue.Instance;

    public override string Name => "loop";

    public override string TypeName => "jinja2.runtime.LoopContext";

    public int Depth => depth;

    public int Index => index;

    public bool IsLast => !LookAhead();

    public TemplateValue Previous => index == 0 ? new UndefinedValue("there is no previous item") : previous!;

    public TemplateValue Next => LookAhead() ? ahead.Peek() : new UndefinedValue("there is no next item");

    /// <summary>Rounds in total.</summary>
    public int Length
    {
        get
        {
            if (count is null)
            {
                while (items.MoveNext())
                {
                    context.Items(1);
                    ahead.Enqueue(items.Current);
                }
                count = index + 1 + ahead.Count;
            }
            return count.Value;
        }
    }

    public bool MoveNext()
    {
        if (!LookAhead())
            return false;
        previous = Current;
        Current = ahead.Dequeue();
        index++;
        return true;
    }

    /// <summary>True if the values differ from those of the last call.</summary>
    public bool HasChanged(IReadOnlyList<TemplateValue> values)
    {
        SequenceValue now = context.Tuple(values);
        bool changed = lastChanged is null || !Comparisons.AreEqual(context, lastChanged, now);
        lastChanged = now;
        return changed;
    }

    public override TemplateValue Call(RenderContext _, Arguments arguments)
    {
        if (recurse is null)
            throw context.Error("The loop must have the 'recursive' marker to be called recursively");
        return arguments.Positional.Count == 1 && arguments.Named.Count == 0
            ? recurse(arguments.Positional[0])
            : throw context.Error($"loop takes 1 argument, got {arguments.Positional.Count + arguments.Named.Count}");
    }

    private bool LookAhead()
    {
        if (ahead.Count > 0)
            return true;
        if (!items.MoveNext())
            return false;
        ahead.Enqueue(items.Current);
        return true;
    }
}
