using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>Lists the canonical tensors of an encoder, part by part, for the encoder of an encoder–decoder lacks some.</summary>
internal static class EncoderTensors
{
    /// <summary>Adds the tables and the norm of the embedding stage.</summary>
    public static void AddEmbedding(TensorList list, EncoderSpec spec)
    {
        EncoderEmbeddingSpec embedding = spec.Embedding;
        (ModelAxis, long) width = Width(spec);
        list.Add(new(TensorRole.TokenEmbedding), (ModelAxis.Vocabulary, spec.VocabularySize), width);
        if (embedding.LearnedPositionCount is { } positions)
            list.Add(new(TensorRole.PositionEmbedding), (ModelAxis.Positions, (long)positions + embedding.LearnedPositionOffset), width);
        if (embedding.TokenTypeCount > 0)
            list.Add(new(TensorRole.TokenTypeEmbedding), (ModelAxis.TokenTypes, embedding.TokenTypeCount), width);
        list.AddNorm(new(TensorRole.EmbeddingNorm), embedding.Norm, width);
        if (embedding.Width is not null)
            list.AddLinear(new(TensorRole.EmbeddingProjection), bias: true, Hidden(spec), width);
    }

    /// <summary>Adds the blocks and the final norm.</summary>
    public static void AddBlocks(TensorList list, EncoderSpec spec)
    {
        for (int layer = 0; layer < spec.Layers.Length; layer++)
            DecoderTensors.AddLayer(list, layer, spec.Layers[layer], Hidden(spec));
        list.AddNorm(new(TensorRole.FinalNorm), spec.FinalNorm, Hidden(spec));
    }

    /// <summary>Adds the heads.</summary>
    public static void AddHeads(TensorList list, EncoderSpec spec)
    {
        (ModelAxis, long) hidden = Hidden(spec), width = Width(spec), vocabulary = (ModelAxis.Vocabulary, spec.VocabularySize);
        if (spec.TokenHead is { } head)
        {
            list.AddLinear(new(TensorRole.HeadTransform), head.TransformBias, width, hidden);
            list.AddNorm(new(TensorRole.HeadNorm), head.Norm, width);
            if (!head.Tied)
                list.Add(new(TensorRole.Head), vocabulary, width);
            if (head.Bias)
                list.Add(new(TensorRole.Head, Part: TensorPart.Bias), vocabulary);
        }
        if (spec.Pooler is { } pooler)
        {
            list.AddLinear(new(TensorRole.Pooler), pooler.Bias, hidden, hidden);
            list.AddNorm(new(TensorRole.PoolerNorm), pooler.Norm, hidden);
        }
        if (spec.ClassCount is { } classes)
            list.AddLinear(new(TensorRole.Classifier), bias: true, (ModelAxis.Classes, classes), hidden);
    }

    private static (ModelAxis, long) Hidden(EncoderSpec spec) => (ModelAxis.Hidden, spec.HiddenSize);

    private static (ModelAxis, long) Width(EncoderSpec spec) => spec.Embedding.Width is { } width ? (ModelAxis.Embedding, width) : Hidden(spec);
}
