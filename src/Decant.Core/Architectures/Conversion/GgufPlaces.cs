using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>Where a canonical matrix lies in a GGUF file.</summary>
/// <param name="Name">The stored tensor.</param>
/// <param name="Matrix">Which of its stacked matrices, from 0; 0 where rows are fused or nothing is stacked.</param>
/// <param name="MatrixCount">How many are stacked.</param>
public readonly record struct GgufPlace(string Name, int Matrix, int MatrixCount);

/// <summary>Finds the GGUF names of a model's matrices, whatever container it is read from.</summary>
public static class GgufPlaces
{
    /// <summary>
    /// The place of every canonical weight: in the file itself if the model is GGUF, else where <see cref="GgufExport"/> would put it. Weights that
    /// GGUF has no name for are left out; those of families without an architecture in GGUF are named as <see cref="GgufTensor"/> names them.
    /// </summary>
    public static IReadOnlyDictionary<TensorId, GgufPlace> Of(Model model)
    {
        TensorLayout layout = ArchitectureRegistry.FindByName(model.ArchitectureName)!.GgufLayoutOf(model.Spec);
        if (layout.Mappings.IsEmpty)
        {
            return GgufTensor.ListOf(model).Where(tensor => tensor.IsMatrix)
                .SelectMany(tensor => tensor.Parts.Select((id, i) => (id, new GgufPlace(tensor.Info.Name, id.Expert is null ? 0 : i, id.Expert is null ? 1 : tensor.Parts.Count))))
                .ToDictionary();
        }
        var places = new Dictionary<TensorId, GgufPlace>();
        if (model.Source.Gguf is null)
        {
            foreach (TensorId id in model.Tensors.Keys)
            {
                if (id.Part == TensorPart.Weight && layout.LineOf(id) is { } mapping)
                    Add(places, mapping.NameOf("", id.Layer, id.Expert, TensorPart.Weight), mapping, id, model.Spec);
            }
            return places;
        }
        foreach (TensorData stored in model.Source.Tensors)
        {
            if (layout.Find(stored.Info.Name) is not { Part: TensorPart.Weight } place)
                continue;
            foreach (TensorId id in place.Mapping.Ids(place.Layer, place.Expert, TensorPart.Weight, ExpertCount(model.Spec, place.Layer)))
                Add(places, stored.Info.Name, place.Mapping, id, model.Spec);
        }
        return places;
    }

    private static void Add(Dictionary<TensorId, GgufPlace> places, string name, TensorMapping mapping, TensorId id, ModelSpec spec)
    {
        // The columns of a transposed matrix are no inputs.
        if (mapping.GroupForm == RowGroupForm.TransposedMatrices)
            return;
        places.TryAdd(id, mapping.StacksExperts ? new GgufPlace(name, id.Expert ?? 0, ExpertCount(spec, id.Layer)) : new GgufPlace(name, 0, 1));
    }

    internal static int ExpertCount(ModelSpec spec, int? layer) =>
        layer is { } index && index < spec.LayerCountOf(StackKind.Main) ? Math.Max(spec.ExpertCountOf(index), 1) : 1;
}
