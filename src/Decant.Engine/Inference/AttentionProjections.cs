using Decant.Core.Architectures;
using Decant.Core.Tensors;

namespace Decant.Engine.Inference;

/// <summary>How queries, keys and values come out of a block's input.</summary>
internal abstract unsafe class AttentionProjections : IDisposable
{
    /// <summary>The matrices, in the order of computation.</summary>
    public abstract IEnumerable<LinearGroup> Groups { get; }

    /// <summary>Single-precision values of working memory a token needs.</summary>
    public virtual int ScratchWidth => 0;

    /// <summary>Computes all three.</summary>
    /// <param name="context">Threads and memory.</param>
    /// <param name="input">[tokens, hidden].</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="queries">[tokens, heads, head size].</param>
    /// <param name="keys">[tokens, key-value heads, head size].</param>
    /// <param name="values">[tokens, key-value heads, value size].</param>
    /// <param name="scratch">[tokens, <see cref="ScratchWidth"/>].</param>
    public abstract void Multiply(ComputeContext context, float* input, int tokenCount, float* queries, float* keys, float* values, float* scratch);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>A matrix each, all of which read the input.</summary>
/// <param name="group">Query, key and value.</param>
internal sealed unsafe class DirectProjections(LinearGroup group) : AttentionProjections
{
    /// <inheritdoc/>
    public override IEnumerable<LinearGroup> Groups => [group];

    /// <inheritdoc/>
    public override void Multiply(ComputeContext context, float* input, int tokenCount, float* queries, float* keys, float* values, float* scratch) =>
        group.Multiply(context, input, tokenCount, (nint)queries, (nint)keys, (nint)values);

    /// <inheritdoc/>
    public override void Dispose() => group.Dispose();
}

/// <summary>
/// Latent attention's (<see cref="LatentAttentionSpec"/>). Of a token's narrow row the first part is normalised and projected to the keys' unrotated
/// parts and the values, head by head; the second is the rotated part of the keys of all heads:
/// <code>
///   narrow [rank | rotary]    up [head 0: unrotated, head 1: ...]    keys [head 0: unrotated | rotary, head 1: ...]
/// </code>
/// </summary>
internal sealed unsafe class LatentProjections : AttentionProjections
{
    private readonly AttentionSpec spec;
    private readonly LatentAttentionSpec latent;
    private readonly LinearGroup down;
    private readonly Norm? queryNorm;
    private readonly LinearGroup? query;
    private readonly Norm keyValueNorm;
    private readonly LinearGroup up;

    /// <summary>Loads them.</summary>
    /// <param name="model">Where the tensors are.</param>
    /// <param name="layer">The block.</param>
    /// <param name="spec">Its attention.</param>
    /// <param name="load">Loads a matrix of so many rows and columns.</param>
    public LatentProjections(Model model, int layer, AttentionSpec spec, Func<TensorRole, int, int, Linear> load)
    {
        this.spec = spec;
        latent = spec.Latent!;
        int hidden = model.Spec.HiddenSize, queryWidth = spec.HeadCount * spec.HeadSize;
        Linear narrow = load(TensorRole.KeyValueDown, latent.KeyValueRank + Rotary, hidden);
        if (latent.QueryRank is { } rank)
        {
            down = new LinearGroup(load(TensorRole.QueryDown, rank, hidden), narrow);
            queryNorm = new Norm(model, new TensorId(TensorRole.QueryDownNorm, layer), latent.Norm, rank);
            query = new LinearGroup(load(TensorRole.Query, queryWidth, rank));
        }
        else
        {
            down = new LinearGroup(load(TensorRole.Query, queryWidth, hidden), narrow);
        }
        keyValueNorm = new Norm(model, new TensorId(TensorRole.KeyValueDownNorm, layer), latent.Norm, latent.KeyValueRank);
        up = new LinearGroup(load(TensorRole.KeyUp, UpWidth, latent.KeyValueRank), load(TensorRole.ValueUp, spec.HeadCount * spec.ValueSize, latent.KeyValueRank));
    }

    /// <inheritdoc/>
    public override IEnumerable<LinearGroup> Groups => query is null ? [down, up] : [down, query, up];

    /// <inheritdoc/>
    public override int ScratchWidth => (latent.QueryRank ?? 0) + NarrowWidth + latent.KeyValueRank + UpWidth;

    private int Rotary => spec.Rope?.RotaryCount ?? 0;

    private int Unrotated => spec.HeadSize - Rotary;

    private int NarrowWidth => latent.KeyValueRank + Rotary;

    private int UpWidth => spec.HeadCount * Unrotated;

    /// <inheritdoc/>
    public override void Multiply(ComputeContext context, float* input, int tokenCount, float* queries, float* keys, float* values, float* scratch)
    {
        float* narrow = scratch;
        float* vectors = narrow + (long)tokenCount * NarrowWidth;
        float* unpacked = vectors + (long)tokenCount * latent.KeyValueRank;
        if (query is null)
        {
            down.Multiply(context, input, tokenCount, (nint)queries, (nint)narrow);
        }
        else
        {
            float* narrowQueries = unpacked + (long)tokenCount * UpWidth;
            down.Multiply(context, input, tokenCount, (nint)narrowQueries, (nint)narrow);
            queryNorm!.Apply(context, narrowQueries, narrowQueries, tokenCount);
            query.Multiply(context, narrowQueries, tokenCount, (nint)queries);
        }
        for (int token = 0; token < tokenCount; token++)
            Copy(narrow + (long)token * NarrowWidth, vectors + (long)token * latent.KeyValueRank, latent.KeyValueRank);
        keyValueNorm.Apply(context, vectors, vectors, tokenCount);
        up.Multiply(context, vectors, tokenCount, (nint)unpacked, (nint)values);
        for (int token = 0; token < tokenCount; token++)
        {
            float* rotary = narrow + (long)token * NarrowWidth + latent.KeyValueRank;
            for (int head = 0; head < spec.HeadCount; head++)
            {
                long row = (long)token * spec.HeadCount + head;
                float* key = keys + row * spec.HeadSize;
                Copy(unpacked + row * Unrotated, key, Unrotated);
                Copy(rotary, key + Unrotated, Rotary);
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        down.Dispose();
        queryNorm?.Dispose();
        query?.Dispose();
        keyValueNorm.Dispose();
        up.Dispose();
    }

    private static void Copy(float* source, float* destination, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(destination, count));
}
