using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Inference.Reversible;

/// <summary>All weights of a reversible transformer, ready to multiply.</summary>
internal sealed unsafe class ReversibleWeights : IDisposable
{
    private readonly WeightMatrix tokens;
    private readonly WeightMatrix[] positions;
    private readonly List<IDisposable> owned = [];

    /// <summary>Loads a model: checks shapes and chooses kernels; matrices stay in the map.</summary>
    /// <exception cref="BadFileException">A tensor is missing or has the wrong shape.</exception>
    public ReversibleWeights(Model<ReformerSpec> model, KernelSelection kernels, CancellationToken cancellationToken)
    {
        Spec = model.Spec;
        int hidden = Spec.HiddenSize;
        WeightMatrix Table(TensorRole role, int rows, int columns) => Own(Linear.Load(model, new TensorId(role), rows, columns, kernels)).Weight;
        tokens = Table(TensorRole.TokenEmbedding, Spec.VocabularySize, hidden);
        positions = Spec.AxialPositions is { } axial
            ? [Table(TensorRole.RowPositions, axial.RowCount, axial.RowWidth), Table(TensorRole.ColumnPositions, axial.ColumnCount, axial.ColumnWidth)]
            : [Table(TensorRole.PositionEmbedding, Spec.ContextLength, hidden)];
        FinalNorm = Own(new Norm(model, new TensorId(TensorRole.FinalNorm), Spec.FinalNorm, checked(2 * hidden)));
        Head = Own(new LinearGroup(Linear.Load(model, new TensorId(TensorRole.Head), Spec.VocabularySize, checked(2 * hidden), kernels)));
        Layers = new ReversibleLayer[Spec.Layers.Length];
        for (int i = 0; i < Layers.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Layers[i] = Own(new ReversibleLayer(model, i, kernels));
        }
    }

    /// <summary>The model as data.</summary>
    public ReformerSpec Spec { get; }

    /// <summary>Over both streams after the last block.</summary>
    public Norm FinalNorm { get; }

    /// <summary>The head, which reads both streams.</summary>
    public LinearGroup Head { get; }

    /// <summary>The blocks.</summary>
    public ReversibleLayer[] Layers { get; }

    /// <summary>What the products cost for one token.</summary>
    public WeightWork Work => new(Head, Layers.SelectMany(layer => layer.Groups).Select(group => (group, 1.0)));

    /// <summary>The matrices that products are computed with, each once.</summary>
    public IEnumerable<StoredMatrix> Matrices() =>
        Layers.SelectMany(layer => layer.Groups).Append(Head).SelectMany(group => group.Members).Select(member => member.Weight).OfType<StoredMatrix>();

    /// <summary>The embedding of a token at a position; <paramref name="room"/> holds a row as wide.</summary>
    public void Embed(ComputeContext context, int token, int position, float* row, float* room)
    {
        tokens.DecodeRow(token, row);
        if (Spec.AxialPositions is { } axial)
        {
            positions[0].DecodeRow(position / axial.ColumnCount, room);
            positions[1].DecodeRow(position % axial.ColumnCount, room + axial.RowWidth);
        }
        else
        {
            positions[0].DecodeRow(position, room);
        }
        context.Arithmetic.AddScaled(row, room, 1, Spec.HiddenSize);
    }

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

/// <summary>The weights of one reversible block.</summary>
internal sealed class ReversibleLayer : IDisposable
{
    /// <summary>Loads a block.</summary>
    public ReversibleLayer(Model<ReformerSpec> model, int index, KernelSelection kernels)
    {
        Spec = model.Spec.Layers[index];
        int hidden = model.Spec.HiddenSize, width = Spec.FeedForward.Width, heads = checked(Spec.Attention.HeadCount * Spec.Attention.HeadSize);
        Linear Load(TensorRole role, int rows, int columns) => Linear.Load(model, new TensorId(role, index), rows, columns, kernels);
        AttentionNorm = new Norm(model, new TensorId(TensorRole.AttentionNorm, index), Spec.Norm, hidden);
        Projections = Spec.Attention is HashedAttentionSpec
            ? new LinearGroup(Load(TensorRole.QueryKey, heads, hidden), Load(TensorRole.Value, heads, hidden))
            : new LinearGroup(Load(TensorRole.Query, heads, hidden), Load(TensorRole.Value, heads, hidden), Load(TensorRole.Key, heads, hidden));
        Output = new LinearGroup(Load(TensorRole.AttentionOutput, hidden, heads));
        FeedForwardNorm = new Norm(model, new TensorId(TensorRole.FeedForwardNorm, index), Spec.Norm, hidden);
        FeedForward = new FeedForward(new LinearGroup(Load(TensorRole.Up, width, hidden)), new LinearGroup(Load(TensorRole.Down, hidden, width)), width);
    }

    /// <summary>The block as data.</summary>
    public ReformerLayerSpec Spec { get; }

    /// <summary>Before attention.</summary>
    public Norm AttentionNorm { get; }

    /// <summary>Queries, values and, where queries are not keys too, keys.</summary>
    public LinearGroup Projections { get; }

    /// <summary>From all heads to the hidden width.</summary>
    public LinearGroup Output { get; }

    /// <summary>Before the feed-forward part.</summary>
    public Norm FeedForwardNorm { get; }

    /// <summary>The feed-forward part.</summary>
    public FeedForward FeedForward { get; }

    /// <summary>Its products.</summary>
    public IEnumerable<LinearGroup> Groups => [Projections, Output, FeedForward.Inner, FeedForward.Down];

    /// <inheritdoc/>
    public void Dispose()
    {
        AttentionNorm.Dispose();
        Projections.Dispose();
        Output.Dispose();
        FeedForwardNorm.Dispose();
        FeedForward.Dispose();
    }
}
