using System.Collections.Immutable;
using Decant.Core.Errors;
using Decant.Core.Formats;

namespace Decant.Compression.Methods.Mixtures;

/// <summary>
/// What <c>--to</c> names: one of llama.cpp's file types. A base format, and rules by which some tensors get another one.
/// </summary>
public sealed class FileType
{
    internal FileType(string name, int number, string baseFormat, params ImmutableArray<MixtureRule> rules)
    {
        Name = name;
        Number = number;
        BaseFormatName = baseFormat;
        Rules = rules;
    }

    /// <summary>llama.cpp's spelling, as in <c>Q4_K_M</c>.</summary>
    public string Name { get; }

    /// <summary>The value of <c>general.file_type</c>.</summary>
    public int Number { get; }

    /// <summary>Other names for the same type.</summary>
    public ImmutableArray<string> Aliases { get; internal init; } = [];

    /// <summary>
    /// True if tensors of the base format, other than embedding and head, are refused without importance values: what they would hold is not usable.
    /// </summary>
    public bool BaseNeedsImportance { get; internal init; }

    /// <summary>One line for <c>decant list formats</c>.</summary>
    public string Summary { get; internal init; } = "";

    /// <summary>The format of tensors that no rule names.</summary>
    /// <exception cref="NotSupportedModelException">Decant has no such format.</exception>
    public TensorFormat BaseFormat => Resolve(BaseFormatName);

    /// <summary>True if the base format stores blocks; plain types (F32, F16, BF16) know no mixtures and no fallbacks.</summary>
    public bool IsQuantized => BaseFormat.IsBlockFormat;

    internal string BaseFormatName { get; }

    internal ImmutableArray<MixtureRule> Rules { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal static TensorFormat Resolve(string name) => TensorFormats.FindByName(name)
        ?? throw new NotSupportedModelException($"The tensor format {name} is not among those Decant knows.");
}
