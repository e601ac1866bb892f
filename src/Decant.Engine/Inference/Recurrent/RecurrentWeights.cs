using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>All weights of a recurrent model, ready to multiply.</summary>
internal sealed class RecurrentWeights : IDisposable
{
    /// <summary>Loads a model: checks shapes and chooses kernels; matrices stay in the map.</summary>
    /// <exception cref="BadFileException">A tensor is missing or has the wrong shape.</exception>
    public RecurrentWeights(Model<RecurrentSpec> model, KernelSelection kernels, CancellationToken cancellationToken)
    {
        Spec = model.Spec;
        int hidden = Spec.HiddenSize;
        Linear embedding = Linear.Load(model, new TensorId(TensorRole.TokenEmbedding), Spec.VocabularySize, hidden, kernels);
        TokenEmbedding = embedding.Weight;
        var head = new TensorId(TensorRole.Head);
        Head = new LinearGroup(Spec.Head.Tied ? embedding.WithBias(model, head) : Linear.Load(model, head, Spec.VocabularySize, hidden, kernels));
        if (Spec.EmbeddingNorm is { } embeddingNorm)
            EmbeddingNorm = new Norm(model, new TensorId(TensorRole.EmbeddingNorm), embeddingNorm, hidden);
        FinalNorm = new Norm(model, new TensorId(TensorRole.FinalNorm), Spec.FinalNorm, hidden);
        Layers = new RecurrentLayer[Spec.Layers.Length];
        int stateLength = 0;
        for (int i = 0; i < Layers.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Layers[i] = new RecurrentLayer(new MixerLoader(model, i, kernels), Spec.Layers[i], stateLength);
            stateLength = checked(stateLength + Layers[i].Branches.Sum(branch => branch.Mixer.StateLength));
        }
        StateLength = stateLength;
    }

    /// <summary>The model as data.</summary>
    public RecurrentSpec Spec { get; }

    /// <summary>A row per token id.</summary>
    public WeightMatrix TokenEmbedding { get; }

    /// <summary>After the embedding, or null.</summary>
    public Norm? EmbeddingNorm { get; }

    /// <summary>After the last block.</summary>
    public Norm FinalNorm { get; }

    /// <summary>The head.</summary>
    public LinearGroup Head { get; }

    /// <summary>The blocks.</summary>
    public RecurrentLayer[] Layers { get; }

    /// <summary>Elements of the state of a text.</summary>
    public int StateLength { get; }

    /// <summary>What the products cost for one token.</summary>
    public WeightWork Work => new(Head, BlockGroups.Select(group => (group, 1.0)));

    private IEnumerable<LinearGroup> BlockGroups => Layers.SelectMany(layer => layer.Branches).SelectMany(branch => branch.Mixer.Groups);

    /// <summary>The matrices that products are computed with, each once.</summary>
    public IEnumerable<StoredMatrix> Matrices() =>
        BlockGroups.Append(Head).SelectMany(group => group.Members).Select(member => member.Weight).OfType<StoredMatrix>();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (RecurrentLayer layer in Layers)
            layer.Dispose();
        Head.Dispose();
        if (!Spec.Head.Tied)
            TokenEmbedding.Dispose();
        EmbeddingNorm?.Dispose();
        FinalNorm.Dispose();
    }
}

/// <summary>The weights of one recurrent block.</summary>
internal sealed class RecurrentLayer : IDisposable
{
    /// <summary>Loads a block.</summary>
    /// <param name="loader">Its tensors.</param>
    /// <param name="spec">The block as data.</param>
    /// <param name="firstState">Where its states begin in that of a text.</param>
    public RecurrentLayer(MixerLoader loader, RecurrentLayerSpec spec, int firstState)
    {
        Spec = spec;
        SequenceMixer mixer = spec.Mixer switch
        {
            TimeMixingSpec mixing => new TimeMixing(loader, mixing),
            SelectiveScanSpec scan => new SelectiveScan(loader, scan),
            HeadScanSpec scan => new HeadScan(loader, scan),
            var other => throw new NotSupportedException($"The engine has no mixer for {other}."),
        };
        var branches = new List<RecurrentBranch> { new(loader.Norm(TensorRole.MixerNorm, spec.Norm, loader.HiddenSize), mixer, firstState) };
        if (spec.ChannelMixing is { } channels)
            branches.Add(new(loader.Norm(TensorRole.FeedForwardNorm, spec.Norm, loader.HiddenSize), new ChannelMixing(loader, channels), checked(firstState + mixer.StateLength)));
        Branches = [.. branches];
    }

    /// <summary>The block as data.</summary>
    public RecurrentLayerSpec Spec { get; }

    /// <summary>What is added to the residual stream, in order.</summary>
    public RecurrentBranch[] Branches { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (RecurrentBranch branch in Branches)
        {
            branch.Norm.Dispose();
            branch.Mixer.Dispose();
        }
    }
}

/// <summary>One branch of a block.</summary>
/// <param name="Norm">In front of it.</param>
/// <param name="Mixer">What it computes.</param>
/// <param name="FirstState">Where its state begins in that of a text.</param>
internal sealed record RecurrentBranch(Norm Norm, SequenceMixer Mixer, int FirstState);
