using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Inference;

/// <summary>All weights of a decoder, ready to multiply.</summary>
internal sealed class DecoderWeights : IDisposable
{
    /// <summary>Loads a model: checks shapes and chooses kernels; matrices stay in the map.</summary>
    public DecoderWeights(DecoderModel model, KernelSelection kernels, CancellationToken cancellationToken)
    {
        Spec = model.Spec;
        int hidden = Spec.HiddenSize;
        var embeddingId = new TensorId(TensorRole.TokenEmbedding);
        int width = Spec.Embedding.Width ?? hidden;
        Linear embedding = Linear.Load(model, embeddingId, Spec.VocabularySize, width, kernels);
        TokenEmbedding = embedding.Weight;
        cancellationToken.ThrowIfCancellationRequested();
        Head = new LinearGroup(Spec.Head.Tied
            ? embedding.WithBias(model, new TensorId(TensorRole.Head))
            : Linear.Load(model, new TensorId(TensorRole.Head), Spec.VocabularySize, width, kernels));
        if (Spec.Embedding.Width is not null)
        {
            EmbeddingProjection = new LinearGroup(Linear.Load(model, new TensorId(TensorRole.EmbeddingProjection), hidden, width, kernels));
            HeadProjection = new LinearGroup(Linear.Load(model, new TensorId(TensorRole.HeadProjection), width, hidden, kernels));
        }
        if (Spec.Embedding.LearnedPositionCount is { } positions)
            PositionEmbedding = Linear.Load(model, new TensorId(TensorRole.PositionEmbedding), positions + Spec.Embedding.LearnedPositionOffset, hidden, kernels).Weight;
        if (Spec.Embedding.Norm is { } embeddingNorm)
            EmbeddingNorm = new Norm(model, new TensorId(TensorRole.EmbeddingNorm), embeddingNorm, hidden);
        if (Spec.FinalNorm is { } finalNorm)
            FinalNorm = new Norm(model, new TensorId(TensorRole.FinalNorm), finalNorm, hidden);
        Layers = new DecoderLayer[Spec.Layers.Length];
        for (int i = 0; i < Layers.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Layers[i] = new DecoderLayer(model, Spec.Layers[i], i, kernels);
        }
    }

    /// <summary>The decoder as data.</summary>
    public DecoderSpec Spec { get; }

    /// <summary>A row per token id.</summary>
    public WeightMatrix TokenEmbedding { get; }

    /// <summary>From the embedding's width to the hidden one, or null if they are one.</summary>
    public LinearGroup? EmbeddingProjection { get; }

    /// <summary>From the hidden width to the embedding's, or null if they are one.</summary>
    public LinearGroup? HeadProjection { get; }

    /// <summary>A row per position, or null.</summary>
    public WeightMatrix? PositionEmbedding { get; }

    /// <summary>After the embedding, or null.</summary>
    public Norm? EmbeddingNorm { get; }

    /// <summary>After the last block, or null.</summary>
    public Norm? FinalNorm { get; }

    /// <summary>The head.</summary>
    public LinearGroup Head { get; }

    /// <summary>The blocks.</summary>
    public DecoderLayer[] Layers { get; }

    /// <summary>The matrices that products are computed with, each once.</summary>
    public IEnumerable<StoredMatrix> Matrices() =>
        Others().Select(group => group.Group).Append(Head).SelectMany(group => group.Members).Select(member => member.Weight).OfType<StoredMatrix>();

    /// <summary>What the products cost for one token: of experts, as many as a token uses.</summary>
    public WeightWork Work => new(Head, Others());

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DecoderLayer layer in Layers)
            layer.Dispose();
        Head.Dispose();
        if (!Spec.Head.Tied)
            TokenEmbedding.Dispose();
        EmbeddingProjection?.Dispose();
        HeadProjection?.Dispose();
        PositionEmbedding?.Dispose();
        EmbeddingNorm?.Dispose();
        FinalNorm?.Dispose();
    }

    // Every group but the head, with the share of it that a token uses.
    private IEnumerable<(LinearGroup Group, double Share)> Others()
    {
        foreach ((LinearGroup Group, double Share) group in Layers.SelectMany(layer => layer.Groups()))
            yield return group;
        if (EmbeddingProjection is not null)
            yield return (EmbeddingProjection, 1);
        if (HeadProjection is not null)
            yield return (HeadProjection, 1);
    }
}
