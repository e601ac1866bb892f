using System.Collections.Frozen;
using Decant.Core.Errors;
using Decant.Core.Formats;
using static Decant.Compression.Methods.Mixtures.MixtureConditions;
using static Decant.Compression.Methods.Mixtures.TensorCategory;

namespace Decant.Compression.Methods.Mixtures;

/// <summary>
/// llama.cpp's file types (release v0.5.0) as a table: name, number in <c>general.file_type</c>, base format, then one line for each kind of
/// tensor that gets another format, the first that fits (quantization.md section 17). Rules for the head, eight experts and 70B models that
/// hold for all types are in <see cref="MixtureChooser"/>.
/// </summary>
public static class FileTypes
{
    private static MixtureRule For(TensorCategory category, Func<MixturePosition, bool> when, string? format) => new(category, when, format);

    /// <summary>Every file type that can be written.</summary>
    public static IReadOnlyList<FileType> All { get; } =
    [
        new("F32", 0, "F32") { Summary = "32-bit floats" },
        new("F16", 1, "F16") { Summary = "16-bit floats" },
        new("BF16", 32, "BF16") { Summary = "16-bit floats with the range of 32-bit ones" },
        new("Q8_0", 7, "Q8_0") { Summary = "8 bits, blocks of 32; next to no loss" },
        new("Q6_K", 18, "Q6_K") { Summary = "6 bits, blocks of 256" },
        new("Q5_0", 8, "Q5_0",
            For(Down, FirstEighthWithImportance, "Q5_1")) { Summary = "5 bits, blocks of 32" },
        new("Q5_1", 9, "Q5_1") { Summary = "5 bits with offset, blocks of 32" },
        new("Q5_K_S", 16, "Q5_K") { Summary = "5 bits, blocks of 256" },
        new("Q5_K_M", 17, "Q5_K",
            For(Value, MoreBits, "Q6_K"),
            For(Down, MoreBits, "Q6_K")) { Aliases = ["Q5_K"], Summary = "5 bits, half of the value and down matrices in 6" },
        new("Q4_0", 2, "Q4_0",
            For(Down, FirstEighthWithImportance, "Q4_1")) { Summary = "4 bits, blocks of 32; fast everywhere" },
        new("Q4_1", 3, "Q4_1") { Summary = "4 bits with offset, blocks of 32" },
        new("Q4_K_S", 14, "Q4_K",
            For(Value, FirstFour, "Q5_K"),
            For(Down, FirstEighthNotFalcon, "Q5_K"),
            For(AttentionOutput, EightExperts, "Q5_K")) { Summary = "4 bits, blocks of 256" },
        new("Q4_K_M", 15, "Q4_K",
            For(Value, MoreBits, "Q6_K"),
            For(Down, FalconFirstSixteenth, "Q6_K"),
            For(Down, FalconMoreBits, "Q5_K"),
            For(Down, Falcon, null),
            For(Down, MoreBits, "Q6_K"),
            For(AttentionOutput, EightExperts, "Q5_K")) { Aliases = ["Q4_K"], Summary = "4 bits, half of the value and down matrices in 6; the usual choice" },
        new("IQ4_NL", 25, "IQ4_NL",
            For(Value, GroupedByFour, "Q5_K"),
            For(Down, FirstEighthWithoutImportance, "Q5_K"),
            For(AttentionOutput, EightExperts, "Q5_K")) { Summary = "4 bits on an uneven grid, blocks of 32" },
        new("IQ4_XS", 30, "IQ4_XS",
            For(Value, GroupedByFour, "Q5_K"),
            For(Down, FirstEighthWithoutImportance, "Q5_K"),
            For(AttentionOutput, EightExperts, "Q5_K")) { Summary = "4 bits on an uneven grid, blocks of 256" },
        new("Q3_K_S", 11, "Q3_K",
            For(AttentionOutput, EightExperts, "Q5_K")) { Summary = "3 bits, blocks of 256" },
        new("Q3_K_M", 12, "Q3_K",
            For(Value, FirstTwo, "Q5_K"),
            For(Value, Always, "Q4_K"),
            For(Down, FirstSixteenth, "Q5_K"),
            For(Down, FalconMoreBits, "Q4_K"),
            For(Down, Falcon, null),
            For(Down, Always, "Q4_K"),
            For(AttentionOutput, EightExperts, "Q5_K"),
            For(AttentionOutput, Falcon, null),
            For(AttentionOutput, Always, "Q4_K")) { Aliases = ["Q3_K"], Summary = "3 bits, value, output and down matrices in 4 or 5" },
        new("Q3_K_L", 13, "Q3_K",
            For(Value, Always, "Q5_K"),
            For(Down, Falcon, "Q4_K"),
            For(Down, Always, "Q5_K"),
            For(AttentionOutput, EightExperts, null),
            For(AttentionOutput, Falcon, "Q4_K"),
            For(AttentionOutput, Always, "Q5_K")) { Summary = "3 bits, value, output and down matrices in 5" },
        new("Q2_K", 10, "Q2_K",
            For(Value, GroupedByFour, "Q4_K"),
            For(Value, Always, "Q3_K"),
            For(Down, Always, "Q3_K"),
            For(AttentionOutput, EightExperts, "Q5_K"),
            For(AttentionOutput, Falcon, null),
            For(AttentionOutput, Always, "Q3_K")) { Summary = "2 bits, value, output and down matrices in 3 or 4" },
        new("Q2_K_S", 21, "Q2_K",
            For(Value, GroupedByFour, "Q4_K"),
            For(Down, FirstEighth, "Q4_K")) { BaseNeedsImportance = true, Summary = "2 bits; needs an importance matrix" },
        new("Q2_0", 41, "Q2_0",
            For(TokenEmbedding, Always, "Q4_K")) { Summary = "2 bits, blocks of 64; for models trained so" },
        new("Q1_0", 40, "Q1_0") { Summary = "1 bit, blocks of 128; for models trained so" },
        new("TQ1_0", 36, "TQ1_0",
            For(TokenEmbedding, Always, "Q4_K")) { Summary = "ternary, 1.7 bits; for models trained so" },
        new("TQ2_0", 37, "TQ2_0",
            For(TokenEmbedding, Always, "Q4_K")) { Summary = "ternary, 2.1 bits; for models trained so" },
        new("MXFP4_MOE", 38, "MXFP4") { Summary = "expert matrices in MXFP4, the rest in Q8_0" },
    ];

    /// <summary>File types of llama.cpp that Decant reads but cannot write: their encoders search codebooks.</summary>
    private static readonly string[] readOnly =
        ["IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XXS", "IQ3_XS", "IQ3_S", "IQ3_M"];

    private static readonly FrozenDictionary<string, FileType> byName = All
        .SelectMany(type => type.Aliases.Add(type.Name).Select(name => KeyValuePair.Create(name, type)))
        .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Every accepted name, aliases included, for help texts and suggestions.</summary>
    public static IEnumerable<string> Names => All.SelectMany(type => type.Aliases.Prepend(type.Name));

    /// <summary>The formats weights can be written in: those the table names.</summary>
    public static IReadOnlyList<TensorFormat> WeightFormats { get; } =
        [.. All.SelectMany(type => type.Rules.Select(rule => rule.Format).Prepend(type.BaseFormatName)).OfType<string>().Distinct().Select(FileType.Resolve)];

    /// <summary>The file type of a name in any case.</summary>
    /// <exception cref="UsageException">Unknown; the message suggests the nearest.</exception>
    /// <exception cref="NotSupportedModelException">A type that can be read but not written.</exception>
    public static FileType Get(string name)
    {
        if (byName.TryGetValue(name, out FileType? type))
            return type;
        if (readOnly.Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            throw new NotSupportedModelException(
                $"Decant reads {name.ToUpperInvariant()} files but cannot write them. The nearest types it writes are Q2_K, Q3_K_M and IQ4_XS.");
        }
        throw new UsageException(
            $"There is no type '{name}'. Did you mean {NearestName.Of(name, Names)}? 'decant list formats' shows all of them.");
    }
}
