using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// Reorders the rows of query and key projections, their biases and norms, between the two rotary pairings. Within a head, pair i is
/// (i, i + rotary/2) in one order and (2i, 2i + 1) in the other; rows past the rotated ones stay. A view: nothing is copied.
/// </summary>
internal static class RotaryRows
{
    /// <summary>The tensor with its rows in the order of <paramref name="target"/>; itself if nothing changes.</summary>
    public static TensorData Reorder(TensorId id, TensorData data, AttentionSpec attention, RopePairing target)
    {
        if (attention.Rope is not { } rope || rope.Pairing == target
            || id.Role is not (TensorRole.Query or TensorRole.Key or TensorRole.QueryNorm or TensorRole.KeyNorm or TensorRole.KeyValueDown))
            return data;
        // The one rotated part of latent attention's keys lies behind their narrow vector.
        (int headSize, int first) = id.Role == TensorRole.KeyValueDown
            ? (attention.Latent!.KeyValueRank + rope.RotaryCount, attention.Latent.KeyValueRank)
            : (attention.HeadSize, rope.FirstElement);
        int half = rope.RotaryCount / 2;
        long Source(long row)
        {
            (long head, long within) = Math.DivRem(row, headSize);
            within -= first;
            if (within < 0 || within >= rope.RotaryCount)
                return row;
            long source = target == RopePairing.Interleaved
                ? within / 2 + within % 2 * half
                : within % half * 2 + within / half;
            return head * headSize + first + source;
        }
        bool matrix = id.Role is TensorRole.Query or TensorRole.Key or TensorRole.KeyValueDown && id.Part == TensorPart.Weight;
        if (matrix)
            return new RowSelectionTensor(data.Info.Name, data.Info.Shape, data, Source);
        TensorData column = TensorComposition.AsColumn(data);
        return new ReshapedTensor(data.Info.Name, data.Info.Shape, new RowSelectionTensor(data.Info.Name, column.Info.Shape, column, Source));
    }

    /// <summary>The spec with its rotary pairing replaced.</summary>
    public static DecoderSpec WithPairing(DecoderSpec spec, RopePairing pairing) => spec with
    {
        Layers =
        [
            .. spec.Layers.Select(layer => layer.Attention.Rope is { } rope
                ? layer with { Attention = layer.Attention with { Rope = rope with { Pairing = pairing } } }
                : layer),
        ],
    };

    /// <summary>All tensors with rows in the order of <paramref name="pairing"/>.</summary>
    public static Dictionary<TensorId, TensorData> Reorder(DecoderModel model, RopePairing pairing)
    {
        var tensors = new Dictionary<TensorId, TensorData>(model.Tensors.Count);
        foreach ((TensorId id, TensorData data) in model.Tensors)
            tensors.Add(id, id.Layer is { } layer ? Reorder(id, data, model.Spec.Layers[layer].Attention, pairing) : data);
        return tensors;
    }
}
