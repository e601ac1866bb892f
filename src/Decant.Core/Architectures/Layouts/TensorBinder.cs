using System.Buffers;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Layouts;

/// <summary>
/// Finds a spec's canonical tensors among the stored ones of a checkpoint, by a family's layout. What the spec calls for must be there
/// with the shape it says; what is there must be called for, except tensors known to be no weights and tensors nobody knows, which are
/// reported.
/// </summary>
internal sealed class TensorBinder
{
    private const int NamesShown = 3;

    private readonly IModelSource source;
    private readonly ModelSpec spec;
    private readonly TensorLayout layout;
    private readonly Func<ModelAxis, string> keyOf;
    private readonly Func<StackKind, string> layersKeyOf;
    private readonly Dictionary<TensorId, ModelTensor> wanted;
    private readonly Dictionary<TensorId, TensorData> bound = [];
    private readonly Dictionary<TensorId, string> storedAs = [];
    private readonly List<string> leftOut = [];
    private readonly List<string> unusedHeads = [];
    private readonly List<string> duplicates = [];
    private TensorData? tiedHead;

    /// <summary>Prepares to bind.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="spec">What its config says.</param>
    /// <param name="layout">How the family names tensors there.</param>
    /// <param name="keyOf">The config keys that determine an axis, for messages.</param>
    /// <param name="layersKeyOf">The config key that counts blocks of a stack, for messages.</param>
    public TensorBinder(IModelSource source, ModelSpec spec, TensorLayout layout, Func<ModelAxis, string> keyOf, Func<StackKind, string> layersKeyOf)
    {
        this.source = source;
        this.spec = spec;
        this.layout = layout;
        this.keyOf = keyOf;
        this.layersKeyOf = layersKeyOf;
        IReadOnlyList<ModelTensor> list = spec.ListTensors();
        wanted = new(list.Count);
        foreach (ModelTensor tensor in list)
            wanted.Add(tensor.Id, tensor);
        AddRotaryTensors();
    }

    /// <summary>The canonical tensors.</summary>
    public IReadOnlyDictionary<TensorId, TensorData> Tensors => bound;

    /// <summary>What was left out, in words.</summary>
    public List<string> Notices { get; } = [];

    /// <summary>Stored tensors that no line of the layout knows.</summary>
    public List<string> Unknown { get; } = [];

    /// <summary>Binds all tensors.</summary>
    /// <exception cref="BadFileException">A tensor is missing, has another shape or type, is there twice, or contradicts the config.</exception>
    public void Bind()
    {
        foreach (TensorData stored in source.Tensors)
        {
            string name = stored.Info.Name;
            if (layout.Find(name) is { } place)
                BindOne(stored, place);
            else if (layout.IsLeftOut(name))
                leftOut.Add(name);
            else if (layout.IsOfUnusedHead(name))
                unusedHeads.Add(name);
            else
                Unknown.Add(name);
        }
        foreach (ModelTensor tensor in wanted.Values)
        {
            if (!bound.ContainsKey(tensor.Id) && !IsOptional(tensor.Id))
                throw Missing(tensor);
        }
        if (tiedHead is not null)
            LeaveOut(tiedHead);
        if (leftOut.Count > 0)
            Notices.Add($"left out {Names(leftOut)}: no weights, only tables that older programs stored along");
        if (unusedHeads.Count > 0)
            Notices.Add($"left out {Names(unusedHeads)}: heads for tasks of pre-training, which Decant does not run");
        if (duplicates.Count > 0)
            Notices.Add($"left out {Names(duplicates)}: stored already under another name");
        if (Unknown.Count > 0)
            Notices.Add($"ignored {Names(Unknown)}: unknown in this kind of model");
    }

    private static bool IsOptional(TensorId id) =>
        id.Role is TensorRole.RopeFrequencyDivisors or TensorRole.RopeShortFactors or TensorRole.RopeLongFactors;

    private void AddRotaryTensors()
    {
        if (spec.RotaryFrequencyCount is not { } frequencies)
            return;
        foreach (TensorRole role in (ReadOnlySpan<TensorRole>)[TensorRole.RopeFrequencyDivisors, TensorRole.RopeShortFactors, TensorRole.RopeLongFactors])
            wanted.Add(new(role), new ModelTensor(new(role), [ModelAxis.RotaryFrequencies], new TensorShape(frequencies)));
    }

    private void BindOne(TensorData stored, TensorLayout.Place place)
    {
        string name = stored.Info.Name;
        StackKind stack = place.Mapping.Stack;
        if (place.Layer is { } layer && layer >= spec.LayerCountOf(stack))
        {
            string enough = layer == TensorLayout.BeyondGroup ? "more" : $"at least {layer + 1}";
            throw BadFileException.Expected(source.Location, layersKeyOf(stack), $"{enough}, for there is a tensor {name}", $"{spec.LayerCountOf(stack)}");
        }
        int expertCount = place.Layer is { } index && stack == StackKind.Main ? spec.ExpertCountOf(index) : 0;
        if (place.Expert is { } expert && expertCount > 0 && expert >= expertCount)
            throw BadFileException.Expected(source.Location, keyOf(ModelAxis.Experts), $"at least {expert + 1}, for there is a tensor {name}", $"{expertCount}");

        var parts = new List<ModelTensor>();
        foreach (TensorId id in place.Mapping.Ids(place.Layer, place.Expert, place.Part, expertCount))
        {
            if (wanted.TryGetValue(id, out ModelTensor? part))
                parts.Add(part);
            else if (IsTiedHead(id))
            {
                tiedHead = stored;
                return;
            }
            else
                throw Contradicting(name, id);
        }
        if (parts.Count == 0)
            throw Contradicting(name, new(place.Mapping.Roles[0], place.Layer, Stack: stack));
        int groups = place.Mapping.GroupsOf(spec, place.Layer);
        Check(stored, place.Mapping, parts, groups);
        TensorData[] views = TensorComposition.Split(place.Mapping, stored, parts, groups);
        for (int i = 0; i < views.Length; i++)
        {
            if (bound.TryAdd(parts[i].Id, views[i]))
                storedAs.Add(parts[i].Id, name);
            else if (storedAs[parts[i].Id] != name && HaveEqualBytes(bound[parts[i].Id], views[i]))
                duplicates.Add(name);
            else
                throw new BadFileException($"{source.Location}: {parts[i].Id} is stored twice: as {storedAs[parts[i].Id]} and as {name}.");
        }
    }

    private void Check(TensorData stored, TensorMapping mapping, List<ModelTensor> parts, int groups)
    {
        TensorInfo info = stored.Info;
        TensorShape expected = TensorComposition.StoredShape(mapping, parts, groups);
        if (info.Shape != expected && !IsSameInGguf(info.Shape, expected))
        {
            string of = parts.Count == 1 ? "" : mapping.StacksExperts ? $" {parts.Count} tensors of which the first has" : " the sum of";
            throw BadFileException.Expected(
                source.Location, $"tensor {info.Name}", $"shape {expected} for{of} {AxesOf(mapping, parts)}", $"{info.Shape}", "The config and the weights do not belong together.");
        }
        bool isNumber = info.Format is not (I8Format or I16Format or I32Format or I64Format or U8Format or BoolFormat);
        if (!isNumber)
            throw BadFileException.Expected(source.Location, $"tensor {info.Name}", "a floating-point or quantized type", info.Format.Name);
        bool needsElements = mapping.Transposed || mapping.Elements is not null || expected.RowLength != parts[0].Shape.RowLength || (parts.Count > 1 && parts[0].Shape.Rank == 1);
        if (needsElements && info.Format.IsBlockFormat)
            throw BadFileException.Expected(source.Location, $"tensor {info.Name}", "a type without blocks (F32, F16, BF16)", info.Format.Name);
    }

    /// <summary>True if a GGUF file may state either: llama.cpp's quantizer leaves out the ones in front.</summary>
    private bool IsSameInGguf(TensorShape stored, TensorShape expected) =>
        source.Gguf is not null && stored.Rank < expected.Rank && stored.ElementCount == expected.ElementCount
        && expected.Dimensions.AsSpan().EndsWith(stored.Dimensions.AsSpan());

    /// <summary>The keys that state a stored tensor's lengths, with their values; of fused rows every part's.</summary>
    private string AxesOf(TensorMapping mapping, List<ModelTensor> parts)
    {
        string Axis(ModelTensor part, int axis) => $"{keyOf(part.Axes[axis])} {part.Shape[axis]}";
        string first = mapping.StacksExperts ? Axis(parts[0], 0) : string.Join(" + ", parts.Select(part => Axis(part, 0)));
        return string.Join(", ", Enumerable.Range(1, parts[0].Axes.Length - 1).Select(axis => Axis(parts[0], axis)).Prepend(first));
    }

    private bool IsTiedHead(TensorId id) => spec.HeadIsTied && id == new TensorId(TensorRole.Head);

    private void LeaveOut(TensorData head)
    {
        TensorData embedding = bound[new TensorId(TensorRole.TokenEmbedding)];
        if (!HaveEqualBytes(head, embedding))
            throw new BadFileException(
                $"{source.Location}: tie_word_embeddings: expected false, for {head.Info.Name} differs from {embedding.Info.Name}, got true. Set the key to what the model was trained with.");
        Notices.Add($"left out {head.Info.Name}: the head is tied to the embedding, which is stored already");
    }

    private static bool HaveEqualBytes(TensorData first, TensorData second)
    {
        if (first.Info.Shape != second.Info.Shape || first.Info.Format != second.Info.Format)
            return false;
        int rowByteCount = checked((int)first.Info.RowByteCount);
        byte[] firstRow = ArrayPool<byte>.Shared.Rent(Math.Max(rowByteCount, 1)), secondRow = ArrayPool<byte>.Shared.Rent(Math.Max(rowByteCount, 1));
        bool equal = true;
        for (long row = 0; equal && row < first.Info.Shape.RowCount; row++)
        {
            first.CopyRows(row, 1, firstRow.AsSpan(0, rowByteCount));
            second.CopyRows(row, 1, secondRow.AsSpan(0, rowByteCount));
            equal = firstRow.AsSpan(0, rowByteCount).SequenceEqual(secondRow.AsSpan(0, rowByteCount));
        }
        ArrayPool<byte>.Shared.Return(firstRow);
        ArrayPool<byte>.Shared.Return(secondRow);
        return equal;
    }

    private BadFileException Contradicting(string name, TensorId id) =>
        BadFileException.Expected(source.Location, $"tensor {name}", $"no such tensor, for the config describes a model without {id}", "it is there");

    private BadFileException Missing(ModelTensor tensor)
    {
        int? layer = tensor.Id.Layer;
        StackKind stack = tensor.Id.Stack;
        bool blocksEnd = layer is > 0 && !bound.Keys.Any(id => id.Layer >= layer && id.Stack == stack);
        if (blocksEnd)
        {
            int layers = bound.Keys.Where(id => id.Stack == stack).Max(id => id.Layer ?? -1) + 1;
            return BadFileException.Expected(source.Location, layersKeyOf(stack), $"{layers}, for the tensors are of so many blocks", $"{spec.LayerCountOf(stack)}");
        }
        string name = StoredName(tensor.Id) ?? tensor.Id.ToString();
        string hint = tensor.Id.Role == TensorRole.Head
            ? "The config says that the head is not tied to the embedding (tie_word_embeddings)."
            : "Is the download complete?";
        return BadFileException.Expected(source.Location, $"tensor {name}", $"shape {tensor.Shape}", "no such tensor", hint);
    }

    private string? StoredName(TensorId id)
    {
        TensorMapping? mapping = layout.Mappings.FirstOrDefault(m => m.Stack == id.Stack && m.Roles.Contains(id.Role) && (m.StacksExperts || m.IsPerExpert) == (id.Expert is not null));
        return mapping?.NameOf(layout.Prefixes[0], id.Layer, id.Expert, id.Part);
    }

    private static string Names(List<string> names) =>
        string.Join(", ", names.Take(NamesShown)) + (names.Count > NamesShown ? $" and {names.Count - NamesShown} more" : "");
}
