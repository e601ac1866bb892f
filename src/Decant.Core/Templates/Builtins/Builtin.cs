using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>What a filter, test, function or method does; <paramref name="self"/> is the filtered value or the object.</summary>
internal delegate TemplateValue BuiltinBody(RenderContext context, TemplateValue self, BoundArguments arguments);

/// <summary>
/// A filter, test, function or method: its name, its parameters in Python's order, and its body. The signature is a list of names,
/// <c>?</c> behind those that can be left out; a last <c>*</c> takes any further arguments.
/// </summary>
internal sealed class Builtin
{
    private readonly BuiltinBody body;
    private readonly bool takesMore;
    private readonly int required;

    public Builtin(string name, string signature, BuiltinBody body)
    {
        Name = name;
        this.body = body;
        string[] parts = signature.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        takesMore = parts.Length > 0 && parts[^1] == "*";
        if (takesMore)
            parts = parts[..^1];
        required = parts.Count(p => !p.EndsWith('?'));
        Parameters = [.. parts.Select(p => p.TrimEnd('?'))];
    }

    public string Name { get; }

    public IReadOnlyList<string> Parameters { get; }

    public TemplateValue Invoke(RenderContext context, TemplateValue self, Arguments arguments) => body(context, self, Bind(context, arguments));

    /// <summary>A list of builtins by name.</summary>
    public static Dictionary<string, Builtin> Index(IEnumerable<Builtin> builtins) => builtins.ToDictionary(b => b.Name, StringComparer.Ordinal);

    private BoundArguments Bind(RenderContext context, Arguments arguments)
    {
        var values = new TemplateValue?[Parameters.Count];
        if (arguments.Positional.Count > values.Length && !takesMore)
            throw context.Error($"{Name} takes at most {values.Length} argument(s), got {arguments.Positional.Count}");
        for (int i = 0; i < values.Length && i < arguments.Positional.Count; i++)
            values[i] = arguments.Positional[i];
        foreach ((string name, TemplateValue value) in arguments.Named)
        {
            int index = IndexOf(name);
            if (index < 0 && takesMore)
                continue;
            if (index < 0)
                throw context.Error($"{Name} got an unexpected keyword argument '{name}'");
            if (values[index] is not null)
                throw context.Error($"{Name} got multiple values for argument '{name}'");
            values[index] = value;
        }
        for (int i = 0; i < required; i++)
        {
            if (values[i] is null)
                throw context.Error($"{Name}: missing argument '{Parameters[i]}'");
        }
        return new BoundArguments(context, this, values, arguments);
    }

    private int IndexOf(string name)
    {
        for (int i = 0; i < Parameters.Count; i++)
        {
            if (Parameters[i] == name)
                return i;
        }
        return -1;
    }
}
