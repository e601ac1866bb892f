using System.Numerics;
using System.Runtime.CompilerServices;
using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>
/// One rendering in progress: what it may still use, where it is (for messages), and the clock. Every value that can be large is made
/// here, so that nothing is built before it is paid for.
/// </summary>
internal sealed class RenderContext(string origin, TemplateLimits limits, TimeProvider clock)
{
    /// <summary>Containers inside containers; Python gives up at about a thousand.</summary>
    public const int MaxHeight = 100;

    /// <summary>Largest integer in bits; Python itself prints no more than 4300 digits.</summary>
    public const int MaxIntegerBits = 1 << 16;

    private const int charactersPerStep = 32;
    private const int charactersPerItem = 16;

    private long stepsLeft = limits.MaxSteps;
    private long charactersLeft = limits.MaxCharacters;
    private int depth;

    public string Origin { get; } = origin;

    public TimeProvider Clock { get; } = clock;

    public TemplateLimits Limits { get; } = limits;

    /// <summary>The line being evaluated.</summary>
    public int Line { get; set; } = 1;

    public TemplateRuntimeException Error(string detail) => new(detail, Origin, Line);

    public TemplateException Error(UndefinedValue undefined) => undefined.IsUnsafe
        ? new TemplateRuntimeException(undefined.Message, Origin, Line)
        : new TemplateUndefinedException(undefined.Message, Origin, Line);

    public TemplateLimitException LimitError(string detail) => new(detail, Origin, Line);

    /// <summary>Counts one evaluated node, and makes sure that the next one fits the stack.</summary>
    public void Step()
    {
        if (--stepsLeft < 0)
            throw LimitError($"the template needs more than {Limits.MaxSteps} steps");
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw LimitError("the template is nested too deeply for the stack");
    }

    /// <summary>Counts items walked.</summary>
    public void Steps(long count)
    {
        stepsLeft -= count;
        if (stepsLeft < 0)
            throw LimitError($"the template needs more than {Limits.MaxSteps} steps");
    }

    /// <summary>Counts characters looked at.</summary>
    public void Scan(long characters) => Steps(characters / charactersPerStep);

    /// <summary>Enters a macro, a recursive loop or a lazy filter; <see cref="Leave"/> follows.</summary>
    public void Enter()
    {
        if (++depth > Limits.MaxDepth)
            throw LimitError($"calls are nested more than {Limits.MaxDepth} deep");
        Step();
    }

    public void Leave() => depth--;

    /// <summary>Pays for a text about to be built.</summary>
    public void Characters(long count)
    {
        if (count > Limits.MaxOutput)
            throw LimitError($"a text of {count} characters is too long (at most {Limits.MaxOutput})");
        charactersLeft -= count;
        if (charactersLeft < 0)
            throw LimitError($"the template builds more than {Limits.MaxCharacters} characters of text");
        Scan(count);
    }

    /// <summary>Pays for elements of a list or mapping about to be built.</summary>
    public void Items(long count)
    {
        charactersLeft -= Math.Min(count, int.MaxValue) * charactersPerItem;
        if (charactersLeft < 0)
            throw LimitError($"the template builds lists of more than {Limits.MaxCharacters / charactersPerItem} elements");
        Steps(Math.Min(count, int.MaxValue));
    }

    /// <summary>A text already built, whose length is bounded by texts already paid for.</summary>
    public StringValue Text(string text)
    {
        Characters(text.Length);
        return new StringValue(text);
    }

    public IntegerValue Integer(BigInteger value) => value.GetBitLength() <= MaxIntegerBits
        ? new IntegerValue(value)
        : throw LimitError($"an integer of more than {MaxIntegerBits} bits");

    public SequenceValue List(IReadOnlyList<TemplateValue> items) => Sequence(SequenceKind.List, items);

    public SequenceValue Tuple(params IReadOnlyList<TemplateValue> items) => Sequence(SequenceKind.Tuple, items);

    public SequenceValue Sequence(SequenceKind kind, IReadOnlyList<TemplateValue> items)
    {
        Items(items.Count + 1);
        var sequence = new SequenceValue(kind, items);
        CheckHeight(sequence);
        return sequence;
    }

    /// <summary>Adds to a mapping that is being built.</summary>
    public void Set(DictValue dict, TemplateValue key, TemplateValue value)
    {
        if (!DictValue.IsHashable(key))
            throw Error($"unhashable type: '{key.TypeName}'");
        Items(2);
        dict.Set(key, value);
        CheckHeight(dict);
    }

    /// <summary>A lazy sequence; every item taken from it counts.</summary>
    public GeneratorValue Generator(IEnumerable<TemplateValue> items)
    {
        Items(1);
        return new GeneratorValue(items.GetEnumerator());
    }

    /// <summary>Calls a value, or says that it is none that can be called.</summary>
    public TemplateValue Call(TemplateValue callee, Arguments arguments)
    {
        Step();
        return callee switch
        {
            CallableValue callable => callable.Call(this, arguments),
            UndefinedValue undefined => throw Error(undefined),
            _ => throw Error($"'{callee.TypeName}' object is not callable"),
        };
    }

    private void CheckHeight(TemplateValue container)
    {
        if (container.Height > MaxHeight)
            throw LimitError($"lists and mappings are nested more than {MaxHeight} deep");
    }
}
