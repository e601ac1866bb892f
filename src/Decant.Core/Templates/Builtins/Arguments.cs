using System.Numerics;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>The evaluated arguments of one call, as written.</summary>
internal sealed class Arguments(IReadOnlyList<TemplateValue> positional, IReadOnlyList<KeyValuePair<string, TemplateValue>> named)
{
    public static readonly Arguments None = new([], []);

    public IReadOnlyList<TemplateValue> Positional { get; } = positional;

    public IReadOnlyList<KeyValuePair<string, TemplateValue>> Named { get; } = named;

    public TemplateValue? FindNamed(string name)
    {
        foreach ((string key, TemplateValue value) in Named)
        {
            if (key == name)
                return value;
        }
        return null;
    }

    /// <summary>The arguments without the first <paramref name="count"/> positional ones.</summary>
    public Arguments Skip(int count) => new([.. Positional.Skip(count)], Named);
}

/// <summary>Arguments put into the parameters of a builtin; typed getters say which argument is wrong.</summary>
internal sealed class BoundArguments(RenderContext context, Builtin builtin, TemplateValue?[] values, Arguments all)
{
    /// <summary>The argument of a parameter, or null if the call leaves it out.</summary>
    public TemplateValue? this[int index] => values[index];

    /// <summary>All arguments as written, for builtins that take any number.</summary>
    public Arguments All { get; } = all;

    /// <summary>A parameter that has to be given.</summary>
    public TemplateValue Value(int index) => values[index]!;

    public bool Flag(int index, bool otherwise = false) => values[index]?.IsTrue ?? otherwise;

    public string Text(int index) => values[index] switch
    {
        StringValue s => s.Text,
        var other => throw Wrong(index, "a string", other!),
    };

    public string? TextOrNone(int index) => values[index] switch
    {
        null or NoneValue => null,
        StringValue s => s.Text,
        var other => throw Wrong(index, "a string", other),
    };

    public BigInteger Integer(int index) => values[index] switch
    {
        IntegerValue i => i.Value,
        BoolValue b => b.Value ? 1 : 0,
        var other => throw Wrong(index, "an integer", other!),
    };

    /// <summary>An integer squeezed into the range of <see cref="int"/>; where a length is meant, more is too much anyway.</summary>
    public int Int(int index, int otherwise) => values[index] is null ? otherwise : Clamp(Integer(index));

    public static int Clamp(BigInteger value) => value > int.MaxValue ? int.MaxValue : value < int.MinValue ? int.MinValue : (int)value;

    private TemplateException Wrong(int index, string expected, TemplateValue got) => got is UndefinedValue undefined
        ? context.Error(undefined)
        : context.Error($"{builtin.Name}: argument '{builtin.Parameters[index]}' must be {expected}, got {got.TypeName}");
}
