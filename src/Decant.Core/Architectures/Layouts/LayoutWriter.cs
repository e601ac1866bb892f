using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Layouts;

/// <summary>Composes the stored tensors of a container from canonical ones, in the layout's order.</summary>
internal static class LayoutWriter
{
    /// <summary>Chooses the format of a stored tensor from the canonical tensors in it.</summary>
    /// <param name="parts">What it holds.</param>
    /// <param name="data">Their data.</param>
    public delegate TensorFormat FormatChoice(IReadOnlyList<ModelTensor> parts, IReadOnlyList<TensorData> data);

    /// <summary>Composes all tensors of a spec.</summary>
    /// <param name="location">The checkpoint, for messages.</param>
    /// <param name="spec">The model.</param>
    /// <param name="layout">The container's names.</param>
    /// <param name="tensors">Canonical tensors: those the spec lists, and perhaps rotary factors.</param>
    /// <param name="format">Chooses formats.</param>
    /// <exception cref="NotSupportedModelException">The layout has no place for a tensor.</exception>
    public static List<TensorData> Write(
        string location, ModelSpec spec, TensorLayout layout, IReadOnlyDictionary<TensorId, TensorData> tensors, FormatChoice format)
    {
        var pending = new Dictionary<TensorId, ModelTensor>();
        foreach (ModelTensor tensor in spec.ListTensors())
            pending.Add(tensor.Id, tensor);
        foreach ((TensorId id, TensorData data) in tensors)
        {
            if (id.Role is TensorRole.RopeFrequencyDivisors or TensorRole.RopeShortFactors or TensorRole.RopeLongFactors)
                pending.TryAdd(id, new ModelTensor(id, [ModelAxis.RotaryFrequencies], data.Info.Shape));
        }

        var written = new List<TensorData>();
        var stacksWritten = new HashSet<StackKind>();
        foreach (TensorMapping mapping in layout.Mappings)
        {
            if (!mapping.IsPerLayer)
            {
                WriteModule(mapping, layer: null);
                continue;
            }
            if (!stacksWritten.Add(mapping.Stack))
                continue;
            for (int layer = 0; layer < spec.LayerCountOf(mapping.Stack); layer++)
            {
                foreach (TensorMapping perLayer in layout.Mappings)
                {
                    if (perLayer.IsPerLayer && perLayer.Stack == mapping.Stack)
                        WriteModule(perLayer, layer);
                }
            }
        }
        if (pending.Count > 0)
            throw new NotSupportedModelException($"{location}: this kind of file has no place for {pending.Keys.First()}.");
        return written;

        void WriteModule(TensorMapping mapping, int? layer)
        {
            int experts = layer is { } index && mapping.Stack == StackKind.Main ? spec.ExpertCountOf(index) : 0;
            for (int expert = 0; expert < (mapping.IsPerExpert ? experts : 1); expert++)
            {
                WriteTensor(mapping, layer, mapping.IsPerExpert ? expert : null, TensorPart.Weight, experts);
                WriteTensor(mapping, layer, mapping.IsPerExpert ? expert : null, TensorPart.Bias, experts);
            }
        }

        void WriteTensor(TensorMapping mapping, int? layer, int? expert, TensorPart part, int experts)
        {
            var parts = new List<ModelTensor>();
            var data = new List<TensorData>();
            foreach (TensorId id in mapping.Ids(layer, expert, part, experts))
            {
                if (!pending.TryGetValue(id, out ModelTensor? tensor) || !tensors.TryGetValue(id, out TensorData? found))
                    return;
                parts.Add(tensor);
                data.Add(found);
            }
            if (parts.Count == 0)
                return;
            foreach (ModelTensor tensor in parts)
                pending.Remove(tensor.Id);
            TensorFormat chosen = format(parts, mapping.Elements is { } functions ? [.. data.Select(d => ElementwiseTensor.Undo(d, functions) ?? d)] : data);
            // Parts of several formats cannot lie in one tensor.
            if (data.Any(d => d.Info.Format != data[0].Info.Format))
                data = [.. data.Select(d => RecodedTensor.Create(d.Info.Name, d, chosen))];
            string name = mapping.NameOf(layout.Prefixes[0], layer, expert, part);
            TensorData whole = TensorComposition.Compose(mapping, name, [.. parts.Zip(data)], mapping.GroupsOf(spec, layer));
            written.Add(RecodedTensor.Create(name, whole, chosen));
        }
    }
}
