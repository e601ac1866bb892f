using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// A family of models: how its config keys and tensor names map to a spec and canonical tensors, and back.
/// One file per family, one line in <see cref="ArchitectureRegistry"/>; nothing else in the program knows a family's name.
/// </summary>
public abstract class Architecture
{
    private protected Architecture()
    {
    }

    /// <summary>The registered name.</summary>
    public abstract string Name { get; }

    /// <summary>What its models are, for people: decoder, encoder.</summary>
    public abstract string Kind { get; }

    /// <summary>The <c>model_type</c> values of config.json that belong to the family.</summary>
    public abstract ImmutableArray<string> ModelTypes { get; }

    /// <summary>The <c>general.architecture</c> of its GGUF files, or null if GGUF has none.</summary>
    public virtual string? GgufName => null;

    /// <summary>How config.json spells the keys that state sizes.</summary>
    internal virtual ConfigKeys Keys => ConfigKeys.Usual;

    /// <summary>The config.json key that counts the blocks of a stack, for messages.</summary>
    internal virtual string LayersKeyOf(StackKind stack) => Keys.Layers;

    /// <summary>The GGUF key that counts the blocks of a stack, without the architecture's prefix, for messages.</summary>
    internal virtual string GgufLayersKeyOf(StackKind stack) => "block_count";

    /// <summary>The GGUF key that states the length of an axis, without the architecture's prefix, for messages.</summary>
    internal virtual string GgufKeyOf(ModelAxis axis) => GgufAxisKeys.Of(axis);

    /// <summary>Refuses configs of another form of model under the same <c>model_type</c>.</summary>
    internal virtual void RequireForm(ConfigReader config)
    {
        config.RequireOff("is_encoder_decoder");
        config.RequireOff("add_cross_attention");
        config.RequireOff("tie_encoder_decoder");
    }

    /// <summary>Names of tensors in Hugging Face checkpoints of this spec.</summary>
    internal abstract TensorLayout HuggingFaceLayoutOf(ModelSpec spec);

    /// <summary>Names of tensors in GGUF files of this spec.</summary>
    internal abstract TensorLayout GgufLayoutOf(ModelSpec spec);

    /// <summary>Reads config.json, every key that matters.</summary>
    internal abstract ModelSpec ReadConfig(ConfigReader config);

    /// <summary>The config.json, in the spelling of transformers 5, that reads back as this spec. Sizes, not token ids.</summary>
    internal abstract JsonObject WriteConfig(ModelSpec spec);

    /// <summary>The spec with what stored tensors alone tell: whether a checkpoint has a head. Of what config.json says nothing is changed.</summary>
    internal virtual ModelSpec Complete(ModelSpec spec, IModelSource source) => spec;

    /// <summary>True if a config of one of the <see cref="ModelTypes"/> is of this family: encoder–decoders and their encoders alone have the same type.</summary>
    internal virtual bool ClaimsConfig(ConfigReader config) => true;

    /// <summary>
    /// True if a GGUF file of <see cref="GgufName"/> is of this family: several share one architecture there. Asked in the registry's order.
    /// </summary>
    internal virtual bool ClaimsGguf(GgufSpecReader file) => true;

    /// <summary>Reads the hyperparameters of a GGUF file.</summary>
    internal abstract ModelSpec ReadGguf(GgufSpecReader file);

    /// <summary>Writes a spec as the keys that llama.cpp's loader reads.</summary>
    /// <returns>What llama.cpp does otherwise with this model, in words.</returns>
    internal abstract List<string> WriteGguf(ModelSpec spec, GgufMetadata metadata);

    /// <summary>Adds metadata that follows from weights: what llama.cpp's files leave out of them.</summary>
    /// <returns>What was left out of the file, in words.</returns>
    internal virtual IEnumerable<string> AddGgufRemains(Model model, GgufMetadata metadata) => [];

    /// <summary>What the tensors of a GGUF file hold beyond the model, in words.</summary>
    /// <param name="spec">The spec as the file holds it.</param>
    /// <param name="written">Its tensors.</param>
    internal virtual IEnumerable<string> GgufAdditions(ModelSpec spec, IReadOnlyList<TensorData> written) => [];

    /// <summary>The spec as a GGUF file holds it: with its order of rows, without what it has no place for.</summary>
    internal virtual ModelSpec AsGguf(ModelSpec spec) => spec;

    /// <summary>What a canonical tensor is to the spec of <see cref="AsGguf"/>, which may hold it in another role.</summary>
    internal virtual TensorId GgufIdOf(ModelSpec spec, TensorId id) => id;

    /// <summary>The spec as a Hugging Face folder holds it.</summary>
    internal virtual ModelSpec AsHuggingFace(ModelSpec spec) => spec;

    /// <summary>The spec as the folder holds it that is made of this model.</summary>
    internal virtual ModelSpec AsHuggingFace(Model model) => AsHuggingFace(model.Spec);

    /// <summary>What a Hugging Face folder written from a model cannot have any more, in words, or null.</summary>
    internal virtual string? HuggingFaceLoss(ModelSpec spec) => null;

    /// <summary>The canonical tensors in the order of rows that GGUF files have, with tensors that follow from the spec.</summary>
    internal virtual Dictionary<TensorId, TensorData> GgufTensors(Model model) => new(model.Tensors);

    /// <summary>The canonical tensors in the order of rows that Hugging Face checkpoints have.</summary>
    internal virtual Dictionary<TensorId, TensorData> HuggingFaceTensors(Model model) => new(model.Tensors);

    /// <summary>The first difference between a spec and what a written file reads back as, in words, or null if they compute the same.</summary>
    internal abstract string? DifferenceOf(ModelSpec expected, ModelSpec got);

    /// <summary>A checkpoint of this family understood.</summary>
    internal abstract Model CreateModel(
        IModelSource source, ModelSpec spec, IReadOnlyDictionary<TensorId, TensorData> tensors, IReadOnlyList<string> notices, IReadOnlyList<string> unknownTensors);
}

/// <summary>A family of one kind of model.</summary>
/// <typeparam name="TSpec">The kind's spec.</typeparam>
public abstract class Architecture<TSpec> : Architecture
    where TSpec : ModelSpec
{
    private protected Architecture()
    {
    }

    /// <summary>Names of tensors in Hugging Face checkpoints.</summary>
    internal abstract TensorLayout HuggingFaceLayout { get; }

    /// <summary>Names of tensors in Hugging Face checkpoints of this spec, where they depend on it.</summary>
    internal virtual TensorLayout HuggingFaceLayoutOf(TSpec spec) => HuggingFaceLayout;

    /// <summary>Names of tensors in GGUF files.</summary>
    internal virtual TensorLayout GgufLayout => new([]);

    /// <summary>Names of tensors in GGUF files of this spec, where they depend on it.</summary>
    internal virtual TensorLayout GgufLayoutOf(TSpec spec) => GgufLayout;

    /// <summary>Reads config.json, every key that matters.</summary>
    internal abstract override TSpec ReadConfig(ConfigReader config);

    /// <summary>The config.json, in the spelling of transformers 5, that reads back as this spec. Sizes, not token ids.</summary>
    internal abstract JsonObject WriteConfig(TSpec spec);

    /// <summary>Reads the hyperparameters of a GGUF file.</summary>
    internal override TSpec ReadGguf(GgufSpecReader file) =>
        throw new NotSupportedModelException($"{file.Location}: {Name} models cannot be read from GGUF.");

    /// <summary>The first difference between two specs, in words, or null.</summary>
    internal virtual string? DifferenceOf(TSpec expected, TSpec got) => expected == got ? null : $"{expected} became {got}";

    internal sealed override TensorLayout HuggingFaceLayoutOf(ModelSpec spec) => HuggingFaceLayoutOf((TSpec)spec);

    internal sealed override TensorLayout GgufLayoutOf(ModelSpec spec) => GgufLayoutOf((TSpec)spec);

    internal override JsonObject WriteConfig(ModelSpec spec) => WriteConfig((TSpec)spec);

    internal sealed override string? DifferenceOf(ModelSpec expected, ModelSpec got) => DifferenceOf((TSpec)expected, (TSpec)got);

    internal override List<string> WriteGguf(ModelSpec spec, GgufMetadata metadata) =>
        throw new NotSupportedModelException($"GGUF has no architecture for {Name} models. Write a Hugging Face folder instead.");

    internal override Model CreateModel(
        IModelSource source, ModelSpec spec, IReadOnlyDictionary<TensorId, TensorData> tensors, IReadOnlyList<string> notices, IReadOnlyList<string> unknownTensors) =>
        new Model<TSpec>(source, Name, (TSpec)spec, tensors, notices, unknownTensors);
}
