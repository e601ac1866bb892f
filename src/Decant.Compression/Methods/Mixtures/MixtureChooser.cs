using System.Collections.Frozen;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Methods.Mixtures;

/// <summary>Gives every tensor of a model its format, by llama.cpp's rules for a file type.</summary>
public sealed class MixtureChooser
{
    /// <summary>
    /// What takes the place of a format whose blocks do not divide a row. Formats of 32 elements fall to F16 at once, and so does Q1_0, for which
    /// llama.cpp has no substitute and gives up.
    /// </summary>
    private static readonly FrozenDictionary<string, string> fallbacks = new Dictionary<string, string>
    {
        ["Q2_0"] = "Q4_0",
        ["Q2_K"] = "Q4_0",
        ["Q3_K"] = "Q4_0",
        ["TQ1_0"] = "Q4_0",
        ["TQ2_0"] = "Q4_0",
        ["Q4_K"] = "Q5_0",
        ["Q5_K"] = "Q5_1",
        ["Q6_K"] = "Q8_0",
        ["IQ4_XS"] = "IQ4_NL",
    }.ToFrozenDictionary();

    private readonly FileType type;
    private readonly MixtureModel model;
    private readonly bool hasImportance;
    private readonly IReadOnlyList<TypeOverride> overrides;

    /// <summary>Prepares the choice.</summary>
    /// <param name="type">The file type.</param>
    /// <param name="model">Facts of the model.</param>
    /// <param name="hasImportance">True if the job has an importance matrix: some rules ask.</param>
    /// <param name="overrides">The user's exceptions, first match wins.</param>
    public MixtureChooser(FileType type, MixtureModel model, bool hasImportance, IReadOnlyList<TypeOverride>? overrides = null)
    {
        this.type = type;
        this.model = model;
        this.hasImportance = hasImportance;
        this.overrides = overrides ?? [];
    }

    /// <summary>Chooses for all tensors of a model; the result is in the order of <paramref name="tensors"/>.</summary>
    /// <exception cref="UsageException">An override cannot hold a row, or matches no tensor that may be quantized.</exception>
    /// <exception cref="BadFileException">A tensor of a model with experts names no block of the model.</exception>
    public IReadOnlyList<TensorChoice> Choose(IReadOnlyList<TensorInfo> tensors)
    {
        bool isTied = !tensors.Any(tensor => tensor.Name == "output.weight");
        int valueCount = tensors.Count(tensor => GgufTensorNames.Categorise(tensor.Name) == TensorCategory.Value);
        var usedOverrides = new HashSet<TypeOverride>(ReferenceEqualityComparer.Instance);
        var choices = new TensorChoice[tensors.Count];
        int valueIndex = 0;
        int downIndex = 0;

        // Rules count layers in llama.cpp's order of tensors, not in the order of the file.
        foreach (int i in Enumerable.Range(0, tensors.Count).OrderBy(i => tensors[i].Name, Comparer<string>.Create(GgufTensorNames.Compare)))
        {
            TensorInfo tensor = tensors[i];
            if (!GgufTensorNames.MayQuantize(tensor.Name, MatrixRank(tensor.Shape)))
            {
                choices[i] = new TensorChoice(tensor, tensor.Format, tensor.Format, ChoiceReason.Untouched);
                continue;
            }
            TensorCategory category = GgufTensorNames.Categorise(tensor.Name);
            var position = new MixturePosition(0, 0, model, hasImportance);
            if (category == TensorCategory.Value)
                position = position with { Layer = valueIndex++, LayerCount = valueCount };
            else if (category == TensorCategory.Down)
                position = position with { Layer = model.ExpertCount > 1 ? LayerInName(tensor.Name) : downIndex++, LayerCount = model.LayerCount };

            if (overrides.FirstOrDefault(o => o.Matches(tensor.Name)) is { } chosen)
            {
                usedOverrides.Add(chosen);
                choices[i] = Override(tensor, chosen);
                continue;
            }
            TensorFormat wanted = type.IsQuantized ? Wanted(tensor, category, position, isTied) : type.BaseFormat;
            TensorFormat target = Fallback(tensor, wanted);
            choices[i] = new TensorChoice(tensor, target, wanted, target == wanted ? ChoiceReason.Mixture : ChoiceReason.Fallback);
        }
        if (overrides.FirstOrDefault(o => !usedOverrides.Contains(o)) is { } unused)
        {
            throw new UsageException(
                $"--tensor-type {unused}: the pattern decides no tensor that can be quantized. Names look like {ExampleName(tensors)}; 'decant inspect --tensors' lists them.");
        }
        return choices;
    }

    /// <summary>Refuses a file type whose base format is no use without importance values where those are missing.</summary>
    /// <param name="choices">What <see cref="Choose"/> returned.</param>
    /// <param name="hasValues">Whether the importance matrix has values for a tensor's name.</param>
    /// <exception cref="UsageException">Values are missing.</exception>
    public void RequireImportance(IReadOnlyList<TensorChoice> choices, Func<string, bool> hasValues)
    {
        if (!type.BaseNeedsImportance)
            return;
        TensorChoice? missing = choices.FirstOrDefault(choice =>
            choice.Target == type.BaseFormat
            && !choice.IsCopy
            && choice.Reason != ChoiceReason.Override
            && GgufTensorNames.Categorise(choice.Source.Name) is not (TensorCategory.TokenEmbedding or TensorCategory.Output)
            && !hasValues(choice.Source.Name));
        if (missing is not null)
        {
            throw new UsageException(hasImportance
                ? $"{type} needs importance values for every matrix, but the importance matrix has none for {missing.Source.Name}. Was it made from this model?"
                : $"{type} needs an importance matrix ({missing.Source.Name} becomes {missing.Target}). Make one with 'decant imatrix' and pass it with --imatrix.");
        }
    }

    private TensorFormat Wanted(TensorInfo tensor, TensorCategory category, MixturePosition position, bool isTied)
    {
        bool isExpertType = type.Name == "MXFP4_MOE";
        if (category == TensorCategory.Output || (isTied && category == TensorCategory.TokenEmbedding))
        {
            bool eight = isExpertType || model.IsFalcon || !type.BaseFormat.CanHoldRow(tensor.Shape.RowLength) || type.BaseFormatName == "Q8_0";
            return FileType.Resolve(eight ? "Q8_0" : "Q6_K");
        }
        if (isExpertType)
        {
            bool isExperts = tensor.Shape.Rank >= 3 && tensor.Shape[tensor.Shape.Rank - 3] > 1;
            return FileType.Resolve(isExperts ? "MXFP4" : "Q8_0");
        }
        MixtureRule? rule = type.Rules.FirstOrDefault(r => r.Category == category && r.When(position));
        string name = rule?.Format ?? type.BaseFormatName;
        if (category == TensorCategory.Value && model.IsSeventyBillion && name is "Q3_K" or "Q4_K")
            name = "Q5_K";
        // With eight experts keys and values are a small part of the model, and rounding them costs much.
        if (category is TensorCategory.Value or TensorCategory.Key && model.ExpertCount == 8)
            name = "Q8_0";
        return FileType.Resolve(name);
    }

    private static TensorFormat Fallback(TensorInfo tensor, TensorFormat wanted)
    {
        long rowLength = tensor.Shape.RowLength;
        if (wanted.CanHoldRow(rowLength))
            return wanted;
        TensorFormat smaller = fallbacks.TryGetValue(wanted.Name, out string? name) ? FileType.Resolve(name) : wanted;
        return smaller.CanHoldRow(rowLength) ? smaller : FileType.Resolve("F16");
    }

    private static TensorChoice Override(TensorInfo tensor, TypeOverride chosen)
    {
        if (!chosen.Format.CanHoldRow(tensor.Shape.RowLength))
        {
            throw new UsageException(
                $"--tensor-type {chosen}: {tensor.Name} has rows of {tensor.Shape.RowLength}, no multiple of {chosen.Format}'s {chosen.Format.BlockLength}. "
                + $"Choose a type with smaller blocks ({Fallback(tensor, chosen.Format)} would do).");
        }
        return new TensorChoice(tensor, chosen.Format, chosen.Format, ChoiceReason.Override);
    }

    private int LayerInName(string name)
    {
        int? layer = GgufTensorNames.Layer(name);
        if (layer is null || layer >= model.LayerCount)
            throw new BadFileException($"{name}: expected blk.N with N below the model's {model.LayerCount} blocks. The file's block_count does not fit its tensors.");
        return layer.Value;
    }

    /// <summary>Dimensions without leading ones, as ggml counts them: a matrix of one row counts as a vector.</summary>
    private static int MatrixRank(TensorShape shape)
    {
        int rank = shape.Rank;
        while (rank > 1 && shape[shape.Rank - rank] == 1)
            rank--;
        return rank;
    }

    private static string ExampleName(IReadOnlyList<TensorInfo> tensors) =>
        tensors.Select(t => t.Name).LastOrDefault(n => GgufTensorNames.Categorise(n) == TensorCategory.Down) ?? "blk.0.ffn_down.weight";
}
