using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>The canonical tensors of a reversible transformer, in the order of computation.</summary>
internal static class ReformerTensors
{
    /// <summary>Lists them.</summary>
    public static IReadOnlyList<ModelTensor> List(ReformerSpec spec)
    {
        var list = new TensorList();
        (ModelAxis, long) vocabulary = (ModelAxis.Vocabulary, spec.VocabularySize), hidden = (ModelAxis.Hidden, spec.HiddenSize);
        (ModelAxis, long) streams = (ModelAxis.TwoStreams, 2L * spec.HiddenSize);
        list.Add(new(TensorRole.TokenEmbedding), vocabulary, hidden);
        if (spec.AxialPositions is { } axial)
        {
            list.Add(new(TensorRole.RowPositions), (ModelAxis.RowPositions, axial.RowCount), (ModelAxis.RowPositionWidth, axial.RowWidth));
            list.Add(new(TensorRole.ColumnPositions), (ModelAxis.ColumnPositions, axial.ColumnCount), (ModelAxis.ColumnPositionWidth, axial.ColumnWidth));
        }
        else
        {
            list.Add(new(TensorRole.PositionEmbedding), (ModelAxis.Positions, spec.ContextLength), hidden);
        }
        for (int layer = 0; layer < spec.Layers.Length; layer++)
            AddLayer(list, layer, spec.Layers[layer], hidden);
        list.AddNorm(new(TensorRole.FinalNorm), spec.FinalNorm, streams);
        list.Add(new(TensorRole.Head), vocabulary, streams);
        list.Add(new(TensorRole.IdleHeadBias), vocabulary);
        return list.Tensors;
    }

    private static void AddLayer(TensorList list, int layer, ReformerLayerSpec spec, (ModelAxis, long) hidden)
    {
        (ModelAxis, long) heads = (ModelAxis.Queries, (long)spec.Attention.HeadCount * spec.Attention.HeadSize), width = (ModelAxis.Width, spec.FeedForward.Width);
        list.AddNorm(new(TensorRole.AttentionNorm, layer), spec.Norm, hidden);
        if (spec.Attention is HashedAttentionSpec)
        {
            list.Add(new(TensorRole.QueryKey, layer), heads, hidden);
        }
        else
        {
            list.Add(new(TensorRole.Query, layer), heads, hidden);
            list.Add(new(TensorRole.Key, layer), heads, hidden);
        }
        list.Add(new(TensorRole.Value, layer), heads, hidden);
        list.Add(new(TensorRole.AttentionOutput, layer), hidden, heads);
        list.AddNorm(new(TensorRole.FeedForwardNorm, layer), spec.Norm, hidden);
        list.AddLinear(new(TensorRole.Up, layer), spec.FeedForward.Bias, width, hidden);
        list.AddLinear(new(TensorRole.Down, layer), spec.FeedForward.Bias, hidden, width);
    }
}
