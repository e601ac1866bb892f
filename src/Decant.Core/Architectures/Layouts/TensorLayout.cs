using System.Collections.Immutable;
using System.Globalization;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Layouts;

/// <summary>A container's table of stored names for one family.</summary>
/// <param name="Mappings">The lines; where two cover a canonical tensor, both are read and the first is written.</param>
internal sealed record TensorLayout(ImmutableArray<TensorMapping> Mappings)
{
    /// <summary>What <c>{prefix}</c> may stand for; the first is written.</summary>
    public ImmutableArray<string> Prefixes { get; init; } = [""];

    /// <summary>
    /// Ends of names of tensors that are no weights: tables and masks that older versions of transformers stored along. They are left
    /// out with a notice.
    /// </summary>
    public ImmutableArray<string> LeftOut { get; init; } = [];

    /// <summary>Names of modules that are heads for tasks of training, which nothing here runs. They are left out with a notice.</summary>
    public ImmutableArray<string> UnusedHeads { get; init; } = [];

    /// <summary>A module with one canonical tensor.</summary>
    public static TensorMapping Module(string module, TensorRole role) => new(module, [role]);

    /// <summary>A module whose rows are those of several canonical tensors, one after the other.</summary>
    public static TensorMapping Fused(string module, params ReadOnlySpan<TensorRole> roles) => new(module, [.. roles]);

    /// <summary>A tensor whose stored name says neither weight nor bias, or says it otherwise.</summary>
    public static TensorMapping Whole(string name, TensorRole role) => new(name, [role]) { IsWholeName = true };

    /// <summary>A module that stacks the experts of a layer.</summary>
    public static TensorMapping Experts(string module, TensorRole role) => new(module, [role]) { StacksExperts = true };

    /// <summary>The layer of a name whose group has no such member.</summary>
    public const int BeyondGroup = int.MaxValue;

    /// <summary>A place in the table: the line and the numbers in the name.</summary>
    public readonly record struct Place(TensorMapping Mapping, int? Layer, int? Expert, TensorPart Part);

    /// <summary>The first line with a place for a canonical tensor, which is the one that is written, or null.</summary>
    public TensorMapping? LineOf(TensorId id) => Mappings.FirstOrDefault(mapping => mapping.Holds(id));

    /// <summary>Finds the line that a stored name belongs to, or null.</summary>
    public Place? Find(string name)
    {
        (TensorPart? part, string end) = PartOf(name);
        foreach (TensorMapping mapping in Mappings)
        {
            if (!mapping.IsWholeName && (part is null || !mapping.Covers(part.Value)))
                continue;
            ReadOnlySpan<char> module = mapping.IsWholeName ? name : name.AsSpan(0, name.Length - end.Length);
            foreach (string prefix in Prefixes)
            {
                if (Match(mapping, prefix, module, out int? layer, out int? expert))
                    return new Place(mapping, layer, expert, mapping.IsWholeName ? TensorPart.Weight : part!.Value);
                if (!mapping.Module.StartsWith("{prefix}", StringComparison.Ordinal))
                    break;
            }
        }
        return null;
    }

    /// <summary>True if the tensor belongs to a head that nothing runs.</summary>
    public bool IsOfUnusedHead(string name) => UnusedHeads.Any(module => name.StartsWith(module + ".", StringComparison.Ordinal));

    /// <summary>True if the tensor is known to be no weight.</summary>
    public bool IsLeftOut(string name) => LeftOut.Any(end => name.EndsWith(end, StringComparison.Ordinal));

    private static (TensorPart? Part, string End) PartOf(string name)
    {
        // Norms converted from TensorFlow checkpoints keep the names that they have there.
        foreach ((string end, TensorPart part) in (ReadOnlySpan<(string, TensorPart)>)
            [(".weight", TensorPart.Weight), (".bias", TensorPart.Bias), (".gamma", TensorPart.Weight), (".beta", TensorPart.Bias)])
        {
            if (name.EndsWith(end, StringComparison.Ordinal))
                return (part, end);
        }
        return (null, "");
    }

    private static bool Match(TensorMapping mapping, string prefix, ReadOnlySpan<char> name, out int? layer, out int? expert)
    {
        layer = expert = null;
        ReadOnlySpan<char> template = mapping.Module;
        while (!template.IsEmpty)
        {
            if (template[0] != '{')
            {
                int literal = template.IndexOf('{');
                ReadOnlySpan<char> text = literal < 0 ? template : template[..literal];
                if (!name.StartsWith(text, StringComparison.Ordinal))
                    return false;
                name = name[text.Length..];
                template = template[text.Length..];
                continue;
            }
            int end = template.IndexOf('}');
            ReadOnlySpan<char> field = template[1..end];
            template = template[(end + 1)..];
            if (field.SequenceEqual("prefix"))
            {
                if (!name.StartsWith(prefix, StringComparison.Ordinal))
                    return false;
                name = name[prefix.Length..];
                continue;
            }
            int digits = 0;
            while (digits < name.Length && char.IsAsciiDigit(name[digits]))
                digits++;
            // A number in a name is short and has no leading zero, so that every tensor has one spelling.
            if (digits is 0 or > 6 || (digits > 1 && name[0] == '0'))
                return false;
            int number = int.Parse(name[..digits], NumberStyles.None, CultureInfo.InvariantCulture);
            name = name[digits..];
            if (field.SequenceEqual("layer"))
                layer = number;
            else if (field.SequenceEqual("group"))
                layer = checked(number * mapping.GroupLength);
            else if (field.SequenceEqual("expert"))
                expert = number;
            else
                layer = number < mapping.GroupLength ? layer + number : BeyondGroup;
        }
        return name.IsEmpty;
    }
}
