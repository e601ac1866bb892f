using System.Globalization;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// A family of encoders. Which heads a checkpoint has, its tensors tell and its config does not: <see cref="Architecture.ReadConfig"/> gives all that the family
/// has, and <see cref="Complete"/> keeps those that are stored. GGUF has no place for heads of tokens, nor for a pooler without classes.
/// </summary>
public abstract class EncoderArchitecture : Architecture<EncoderSpec>
{
    /// <inheritdoc/>
    public sealed override string Kind => "encoder";

    /// <summary>The activation that models of this family have, which GGUF has no key for.</summary>
    internal virtual Activation GgufActivation => Activation.GeluErf;

    /// <summary>The same where it depends on the spec.</summary>
    internal virtual Activation GgufActivationOf(EncoderSpec spec) => GgufActivation;

    /// <summary>The offset of the table of positions in Hugging Face checkpoints of this spec.</summary>
    internal virtual int PositionOffsetOf(EncoderSpec spec) => 0;

    /// <inheritdoc/>
    internal override void RequireForm(ConfigReader config)
    {
        base.RequireForm(config);
        config.RequireOff("is_decoder");
    }

    internal sealed override EncoderSpec Complete(ModelSpec spec, IModelSource source)
    {
        var encoder = (EncoderSpec)spec;
        HashSet<TensorId> stored = [];
        foreach (TensorData tensor in source.Tensors)
        {
            if (HuggingFaceLayout.Find(tensor.Info.Name) is { Layer: null } place)
                stored.Add(new TensorId(place.Mapping.Roles[0], Part: place.Part));
        }
        bool classifies = stored.Contains(new(TensorRole.Classifier));
        bool ofTokens = classifies && NamedClass(source).EndsWith("ForTokenClassification", StringComparison.Ordinal);
        bool hasTokenHead = stored.Contains(new(TensorRole.HeadTransform)) && !(classifies && HeadsShareTransform);
        return encoder with
        {
            TokenHead = hasTokenHead && encoder.TokenHead is { } head ? head with { Bias = head.Bias && stored.Contains(new TensorId(TensorRole.Head).Bias) } : null,
            // A pooler that is stored beside classes of tokens is not theirs.
            Pooler = (stored.Contains(new(TensorRole.Pooler)) && !ofTokens) || (classifies && HeadsShareTransform) ? encoder.Pooler : null,
            ClassifiesTokens = ofTokens,
            ClassCount = classifies ? LabelCount(source) ?? ClassifierRows(source) : null,
        };
    }

    /// <summary>True if the token head's dense layer and that in front of the classifier have the same name (ModernBERT).</summary>
    internal virtual bool HeadsShareTransform => false;

    internal sealed override EncoderSpec AsGguf(ModelSpec spec)
    {
        var encoder = (EncoderSpec)spec;
        return encoder with
        {
            TokenHead = null,
            Pooler = encoder.ClassCount is null || encoder.ClassifiesTokens ? null : encoder.Pooler,
            ClassCount = encoder.ClassifiesTokens ? null : encoder.ClassCount,
            ClassifiesTokens = false,
            Embedding = encoder.Embedding with { LearnedPositionOffset = 0 },
        };
    }

    internal sealed override EncoderSpec AsHuggingFace(ModelSpec spec)
    {
        var encoder = (EncoderSpec)spec;
        return encoder with { Embedding = encoder.Embedding with { LearnedPositionOffset = PositionOffsetOf(encoder) } };
    }

    internal sealed override Dictionary<TensorId, TensorData> GgufTensors(Model model)
    {
        var encoder = (EncoderSpec)model.Spec;
        HashSet<TensorId> kept = [.. AsGguf(encoder).ListTensors().Select(tensor => tensor.Id)];
        var tensors = new Dictionary<TensorId, TensorData>();
        foreach ((TensorId id, TensorData data) in model.Tensors)
        {
            if (kept.Contains(id))
                tensors.Add(id, id.Role == TensorRole.PositionEmbedding ? WithoutRows(data, encoder.Embedding.LearnedPositionOffset) : data);
        }
        return tensors;
    }

    internal sealed override Dictionary<TensorId, TensorData> HuggingFaceTensors(Model model)
    {
        var encoder = (EncoderSpec)model.Spec;
        var tensors = new Dictionary<TensorId, TensorData>(model.Tensors);
        int missing = PositionOffsetOf(encoder) - encoder.Embedding.LearnedPositionOffset;
        if (missing > 0 && tensors.TryGetValue(new(TensorRole.PositionEmbedding), out TensorData? positions))
            tensors[new(TensorRole.PositionEmbedding)] = WithRows(model, positions, missing);
        return tensors;
    }

    internal sealed override IEnumerable<string> AddGgufRemains(Model model, GgufMetadata metadata)
    {
        var encoder = (EncoderSpec)model.Spec;
        if (encoder.Embedding.LearnedPositionOffset is > 0 and var offset && model.Find(new(TensorRole.PositionEmbedding)) is { } positions)
        {
            float[] rows = new float[checked(offset * (int)positions.Info.Shape.RowLength)];
            positions.ReadRows(0, offset, rows);
            metadata.Set(DecantKeys.PositionRows, GgufValue.From(rows));
        }
        if (encoder.ClassifiesTokens)
            yield return "left out the head for classes of tokens: GGUF has no place for it, so that only hidden states can be computed from the file";
        else if (encoder.ClassCount is { } classes)
            metadata.Set($"{GgufName}.classifier.output_labels", GgufValue.From(Labels(model.Source, classes)));
        if (encoder.TokenHead is not null)
            yield return "left out the head for masked language modelling: GGUF has no place for it, so that only hidden states can be computed from the file";
        if (encoder.Pooler is not null && encoder.ClassCount is null)
            yield return "left out the pooler: GGUF has a place for it only in front of a classifier";
    }

    internal sealed override string? DifferenceOf(EncoderSpec expected, EncoderSpec got) => SpecComparison.FirstDifference(expected, got);

    internal sealed override List<string> WriteGguf(ModelSpec spec, GgufMetadata metadata)
    {
        var notices = EncoderGguf.Write((EncoderSpec)spec, this, metadata);
        WriteGguf((EncoderSpec)spec, metadata, notices);
        return notices;
    }

    /// <summary>Adds or replaces metadata after the usual keys have been written from the spec.</summary>
    internal virtual void WriteGguf(EncoderSpec spec, GgufMetadata metadata, List<string> notices)
    {
    }

    internal sealed override EncoderModel CreateModel(
        IModelSource source, ModelSpec spec, IReadOnlyDictionary<TensorId, TensorData> tensors, IReadOnlyList<string> notices, IReadOnlyList<string> unknownTensors) =>
        new(source, Name, (EncoderSpec)spec, tensors, notices, unknownTensors);

    private static RowSelectionTensor WithoutRows(TensorData table, int count) => new(
        table.Info.Name, new TensorShape(table.Info.Shape.RowCount - count, table.Info.Shape.RowLength), table, count);

    private static StackedTensor WithRows(Model model, TensorData table, int count)
    {
        int length = checked((int)table.Info.Shape.RowLength);
        float[] rows = model.Source.Gguf?.FindSingles(DecantKeys.PositionRows) ?? new float[count * length];
        if (rows.Length != count * length)
            throw BadFileException.Expected(model.Source.Location, $"metadata key {DecantKeys.PositionRows}", $"{count} rows of {length} numbers", $"{rows.Length} numbers");
        TensorData first = RecodedTensor.Create(table.Info.Name, MemoryTensor.FromValues(table.Info.Name, new TensorShape(count, length), rows), table.Info.Format);
        return new StackedTensor(table.Info.Name, new TensorShape(count + table.Info.Shape.RowCount, length), [first, table]);
    }

    /// <summary>The first class that config.json names, or nothing.</summary>
    private static string NamedClass(IModelSource source) =>
        source.HuggingFace?.Config["architectures"] is JsonArray { Count: > 0 } names && names[0] is JsonValue value && value.TryGetValue(out string? name) ? name : "";

    /// <summary>How transformers calls the class of such a checkpoint, behind the family's name.</summary>
    internal static string ClassSuffix(EncoderSpec spec) => spec.ClassCount is null ? "Model" : spec.ClassifiesTokens ? "ForTokenClassification" : "ForSequenceClassification";

    /// <summary>Names without those of a pooler, whose tensors are left out with a notice.</summary>
    private protected static TensorLayout WithoutPooler(TensorLayout layout) => layout with
    {
        Mappings = [.. layout.Mappings.Where(mapping => mapping.Roles[0] != TensorRole.Pooler)],
        UnusedHeads = [.. layout.UnusedHeads, .. layout.Mappings.Where(mapping => mapping.Roles[0] == TensorRole.Pooler).SelectMany(mapping => layout.Prefixes.Select(prefix => mapping.NameOf(prefix, null, null, TensorPart.Weight)[..^".weight".Length]))],
    };

    private static int? LabelCount(IModelSource source) => source.HuggingFace?.Config is not { } config
        ? null
        : config["id2label"] is JsonObject { Count: > 0 } labels
            ? labels.Count
            : config["num_labels"] is JsonValue value && value.TryGetValue(out int count) && count > 0 ? count : null;

    private int ClassifierRows(IModelSource source)
    {
        TensorData classifier = source.Tensors.First(tensor => HuggingFaceLayout.Find(tensor.Info.Name) is { Part: TensorPart.Weight } place && place.Mapping.Roles[0] == TensorRole.Classifier);
        TensorShape shape = classifier.Info.Shape;
        return shape.Rank == 2 && shape[0] is > 0 and <= ConfigReader.MaximumCount
            ? (int)shape[0]
            : throw BadFileException.Expected(source.Location, $"tensor {classifier.Info.Name}", "a matrix [classes, hidden]", $"{shape}");
    }

    private static string[] Labels(IModelSource source, int classes)
    {
        var labels = source.HuggingFace?.Config["id2label"] as JsonObject;
        return [.. Enumerable.Range(0, classes).Select(i => i.ToString(CultureInfo.InvariantCulture)).Select(key => labels?[key] is JsonValue text && text.TryGetValue(out string? label) ? label : $"LABEL_{key}")];
    }
}
