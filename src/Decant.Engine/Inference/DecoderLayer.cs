using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>The weights of one block.</summary>
internal sealed class DecoderLayer : IDisposable
{
    private readonly List<IDisposable> owned = [];

    /// <summary>Loads a block.</summary>
    /// <param name="model">Where the tensors are.</param>
    /// <param name="spec">The block as data.</param>
    /// <param name="index">Its number.</param>
    /// <param name="kernels">The kernels to choose from.</param>
    public DecoderLayer(Model model, LayerSpec spec, int index, KernelSelection kernels)
    {
        Spec = spec;
        int hidden = model.Spec.HiddenSize;
        AttentionSpec attention = Spec.Attention;
        NormPlacement placement = Spec.NormPlacement;

        Norm? LoadNorm(TensorRole role, bool present) =>
            present ? Own(new Norm(model, new TensorId(role, index), Spec.Norm, hidden)) : null;

        bool before = placement.HasFlag(NormPlacement.BeforeBranch);
        bool after = placement.HasFlag(NormPlacement.AfterBranch) || placement.HasFlag(NormPlacement.AfterSum);
        AttentionNorm = LoadNorm(TensorRole.AttentionNorm, before && !Spec.SkipsAttentionNorm);
        AttentionPostNorm = LoadNorm(TensorRole.AttentionPostNorm, after);
        FeedForwardNorm = LoadNorm(TensorRole.FeedForwardNorm, before && !(Spec.Form == BlockForm.Parallel && Spec.SharedNorm));
        FeedForwardPostNorm = LoadNorm(TensorRole.FeedForwardPostNorm, after);

        Linear Load(TensorRole role, int rows, int columns, int? expert = null) =>
            Linear.Load(model, new TensorId(role, index, expert), rows, columns, kernels, role == TensorRole.Router ? ProjectionKind.Plain : Spec.Projections);

        int queryWidth = attention.HeadCount * attention.HeadSize;
        int keyWidth = attention.KeyValueHeadCount * attention.HeadSize;
        int valueWidth = attention.KeyValueHeadCount * attention.ValueSize;
        QueryKeyValue = Own<AttentionProjections>(attention.Latent is null
            ? new DirectProjections(new LinearGroup(
                Load(TensorRole.Query, queryWidth, hidden), Load(TensorRole.Key, keyWidth, hidden), Load(TensorRole.Value, valueWidth, hidden)))
            : new LatentProjections(model, index, attention, (role, rows, columns) => Load(role, rows, columns)));
        if (attention.OutputNorm is { } outputNorm)
            OutputNorm = Own(new Norm(model, new TensorId(TensorRole.AttentionOutputNorm, index), outputNorm, attention.HeadCount * attention.ValueSize));
        AttentionOutput = Own(new LinearGroup(Load(TensorRole.AttentionOutput, hidden, attention.HeadCount * attention.ValueSize)));
        if (attention.QueryKeyNorm is { } norm)
        {
            QueryNorm = LoadHeadNorm(model, new TensorId(TensorRole.QueryNorm, index), norm, attention.HeadCount, attention.HeadSize);
            KeyNorm = LoadHeadNorm(model, new TensorId(TensorRole.KeyNorm, index), norm, attention.KeyValueHeadCount, attention.HeadSize);
        }

        if (attention.RelativeBias is { } bias)
            ScoreBias = new RelativeScoreBias(model, bias, attention);
        if (Spec.CrossAttention is { } cross)
        {
            if (placement != NormPlacement.BeforeBranch)
                throw new NotSupportedException($"The engine runs cross-attention with norms before the branches only, not {placement}.");
            Cross = new CrossAttention(
                cross,
                Own(new Norm(model, new TensorId(TensorRole.CrossAttentionNorm, index), Spec.Norm, hidden)),
                Own(new LinearGroup(Load(TensorRole.CrossQuery, cross.HeadCount * cross.HeadSize, hidden))),
                Own(new LinearGroup(
                    Load(TensorRole.CrossKey, cross.KeyValueHeadCount * cross.HeadSize, hidden), Load(TensorRole.CrossValue, cross.KeyValueHeadCount * cross.ValueSize, hidden))),
                Own(new LinearGroup(Load(TensorRole.CrossAttentionOutput, hidden, cross.HeadCount * cross.ValueSize))));
        }

        FeedForwardSpec feedForward = Spec.FeedForward;
        if (feedForward.InnerNorm is { } innerNorm)
            InnerNorm = Own(new Norm(model, new TensorId(TensorRole.FeedForwardInnerNorm, index), innerNorm, feedForward.Width));
        FeedForward LoadFeedForward(TensorRole gate, TensorRole up, TensorRole down, int width, int? expert = null) => Own(new FeedForward(
            feedForward.Gated
                ? new LinearGroup(Load(gate, width, hidden, expert), Load(up, width, hidden, expert))
                : new LinearGroup(Load(up, width, hidden, expert)),
            new LinearGroup(Load(down, hidden, width, expert)),
            width));
        if (feedForward.Experts is { } experts)
        {
            Router = Own(new LinearGroup(Load(TensorRole.Router, experts.Count, hidden)));
            Experts = [.. Enumerable.Range(0, experts.Count).Select(expert => LoadFeedForward(TensorRole.Gate, TensorRole.Up, TensorRole.Down, feedForward.Width, expert))];
            if (experts.ChoiceBias)
                ExpertChoiceBias = LoadVector(model, new TensorId(TensorRole.ExpertChoiceBias, index), experts.Count);
            if (experts.Shared is { } shared)
            {
                SharedExpert = LoadFeedForward(TensorRole.SharedGate, TensorRole.SharedUp, TensorRole.SharedDown, shared.Width);
                if (shared.Gated)
                    SharedRouter = Own(new LinearGroup(Load(TensorRole.SharedRouter, 1, hidden)));
            }
        }
        else
        {
            Experts = [LoadFeedForward(TensorRole.Gate, TensorRole.Up, TensorRole.Down, feedForward.Width)];
        }
    }

    /// <summary>The block as data.</summary>
    public LayerSpec Spec { get; }

    /// <summary>Before attention, or null.</summary>
    public Norm? AttentionNorm { get; }

    /// <summary>After attention, or null.</summary>
    public Norm? AttentionPostNorm { get; }

    /// <summary>Before the feed-forward part, or null.</summary>
    public Norm? FeedForwardNorm { get; }

    /// <summary>After the feed-forward part, or null.</summary>
    public Norm? FeedForwardPostNorm { get; }

    /// <summary>The projections to queries, keys and values.</summary>
    public AttentionProjections QueryKeyValue { get; }

    /// <summary>Norm of the outputs of all heads, or null.</summary>
    public Norm? OutputNorm { get; }

    /// <summary>The output projection.</summary>
    public LinearGroup AttentionOutput { get; }

    /// <summary>Learned biases on scores, or null.</summary>
    public RelativeScoreBias? ScoreBias { get; }

    /// <summary>Attention over an encoder's outputs, or null.</summary>
    public CrossAttention? Cross { get; }

    /// <summary>Norm of queries, or null.</summary>
    public Norm? QueryNorm { get; }

    /// <summary>Norm of keys, or null.</summary>
    public Norm? KeyNorm { get; }

    /// <summary>Expert scores, or null without experts.</summary>
    public LinearGroup? Router { get; }

    /// <summary>What is added to the experts' scores for the choice; empty for nothing.</summary>
    public float[] ExpertChoiceBias { get; } = [];

    /// <summary>The expert that every token uses, or null.</summary>
    public FeedForward? SharedExpert { get; }

    /// <summary>Its factor's projection, or null if the factor is 1.</summary>
    public LinearGroup? SharedRouter { get; }

    /// <summary>Norm of the inner units, or null.</summary>
    public Norm? InnerNorm { get; }

    /// <summary>The experts, or the one feed-forward part.</summary>
    public FeedForward[] Experts { get; }

    /// <summary>Every group of matrices, with the share of it that a token uses. A text's keys and values of cross-attention are no token's work.</summary>
    public IEnumerable<(LinearGroup Group, double Share)> Groups()
    {
        foreach (LinearGroup projection in QueryKeyValue.Groups)
            yield return (projection, 1);
        yield return (AttentionOutput, 1);
        if (Cross is { } cross)
        {
            yield return (cross.Query, 1);
            yield return (cross.KeyValue, 0);
            yield return (cross.Output, 1);
        }
        if (Router is { } router)
            yield return (router, 1);
        if (SharedRouter is { } sharedRouter)
            yield return (sharedRouter, 1);
        if (SharedExpert is { } shared)
        {
            yield return (shared.Inner, 1);
            yield return (shared.Down, 1);
        }
        double share = Spec.FeedForward.Experts is { } experts ? (double)experts.UsedCount / experts.Count : 1;
        foreach (FeedForward expert in Experts)
        {
            yield return (expert.Inner, share);
            yield return (expert.Down, share);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable item in owned)
            item.Dispose();
    }

    private static unsafe float[] LoadVector(Model model, TensorId id, int count)
    {
        using AlignedBuffer values = SmallTensor.Load(model, model.Get(id), id, count);
        return new ReadOnlySpan<float>(values.Pointer, count).ToArray();
    }

    private Norm LoadHeadNorm(Model model, TensorId id, QueryKeyNormSpec norm, int headCount, int headSize) => Own(norm.Span switch
    {
        QueryKeyNormSpan.Head => new Norm(model, id, norm.Norm, headSize),
        QueryKeyNormSpan.HeadWithOwnWeight => new Norm(model, id, norm.Norm, headSize, headCount),
        QueryKeyNormSpan.Projection => new Norm(model, id, norm.Norm, headCount * headSize),
        _ => throw new NotSupportedException($"The engine has no query and key norm over {norm.Span}."),
    });

    private T Own<T>(T item)
        where T : IDisposable
    {
        owned.Add(item);
        return item;
    }
}

/// <summary>What a block has for its attention over an encoder's outputs; the block owns all of it.</summary>
/// <param name="Spec">The attention.</param>
/// <param name="Norm">Before the branch.</param>
/// <param name="Query">Reads the decoder's stream.</param>
/// <param name="KeyValue">Key and value: read the encoder's outputs, once for a text.</param>
/// <param name="Output">The output projection.</param>
internal sealed record CrossAttention(AttentionSpec Spec, Norm Norm, LinearGroup Query, LinearGroup KeyValue, LinearGroup Output);

/// <summary>The matrices of one feed-forward part.</summary>
/// <param name="inner">Gate and up, or up alone.</param>
/// <param name="down">Down.</param>
/// <param name="width">Inner units.</param>
internal sealed class FeedForward(LinearGroup inner, LinearGroup down, int width) : IDisposable
{
    /// <summary>Inner units.</summary>
    public int Width { get; } = width;

    /// <summary>Gate and up, or up alone.</summary>
    public LinearGroup Inner { get; } = inner;

    /// <summary>Down.</summary>
    public LinearGroup Down { get; } = down;

    /// <inheritdoc/>
    public void Dispose()
    {
        Inner.Dispose();
        Down.Dispose();
    }
}
