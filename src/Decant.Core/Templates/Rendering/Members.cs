using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>
/// <c>value.name</c> and <c>value[key]</c> under Jinja's immutable sandbox: a dot tries the attribute first, brackets the element first;
/// methods that change a list or mapping cannot be reached.
/// </summary>
internal static class Members
{
    private static readonly HashSet<string> changingListMethods = new(StringComparer.Ordinal) { "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort" };
    private static readonly HashSet<string> changingDictMethods = new(StringComparer.Ordinal) { "clear", "pop", "popitem", "setdefault", "update" };

    public static TemplateValue Attribute(RenderContext context, TemplateValue target, string name)
    {
        if (target is UndefinedValue undefined)
            throw context.Error(undefined);
        return FindAttribute(context, target, name)
            ?? (target as DictValue)?.Find(name)
            ?? MissingAttribute(target, name);
    }

    public static TemplateValue Item(RenderContext context, TemplateValue target, TemplateValue key)
    {
        if (target is UndefinedValue undefined)
            throw context.Error(undefined);
        return FindItem(context, target, key)
            ?? (key is StringValue name ? FindAttribute(context, target, name.Text) ?? MissingAttribute(target, name.Text) : MissingItem(context, target, key));
    }

    /// <summary>Only the attribute, never an element: the filter <c>attr</c>.</summary>
    public static TemplateValue AttributeAlone(RenderContext context, TemplateValue target, string name)
    {
        if (target is UndefinedValue undefined)
            throw context.Error(undefined);
        return FindAttribute(context, target, name) ?? MissingAttribute(target, name);
    }

    /// <summary>The entries of a mapping passed as <c>**mapping</c>.</summary>
    public static IEnumerable<KeyValuePair<string, TemplateValue>> NamedArguments(RenderContext context, TemplateValue value)
    {
        if (value is not DictValue dict)
            throw context.Error($"argument after ** must be a mapping, not {value.TypeName}");
        foreach ((TemplateValue key, TemplateValue item) in dict.Entries)
            yield return new((key as StringValue ?? throw context.Error("keywords must be strings")).Text, item);
    }

    /// <summary>How messages name a value.</summary>
    public static string Describe(TemplateValue value) => value is NoneValue ? "None" : $"{value.TypeName} object";

    private static TemplateValue? FindAttribute(RenderContext context, TemplateValue target, string name) => target switch
    {
        StringValue => Method(StringMethods.All, target, name),
        DictValue => changingDictMethods.Contains(name) ? Unsafe(target, name) : Method(DictMethods.All, target, name),
        SequenceValue sequence => SequenceAttribute(context, sequence, name),
        NamespaceValue space => space.Attributes.GetValueOrDefault(name),
        LoopValue loop => LoopAttribute(loop, name),
        MacroValue macro => MacroAttribute(context, macro, name),
        CyclerValue cycler => name == "current" ? cycler.Current : Method(CyclerMethods.All, target, name),
        _ => null,
    };

    private static TemplateValue? SequenceAttribute(RenderContext context, SequenceValue sequence, string name)
    {
        for (int i = 0; i < sequence.Fields.Count; i++)
        {
            if (sequence.Fields[i] == name)
                return sequence.Items[i];
        }
        if (sequence.Kind == SequenceKind.List && changingListMethods.Contains(name))
            return Unsafe(sequence, name);
        if (sequence.Kind == SequenceKind.List && name == "copy")
            return Method(SequenceMethods.ListOnly, sequence, name);
        return sequence.IsIndexable ? Method(SequenceMethods.All, sequence, name) : null;
    }

    private static TemplateValue? LoopAttribute(LoopValue loop, string name) => name switch
    {
        "index" => new IntegerValue(loop.Index + 1),
        "index0" => new IntegerValue(loop.Index),
        "revindex" => new IntegerValue(loop.Length - loop.Index),
        "revindex0" => new IntegerValue(loop.Length - loop.Index - 1),
        "first" => BoolValue.Of(loop.Index == 0),
        "last" => BoolValue.Of(loop.IsLast),
        "length" => new IntegerValue(loop.Length),
        "depth" => new IntegerValue(loop.Depth + 1),
        "depth0" => new IntegerValue(loop.Depth),
        "previtem" => loop.Previous,
        "nextitem" => loop.Next,
        _ => Method(LoopMethods.All, loop, name),
    };

    private static TemplateValue? MacroAttribute(RenderContext context, MacroValue macro, string name) => name switch
    {
        "name" => new StringValue(macro.Name),
        "arguments" => context.Tuple([.. macro.Definition.Parameters.Select(p => new StringValue(p.Name))]),
        "caller" => BoolValue.Of(macro.Definition.UsesCaller),
        "catch_varargs" => BoolValue.Of(macro.Definition.UsesVarargs),
        "catch_kwargs" => BoolValue.Of(macro.Definition.UsesKwargs),
        _ => null,
    };

    private static TemplateValue? FindItem(RenderContext context, TemplateValue target, TemplateValue key)
    {
        switch (target)
        {
            case DictValue dict:
                return DictValue.IsHashable(key) ? dict.Find(key) : null;
            case SequenceValue { IsIndexable: true } sequence when Number.From(key) is { IsInteger: true } n:
                int index = Position(n, sequence.Items.Count);
                return index < 0 ? null : sequence.Items[index];
            case StringValue text when Number.From(key) is { IsInteger: true } n:
                context.Scan(text.Text.Length);
                int at = Position(n, CodePoints.Count(text.Text));
                return at < 0 ? null : new StringValue(CodePoints.Substring(text.Text, at, 1));
            default:
                return null;
        }
    }

    /// <summary>A position counted from the end if negative; -1 if there is no such element.</summary>
    private static int Position(Number number, int count)
    {
        int index = BoundArguments.Clamp(number.Integer);
        if (index < 0)
            index += count;
        return index < 0 || index >= count ? -1 : index;
    }

    private static BuiltinValue? Method(Dictionary<string, Builtin> methods, TemplateValue target, string name) =>
        methods.TryGetValue(name, out Builtin? method) ? new BuiltinValue(method, target) : null;

    private static UndefinedValue Unsafe(TemplateValue target, string name) =>
        new($"access to attribute '{name}' of '{target.TypeName}' object is unsafe.", isUnsafe: true);

    private static UndefinedValue MissingAttribute(TemplateValue target, string name) =>
        name.StartsWith("__", StringComparison.Ordinal) ? Unsafe(target, name) : new($"'{Describe(target)}' has no attribute '{name}'");

    private static UndefinedValue MissingItem(RenderContext context, TemplateValue target, TemplateValue key) =>
        new($"{Describe(target)} has no element {PythonText.Represent(context, key)}");
}
