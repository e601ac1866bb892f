using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Encoders;

/// <summary>All weights of an encoder, ready to multiply.</summary>
internal sealed class EncoderWeights : IDisposable
{
    private readonly List<IDisposable> owned = [];

    /// <summary>Loads a model: checks shapes and chooses kernels; matrices stay in the map.</summary>
    public EncoderWeights(EncoderModel model, KernelSelection kernels, CancellationToken cancellationToken)
    {
        Spec = model.Spec;
        int hidden = Spec.HiddenSize;
        EncoderEmbeddingSpec embedding = Spec.Embedding;
        int width = embedding.Width ?? hidden;

        Linear Load(TensorRole role, int rows, int columns) => Linear.Load(model, new TensorId(role), rows, columns, kernels);
        LinearGroup LoadGroup(TensorRole role, int rows, int columns) => Own(new LinearGroup(Load(role, rows, columns)));
        Norm? LoadNorm(TensorRole role, NormSpec? norm, int size) => norm is null ? null : Own(new Norm(model, new TensorId(role), norm, size));

        Linear tokens = Own(Load(TensorRole.TokenEmbedding, Spec.VocabularySize, width));
        TokenEmbedding = tokens.Weight;
        if (embedding.LearnedPositionCount is { } positions)
            PositionEmbedding = Own(Load(TensorRole.PositionEmbedding, positions + embedding.LearnedPositionOffset, width)).Weight;
        if (embedding.TokenTypeCount > 0)
            TokenTypeEmbedding = Own(Load(TensorRole.TokenTypeEmbedding, embedding.TokenTypeCount, width)).Weight;
        EmbeddingNorm = LoadNorm(TensorRole.EmbeddingNorm, embedding.Norm, width);
        if (embedding.Width is not null)
            EmbeddingProjection = LoadGroup(TensorRole.EmbeddingProjection, hidden, width);
        Layers = new DecoderLayer[Spec.Layers.Length];
        for (int i = 0; i < Layers.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Layers[i] = Own(new DecoderLayer(model, Spec.Layers[i], i, kernels));
        }
        FinalNorm = LoadNorm(TensorRole.FinalNorm, Spec.FinalNorm, hidden);
        if (Spec.TokenHead is { } head)
        {
            HeadTransform = LoadGroup(TensorRole.HeadTransform, width, hidden);
            HeadNorm = LoadNorm(TensorRole.HeadNorm, head.Norm, width);
            Head = Own(new LinearGroup(head.Tied ? tokens.WithBias(model, new TensorId(TensorRole.Head)) : Load(TensorRole.Head, Spec.VocabularySize, width)));
        }
        if (Spec.Pooler is { } pooler)
        {
            Pooler = LoadGroup(TensorRole.Pooler, hidden, hidden);
            PoolerNorm = LoadNorm(TensorRole.PoolerNorm, pooler.Norm, hidden);
        }
        if (Spec.ClassCount is { } classes)
            Classifier = LoadGroup(TensorRole.Classifier, classes, hidden);
    }

    /// <summary>The encoder as data.</summary>
    public EncoderSpec Spec { get; }

    /// <summary>A row per token id.</summary>
    public WeightMatrix TokenEmbedding { get; }

    /// <summary>A row per position, or null.</summary>
    public WeightMatrix? PositionEmbedding { get; }

    /// <summary>A row per token type, or null.</summary>
    public WeightMatrix? TokenTypeEmbedding { get; }

    /// <summary>After the embedding, or null.</summary>
    public Norm? EmbeddingNorm { get; }

    /// <summary>From the embedding's width to the hidden one, or null if they are one.</summary>
    public LinearGroup? EmbeddingProjection { get; }

    /// <summary>The stored blocks.</summary>
    public DecoderLayer[] Layers { get; }

    /// <summary>After the last block, or null.</summary>
    public Norm? FinalNorm { get; }

    /// <summary>In front of the token head, or null.</summary>
    public LinearGroup? HeadTransform { get; }

    /// <summary>Behind it.</summary>
    public Norm? HeadNorm { get; }

    /// <summary>The token head, or null.</summary>
    public LinearGroup? Head { get; }

    /// <summary>Makes one vector of a text, or null.</summary>
    public LinearGroup? Pooler { get; }

    /// <summary>Behind it, or null.</summary>
    public Norm? PoolerNorm { get; }

    /// <summary>Scores of classes, or null.</summary>
    public LinearGroup? Classifier { get; }

    /// <summary>The matrices that products are computed with, each once.</summary>
    public IEnumerable<StoredMatrix> Matrices() => Layers.SelectMany(layer => layer.Groups()).Select(group => group.Group)
        .Concat(((LinearGroup?[])[EmbeddingProjection, HeadTransform, Head, Pooler, Classifier]).OfType<LinearGroup>())
        .SelectMany(group => group.Members).Select(member => member.Weight).OfType<StoredMatrix>();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable item in owned)
            item.Dispose();
    }

    private T Own<T>(T item)
        where T : IDisposable
    {
        owned.Add(item);
        return item;
    }
}
