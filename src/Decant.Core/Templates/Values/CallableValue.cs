using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Rendering;

namespace Decant.Core.Templates.Values;

/// <summary>Anything that can be called.</summary>
internal abstract class CallableValue : TemplateValue
{
    /// <summary>The name, for messages.</summary>
    public abstract string Name { get; }

    public abstract TemplateValue Call(RenderContext context, Arguments arguments);
}

/// <summary>A global function, or a method with the object it belongs to.</summary>
internal sealed class BuiltinValue(Builtin builtin, TemplateValue self) : CallableValue
{
    public override string Name => builtin.Name;

    public override string TypeName => "builtin_function_or_method";

    public override TemplateValue Call(RenderContext context, Arguments arguments) => builtin.Invoke(context, self, arguments);
}

/// <summary><c>namespace()</c>: the one kind of object whose attributes a template can set.</summary>
internal sealed class NamespaceValue : TemplateValue
{
    public Dictionary<string, TemplateValue> Attributes { get; } = new(StringComparer.Ordinal);

    public override string TypeName => "jinja2.utils.Namespace";
}

/// <summary><c>joiner(separator)</c>: empty the first time it is called, the separator afterwards.</summary>
internal sealed class JoinerValue(TemplateValue separator) : CallableValue
{
    private bool used;

    public override string Name => "joiner";

    public override string TypeName => "jinja2.utils.Joiner";

    public override TemplateValue Call(RenderContext context, Arguments arguments)
    {
        bool first = !used;
        used = true;
        return first ? StringValue.Empty : separator;
    }
}

/// <summary><c>cycler(...)</c>: hands out its items in turn through <c>next()</c>.</summary>
internal sealed class CyclerValue(IReadOnlyList<TemplateValue> items) : TemplateValue
{
    private int position;

    public override string TypeName => "jinja2.utils.Cycler";

    public TemplateValue Current => items[position];

    public TemplateValue Next()
    {
        TemplateValue current = Current;
        position = (position + 1) % items.Count;
        return current;
    }

    public void Reset() => position = 0;
}
