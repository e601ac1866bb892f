using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// What a GGUF file would hold as one tensor: the unit that rules about types speak of. Known of every model, also of those that GGUF has no architecture for,
/// whatever container it is read from.
/// </summary>
/// <param name="Info">Its GGUF name (the usual one of its role where the model's architecture has no GGUF form, the stored one where GGUF has no name), its shape, and the format it is stored in now.</param>
/// <param name="Parts">The canonical tensors in it, in stored order: the experts of a stack, queries, keys and values of fused rows.</param>
/// <param name="IsMatrix">True if it is a matrix of products or an embedding; false for vectors, routers, tables and what a scan reads, which GGUF keeps as F32.</param>
public sealed record GgufTensor(TensorInfo Info, IReadOnlyList<TensorId> Parts, bool IsMatrix)
{
    /// <summary>The tensors of a model, in the order of its spec.</summary>
    public static IReadOnlyList<GgufTensor> ListOf(Model model)
    {
        Architecture architecture = ArchitectureRegistry.FindByName(model.ArchitectureName)!;
        TensorLayout layout = architecture.GgufLayoutOf(model.Spec);
        if (layout.Mappings.IsEmpty)
            layout = GgufNames.WithoutArchitecture;
        Dictionary<TensorId, string> stored = [];
        foreach ((TensorId id, string name, _, _) in model.Source.Gguf is null ? [] : GgufPlaces.InFile(model, layout))
            stored.TryAdd(id, name);
        var parts = new OrderedDictionary<string, List<ModelTensor>>(StringComparer.Ordinal);
        foreach (ModelTensor tensor in model.Spec.ListTensors())
        {
            if (model.Find(tensor.Id) is not { } data)
                continue;
            TensorId exported = architecture.GgufIdOf(model.Spec, tensor.Id);
            string name = stored.GetValueOrDefault(tensor.Id) ?? layout.LineOf(exported)?.NameOf("", exported.Layer, exported.Expert, exported.Part) ?? data.Info.Name;
            if (!parts.TryGetValue(name, out List<ModelTensor>? list))
                parts.Add(name, list = []);
            list.Add(tensor);
        }
        return [.. parts.Select(group => Of(model, group.Key, group.Value))];
    }

    private static GgufTensor Of(Model model, string name, List<ModelTensor> parts)
    {
        ModelTensor first = parts[0];
        TensorInfo info = model.Get(first.Id).Info;
        TensorShape shape = parts.Count == 1 ? info.Shape
            : first.Id.Expert is not null ? new TensorShape([parts.Count, .. info.Shape.Dimensions])
            : new TensorShape([parts.Sum(part => part.Shape[0]), .. info.Shape.Dimensions[1..]]);
        return new GgufTensor(
            new TensorInfo(name, shape, info.Format), [.. parts.Select(part => part.Id)], first.Id.Part == TensorPart.Weight && GgufExport.IsMatrix(first.Id.Role, info.Shape));
    }
}
