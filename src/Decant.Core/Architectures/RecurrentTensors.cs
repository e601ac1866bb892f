using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>The canonical tensors of a recurrent model, in the order of computation.</summary>
internal static class RecurrentTensors
{
    /// <summary>Lists them.</summary>
    public static IReadOnlyList<ModelTensor> List(RecurrentSpec spec)
    {
        var list = new TensorList();
        (ModelAxis, long) vocabulary = (ModelAxis.Vocabulary, spec.VocabularySize), hidden = (ModelAxis.Hidden, spec.HiddenSize);
        list.Add(new(TensorRole.TokenEmbedding), vocabulary, hidden);
        list.AddNorm(new(TensorRole.EmbeddingNorm), spec.EmbeddingNorm, hidden);
        for (int layer = 0; layer < spec.Layers.Length; layer++)
        {
            RecurrentLayerSpec block = spec.Layers[layer];
            list.AddNorm(new(TensorRole.MixerNorm, layer), block.Norm, hidden);
            switch (block.Mixer)
            {
                case TimeMixingSpec mixing:
                    AddTimeMixing(list, layer, mixing, hidden);
                    break;
                case SelectiveScanSpec scan:
                    AddSelectiveScan(list, layer, scan, hidden);
                    break;
                case HeadScanSpec scan:
                    AddHeadScan(list, layer, scan, hidden);
                    break;
                default:
                    throw new ArgumentException($"There is no list of tensors for {block.Mixer}.", nameof(spec));
            }
            if (block.ChannelMixing is { } channels)
                AddChannelMixing(list, layer, block.Norm, channels, hidden);
        }
        list.AddNorm(new(TensorRole.FinalNorm), spec.FinalNorm, hidden);
        if (!spec.Head.Tied)
            list.Add(new(TensorRole.Head), vocabulary, hidden);
        if (spec.Head.Bias)
            list.Add(new TensorId(TensorRole.Head).Bias, vocabulary);
        return list.Tensors;
    }

    private static void AddTimeMixing(TensorList list, int layer, TimeMixingSpec spec, (ModelAxis, long) hidden)
    {
        (ModelAxis, long) width = (ModelAxis.TimeMixing, spec.Width);
        list.Add(new(TensorRole.StateDecay, layer), width);
        list.Add(new(TensorRole.CurrentKeyBonus, layer), width);
        list.Add(new(TensorRole.KeyShift, layer), hidden);
        list.Add(new(TensorRole.ValueShift, layer), hidden);
        list.Add(new(TensorRole.ReceptanceShift, layer), hidden);
        list.Add(new(TensorRole.Key, layer), width, hidden);
        list.Add(new(TensorRole.Value, layer), width, hidden);
        list.Add(new(TensorRole.Receptance, layer), width, hidden);
        list.Add(new(TensorRole.MixerOutput, layer), hidden, width);
    }

    private static void AddChannelMixing(TensorList list, int layer, NormSpec norm, ChannelMixingSpec spec, (ModelAxis, long) hidden)
    {
        (ModelAxis, long) width = (ModelAxis.Width, spec.Width);
        list.AddNorm(new(TensorRole.FeedForwardNorm, layer), norm, hidden);
        list.Add(new(TensorRole.ChannelKeyShift, layer), hidden);
        list.Add(new(TensorRole.ChannelReceptanceShift, layer), hidden);
        list.Add(new(TensorRole.Up, layer), width, hidden);
        list.Add(new(TensorRole.ChannelReceptance, layer), hidden, hidden);
        list.Add(new(TensorRole.Down, layer), hidden, width);
    }

    private static void AddSelectiveScan(TensorList list, int layer, SelectiveScanSpec spec, (ModelAxis, long) hidden)
    {
        (ModelAxis, long) inner = (ModelAxis.Inner, spec.InnerSize), state = (ModelAxis.State, spec.StateSize), rank = (ModelAxis.TimeStepRank, spec.TimeStepRank);
        list.AddLinear(new(TensorRole.ScanInput, layer), spec.ProjectionBias, inner, hidden);
        list.AddLinear(new(TensorRole.ScanGate, layer), spec.ProjectionBias, inner, hidden);
        AddConvolution(list, layer, spec.Convolution, inner);
        list.Add(new(TensorRole.TimeStepDown, layer), rank, inner);
        list.Add(new(TensorRole.StateInput, layer), state, inner);
        list.Add(new(TensorRole.StateOutput, layer), state, inner);
        list.AddLinear(new(TensorRole.TimeStep, layer), bias: true, inner, rank);
        list.Add(new(TensorRole.StateDecay, layer), inner, state);
        list.Add(new(TensorRole.SkipFactor, layer), inner);
        list.AddLinear(new(TensorRole.MixerOutput, layer), spec.ProjectionBias, hidden, inner);
    }

    private static void AddHeadScan(TensorList list, int layer, HeadScanSpec spec, (ModelAxis, long) hidden)
    {
        (ModelAxis, long) inner = (ModelAxis.Inner, spec.InnerSize), heads = (ModelAxis.ScanHeads, spec.HeadCount);
        (ModelAxis, long) channels = (ModelAxis.ConvolutionChannels, spec.ConvolvedSize);
        list.AddLinear(new(TensorRole.ScanGate, layer), spec.ProjectionBias, inner, hidden);
        list.AddLinear(new(TensorRole.ScanInput, layer), spec.ProjectionBias, channels, hidden);
        list.AddLinear(new(TensorRole.TimeStep, layer), spec.ProjectionBias, heads, hidden);
        AddConvolution(list, layer, spec.Convolution, channels);
        list.Add(new(TensorRole.TimeStepBias, layer), heads);
        list.Add(new(TensorRole.StateDecay, layer), heads);
        list.Add(new(TensorRole.SkipFactor, layer), heads);
        list.AddNorm(new(TensorRole.ScanNorm, layer), spec.Norm, inner);
        list.AddLinear(new(TensorRole.MixerOutput, layer), spec.ProjectionBias, hidden, inner);
    }

    private static void AddConvolution(TensorList list, int layer, ConvolutionSpec spec, (ModelAxis, long) channels)
    {
        list.Add(new(TensorRole.Convolution, layer), channels, (ModelAxis.ConvolutionWidth, spec.Width));
        if (spec.Bias)
            list.Add(new TensorId(TensorRole.Convolution, layer).Bias, channels);
    }
}
