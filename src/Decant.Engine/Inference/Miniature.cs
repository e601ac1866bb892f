using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Engine.Inference;

/// <summary>
/// A model of the same make as another and of next to no size: the same kinds of blocks, formats, norms, rotations and activations, so that running it runs
/// the same code; a block of each kind, narrow, a few tokens long, every stored byte zero. The other's weights are not read.
/// </summary>
internal static class Miniature
{
    /// <summary>The longest text it takes.</summary>
    public const int ContextLength = 128;

    // A whole block of every format.
    private const int Width = 256;

    private const int MostExperts = 2;

    /// <summary>Makes it.</summary>
    public static DecoderModel Of(DecoderModel model)
    {
        List<int> kinds = KindsOfBlocks(model);
        DecoderSpec spec = model.Spec with
        {
            VocabularySize = Width,
            HiddenSize = Width,
            ContextLength = ContextLength,
            Embedding = model.Spec.Embedding with { Width = model.Spec.Embedding.Width is null ? null : Width, LearnedPositionCount = model.Spec.Embedding.LearnedPositionCount is null ? null : ContextLength, LearnedPositionOffset = 0 },
            Layers = [.. kinds.Select(kind => Narrowed(model.Spec.Layers[kind]))],
        };
        var infos = new List<(TensorId Id, TensorInfo Info)>();
        foreach (ModelTensor tensor in DecoderTensors.List(spec))
        {
            TensorId original = tensor.Id.Layer is { } layer ? tensor.Id with { Layer = kinds[layer] } : tensor.Id;
            if (model.Find(original) is { } data)
                infos.Add((tensor.Id, new TensorInfo(data.Info.Name, tensor.Shape, data.Info.Format)));
        }
        byte[] zeros = new byte[infos.Count == 0 ? 0 : infos.Max(tensor => tensor.Info.ByteCount)];
        var tensors = new Dictionary<TensorId, TensorData>(infos.Count);
        foreach ((TensorId id, TensorInfo info) in infos)
            tensors.Add(id, new ZeroTensor(info, zeros));
        return new DecoderModel(model.Source, model.ArchitectureName, spec, tensors);
    }

    /// <summary>The first block, and every later one that has a spec or a format for one of its matrices that no block before it has.</summary>
    private static List<int> KindsOfBlocks(DecoderModel model)
    {
        var kinds = new List<int>();
        var formats = new HashSet<TensorFormat>[model.Spec.Layers.Length];
        foreach ((TensorId id, TensorData data) in model.Tensors)
        {
            if (id.Layer is { } layer && layer < formats.Length)
                (formats[layer] ??= []).Add(data.Info.Format);
        }
        var seen = new HashSet<TensorFormat>();
        for (int layer = 0; layer < formats.Length; layer++)
        {
            bool isNew = !kinds.Any(kind => model.Spec.Layers[kind] == model.Spec.Layers[layer]);
            foreach (TensorFormat format in formats[layer] ?? [])
                isNew |= seen.Add(format);
            if (isNew)
                kinds.Add(layer);
        }
        return kinds;
    }

    /// <summary>The block with as few heads as fill whole blocks of every format; heads keep their size and share keys as before.</summary>
    private static LayerSpec Narrowed(LayerSpec layer)
    {
        AttentionSpec attention = layer.Attention;
        int groupSize = attention.HeadCount / attention.KeyValueHeadCount;
        int keyHeads = 1;
        while (groupSize * keyHeads * attention.ValueSize % Width != 0)
            keyHeads++;
        ExpertsSpec? experts = layer.FeedForward.Experts is { } all
            ? all with { Count = Math.Min(all.Count, MostExperts), UsedCount = Math.Min(all.UsedCount, MostExperts), Groups = null, Shared = all.Shared is { } shared ? shared with { Width = Width } : null }
            : null;
        LatentAttentionSpec? latent = attention.Latent is { } narrow ? narrow with { QueryRank = narrow.QueryRank is null ? null : Width, KeyValueRank = Width } : null;
        return layer with
        {
            Attention = attention with { HeadCount = groupSize * keyHeads, KeyValueHeadCount = keyHeads, Latent = latent },
            FeedForward = layer.FeedForward with { Width = Width, Experts = experts },
        };
    }

    /// <summary>A tensor whose bytes are zero; all share them.</summary>
    private sealed class ZeroTensor(TensorInfo info, byte[] zeros) : TensorData(info)
    {
        public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
        {
            rows = zeros.AsSpan(0, checked((int)(rowCount * Info.RowByteCount)));
            return true;
        }
    }
}
