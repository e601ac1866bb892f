using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// A checkpoint understood: its source, its spec, and its tensors by canonical name. What the engine, compression and conversion read.
/// Does not own the source.
/// </summary>
public abstract class Model
{
    private protected Model(
        IModelSource source,
        string architectureName,
        IReadOnlyDictionary<TensorId, TensorData> tensors,
        IReadOnlyList<string>? notices,
        IReadOnlyList<string>? unknownTensors)
    {
        Source = source;
        ArchitectureName = architectureName;
        Tensors = tensors;
        Notices = notices ?? [];
        UnknownTensors = unknownTensors ?? [];
    }

    /// <summary>Where the tensors come from.</summary>
    public IModelSource Source { get; }

    /// <summary>The registered name of the family. Interpreters of <see cref="Spec"/> must not read it.</summary>
    public string ArchitectureName { get; }

    /// <summary>The model as data.</summary>
    public abstract ModelSpec Spec { get; }

    /// <summary>All canonical tensors that the checkpoint has.</summary>
    public IReadOnlyDictionary<TensorId, TensorData> Tensors { get; }

    /// <summary>What the user should know although the model can be used: tensors left out, a head stored twice.</summary>
    public IReadOnlyList<string> Notices { get; }

    /// <summary>Names of stored tensors that neither the spec nor the list of known leftovers accounts for. They are ignored, as transformers ignores them, and <see cref="Notices"/> says so.</summary>
    public IReadOnlyList<string> UnknownTensors { get; }

    /// <summary>A tensor that may be absent (biases, a tied head).</summary>
    public TensorData? Find(TensorId id) => Tensors.GetValueOrDefault(id);

    /// <summary>The same model with other values in the place of some of its tensors: what a method of compression hands on.</summary>
    /// <param name="replacements">Canonical tensors of this model, in the shapes they have.</param>
    /// <exception cref="ArgumentException">The model has no such tensor, or one of another shape.</exception>
    public Model With(IReadOnlyDictionary<TensorId, TensorData> replacements)
    {
        var tensors = new Dictionary<TensorId, TensorData>(Tensors);
        foreach ((TensorId id, TensorData data) in replacements)
        {
            if (Find(id)?.Info.Shape != data.Info.Shape)
                throw new ArgumentException($"{id}: {data.Info.Shape} cannot take the place of {Find(id)?.Info.Shape.ToString() ?? "nothing"}.", nameof(replacements));
            tensors[id] = data;
        }
        return ArchitectureRegistry.FindByName(ArchitectureName)!.CreateModel(Source, Spec, tensors, Notices, UnknownTensors);
    }

    /// <summary>A tensor that must be there.</summary>
    /// <exception cref="Errors.BadFileException">It is missing.</exception>
    public TensorData Get(TensorId id) => Find(id)
        ?? throw new Errors.BadFileException($"{Source.Location}: the {ArchitectureName} checkpoint has no tensor for {id}. Is the download complete?");
}

/// <summary>A checkpoint of one kind of model.</summary>
/// <typeparam name="TSpec">The kind's spec.</typeparam>
/// <param name="source">Where the tensors come from.</param>
/// <param name="architectureName">The registered name of the family, for reports and converters.</param>
/// <param name="spec">The model as data.</param>
/// <param name="tensors">Canonical tensors: matrices as [outputs, inputs], norms with their offset resolved, experts apart.</param>
/// <param name="notices">What the user should know although the model can be used.</param>
/// <param name="unknownTensors">Stored tensors that no part of the spec accounts for.</param>
public class Model<TSpec>(
    IModelSource source,
    string architectureName,
    TSpec spec,
    IReadOnlyDictionary<TensorId, TensorData> tensors,
    IReadOnlyList<string>? notices = null,
    IReadOnlyList<string>? unknownTensors = null) : Model(source, architectureName, tensors, notices, unknownTensors)
    where TSpec : ModelSpec
{
    /// <summary>The model as data.</summary>
    public override TSpec Spec { get; } = spec;
}
