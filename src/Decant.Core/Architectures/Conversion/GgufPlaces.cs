using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>Where a canonical matrix lies in a GGUF file.</summary>
/// <param name="Name">The stored tensor.</param>
/// <param name="Matrix">Which of its stacked matrices, from 0; 0 where rows are fused or nothing is stacked.</param>
/// <param name="MatrixCount">How many are stacked.</param>
/// <param name="ColumnCount">The columns of a stored matrix; where there are more than the canonical one has, those behind belong to inputs that are zero.</param>
public readonly record struct GgufPlace(string Name, int Matrix, int MatrixCount, int ColumnCount);

/// <summary>Finds the GGUF names of a model's matrices, whatever container it is read from.</summary>
public static class GgufPlaces
{
    /// <summary>
    /// The place of every canonical weight: in the file itself if the model is GGUF, else where <see cref="GgufExport"/> would put it. Weights that
    /// GGUF has no name for are left out; those of families without an architecture in GGUF are named as <see cref="GgufTensor"/> names them.
    /// </summary>
    public static IReadOnlyDictionary<TensorId, GgufPlace> Of(Model model)
    {
        Architecture architecture = ArchitectureRegistry.FindByName(model.ArchitectureName)!;
        TensorLayout layout = architecture.GgufLayoutOf(model.Spec);
        if (layout.Mappings.IsEmpty)
        {
            return GgufTensor.ListOf(model).Where(tensor => tensor.IsMatrix)
                .SelectMany(tensor => tensor.Parts.Select((id, i) =>
                    (id, new GgufPlace(tensor.Info.Name, id.Expert is null ? 0 : i, id.Expert is null ? 1 : tensor.Parts.Count, (int)tensor.Info.Shape.RowLength))))
                .ToDictionary();
        }
        var places = new Dictionary<TensorId, GgufPlace>();
        foreach ((TensorId id, string name, TensorMapping mapping, long columnCount) in model.Source.Gguf is null ? InExport(model, architecture, layout) : InFile(model, layout))
        {
            // The columns of a transposed matrix are no inputs.
            if (id.Part != TensorPart.Weight || mapping.GroupForm == RowGroupForm.TransposedMatrices)
                continue;
            places.TryAdd(id, mapping.StacksExperts
                ? new GgufPlace(name, id.Expert ?? 0, ExpertCount(model.Spec, id.Layer), (int)columnCount)
                : new GgufPlace(name, 0, 1, (int)columnCount));
        }
        return places;
    }

    /// <summary>The canonical tensors in the tensors of a file, in stored order; where a file holds one twice, twice.</summary>
    internal static IEnumerable<(TensorId Id, string Name, TensorMapping Mapping, long ColumnCount)> InFile(Model model, TensorLayout layout) =>
        from stored in model.Source.Tensors
        let place = layout.Find(stored.Info.Name)
        where place is not null
        from id in place.Value.Mapping.Ids(place.Value.Layer, place.Value.Expert, place.Value.Part, ExpertCount(model.Spec, place.Value.Layer))
        select (id, stored.Info.Name, place.Value.Mapping, stored.Info.Shape.RowLength);

    private static IEnumerable<(TensorId Id, string Name, TensorMapping Mapping, long ColumnCount)> InExport(Model model, Architecture architecture, TensorLayout layout)
    {
        Dictionary<TensorId, TensorShape> shapes = architecture.AsGguf(model.Spec).ListTensors().ToDictionary(tensor => tensor.Id, tensor => tensor.Shape);
        foreach ((TensorId id, TensorData data) in model.Tensors)
        {
            TensorId exported = architecture.GgufIdOf(model.Spec, id);
            if (layout.LineOf(exported) is { } mapping)
                yield return (id, mapping.NameOf("", exported.Layer, exported.Expert, exported.Part), mapping, shapes.GetValueOrDefault(exported, data.Info.Shape).RowLength);
        }
    }

    private static int ExpertCount(ModelSpec spec, int? layer) =>
        layer is { } index && index < spec.LayerCountOf(StackKind.Main) ? Math.Max(spec.ExpertCountOf(index), 1) : 1;
}
