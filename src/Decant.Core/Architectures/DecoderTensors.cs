using System.Collections.Immutable;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>What the rows or columns of a decoder's tensor count.</summary>
public enum ModelAxis
{
    /// <summary>Token ids.</summary>
    Vocabulary,
    /// <summary>The residual stream.</summary>
    Hidden,
    /// <summary>Learned positions.</summary>
    Positions,
    /// <summary>Query heads × head size.</summary>
    Queries,
    /// <summary>Key-value heads × head size.</summary>
    Keys,
    /// <summary>Key-value heads × value size.</summary>
    Values,
    /// <summary>Query heads × value size: what the output projection reads.</summary>
    AttentionOutputs,
    /// <summary>Query heads.</summary>
    QueryHeads,
    /// <summary>Key-value heads.</summary>
    KeyValueHeads,
    /// <summary>One head.</summary>
    HeadSize,
    /// <summary>Inner units of the feed-forward part.</summary>
    Width,
    /// <summary>Experts.</summary>
    Experts,
    /// <summary>The token embedding where it is not as wide as the residual stream.</summary>
    Embedding,
    /// <summary>The queries' narrow vector.</summary>
    QueryRank,
    /// <summary>The keys' and values' narrow vector.</summary>
    KeyValueRank,
    /// <summary>The keys' and values' narrow vector and the rotated part of a key.</summary>
    KeyValueDown,
    /// <summary>Heads × the part of a key that is not rotated and a value.</summary>
    KeyValueUp,
    /// <summary>Inner units of the shared expert.</summary>
    SharedWidth,
    /// <summary>One number.</summary>
    One,
    /// <summary>Rotary frequencies.</summary>
    RotaryFrequencies,
}

/// <summary>A canonical tensor that a spec calls for.</summary>
/// <param name="Id">Which.</param>
/// <param name="Axes">What its dimensions count, outermost first.</param>
/// <param name="Shape">How many of each.</param>
public sealed record DecoderTensor(TensorId Id, ImmutableArray<ModelAxis> Axes, TensorShape Shape);

/// <summary>Lists the canonical tensors of a decoder: everything a checkpoint of this spec must hold, and nothing else.</summary>
public static class DecoderTensors
{
    /// <summary>The tensors in the order of computation: embedding, blocks, final norm, head.</summary>
    public static IReadOnlyList<DecoderTensor> List(DecoderSpec spec)
    {
        var list = new List<DecoderTensor>();
        (ModelAxis, long) vocabulary = (ModelAxis.Vocabulary, spec.VocabularySize), hidden = (ModelAxis.Hidden, spec.HiddenSize);
        (ModelAxis, long) embedding = spec.Embedding.Width is { } width ? (ModelAxis.Embedding, width) : hidden;
        Add(list, new(TensorRole.TokenEmbedding), vocabulary, embedding);
        if (spec.Embedding.Width is not null)
            Add(list, new(TensorRole.EmbeddingProjection), hidden, embedding);
        if (spec.Embedding.LearnedPositionCount is { } positions)
            Add(list, new(TensorRole.PositionEmbedding), (ModelAxis.Positions, (long)positions + spec.Embedding.LearnedPositionOffset), hidden);
        AddNorm(list, new(TensorRole.EmbeddingNorm), spec.Embedding.Norm, hidden);
        for (int layer = 0; layer < spec.Layers.Length; layer++)
            AddLayer(list, layer, spec.Layers[layer], hidden);
        AddNorm(list, new(TensorRole.FinalNorm), spec.FinalNorm, hidden);
        if (spec.Embedding.Width is not null)
            Add(list, new(TensorRole.HeadProjection), embedding, hidden);
        if (!spec.Head.Tied)
            Add(list, new(TensorRole.Head), vocabulary, embedding);
        if (spec.Head.Bias)
            Add(list, new(TensorRole.Head, Part: TensorPart.Bias), vocabulary);
        return list;
    }

    private static void AddLayer(List<DecoderTensor> list, int layer, LayerSpec spec, (ModelAxis, long) hidden)
    {
        AttentionSpec attention = spec.Attention;
        (ModelAxis, long) queries = (ModelAxis.Queries, (long)attention.HeadCount * attention.HeadSize);
        (ModelAxis, long) keys = (ModelAxis.Keys, (long)attention.KeyValueHeadCount * attention.HeadSize);
        (ModelAxis, long) values = (ModelAxis.Values, (long)attention.KeyValueHeadCount * attention.ValueSize);
        (ModelAxis, long) outputs = (ModelAxis.AttentionOutputs, (long)attention.HeadCount * attention.ValueSize);
        bool before = spec.NormPlacement.HasFlag(NormPlacement.BeforeBranch);
        bool after = (spec.NormPlacement & (NormPlacement.AfterBranch | NormPlacement.AfterSum)) != 0;

        if (before)
            AddNorm(list, new(TensorRole.AttentionNorm, layer), spec.Norm, hidden);
        if (attention.Latent is { } latent)
        {
            AddLatentProjections(list, layer, attention, latent, queries, hidden);
        }
        else
        {
            AddLinear(list, new(TensorRole.Query, layer), attention.QueryKeyValueBias, queries, hidden);
            AddLinear(list, new(TensorRole.Key, layer), attention.QueryKeyValueBias, keys, hidden);
            AddLinear(list, new(TensorRole.Value, layer), attention.QueryKeyValueBias, values, hidden);
        }
        AddQueryKeyNorm(list, layer, attention, queries, keys);
        AddNorm(list, new(TensorRole.AttentionOutputNorm, layer), attention.OutputNorm, outputs);
        AddLinear(list, new(TensorRole.AttentionOutput, layer), attention.OutputBias, hidden, outputs);
        if (after)
            AddNorm(list, new(TensorRole.AttentionPostNorm, layer), spec.Norm, hidden);
        if (before && !(spec.Form == BlockForm.Parallel && spec.SharedNorm))
            AddNorm(list, new(TensorRole.FeedForwardNorm, layer), spec.Norm, hidden);
        AddFeedForward(list, layer, spec.FeedForward, hidden);
        if (after)
            AddNorm(list, new(TensorRole.FeedForwardPostNorm, layer), spec.Norm, hidden);
    }

    private static void AddLatentProjections(
        List<DecoderTensor> list, int layer, AttentionSpec attention, LatentAttentionSpec latent, (ModelAxis, long) queries, (ModelAxis, long) hidden)
    {
        int rotary = attention.Rope?.RotaryCount ?? 0;
        (ModelAxis, long) queryInputs = hidden, rank = (ModelAxis.KeyValueRank, latent.KeyValueRank);
        if (latent.QueryRank is { } queryRank)
        {
            queryInputs = (ModelAxis.QueryRank, queryRank);
            AddLinear(list, new(TensorRole.QueryDown, layer), attention.QueryKeyValueBias, queryInputs, hidden);
            AddNorm(list, new(TensorRole.QueryDownNorm, layer), latent.Norm, queryInputs);
        }
        AddLinear(list, new(TensorRole.Query, layer), bias: false, queries, queryInputs);
        AddLinear(list, new(TensorRole.KeyValueDown, layer), attention.QueryKeyValueBias, (ModelAxis.KeyValueDown, latent.KeyValueRank + rotary), hidden);
        AddNorm(list, new(TensorRole.KeyValueDownNorm, layer), latent.Norm, rank);
        long perHead = attention.HeadSize - rotary + attention.ValueSize;
        AddLinear(list, new(TensorRole.KeyValueUp, layer), bias: false, (ModelAxis.KeyValueUp, attention.HeadCount * perHead), rank);
    }

    private static void AddQueryKeyNorm(
        List<DecoderTensor> list, int layer, AttentionSpec attention, (ModelAxis, long) queries, (ModelAxis, long) keys)
    {
        if (attention.QueryKeyNorm is not { } norm)
            return;
        (ModelAxis, long) head = (ModelAxis.HeadSize, attention.HeadSize);
        (ModelAxis, long)[] ofQuery = norm.Span switch
        {
            QueryKeyNormSpan.Head => [head],
            QueryKeyNormSpan.HeadWithOwnWeight => [(ModelAxis.QueryHeads, attention.HeadCount), head],
            _ => [queries],
        };
        (ModelAxis, long)[] ofKey = norm.Span switch
        {
            QueryKeyNormSpan.Head => [head],
            QueryKeyNormSpan.HeadWithOwnWeight => [(ModelAxis.KeyValueHeads, attention.KeyValueHeadCount), head],
            _ => [keys],
        };
        AddNorm(list, new(TensorRole.QueryNorm, layer), norm.Norm, ofQuery);
        AddNorm(list, new(TensorRole.KeyNorm, layer), norm.Norm, ofKey);
    }

    private static void AddFeedForward(List<DecoderTensor> list, int layer, FeedForwardSpec spec, (ModelAxis, long) hidden)
    {
        (ModelAxis, long) width = (ModelAxis.Width, spec.Width);
        if (spec.Experts is { } experts)
            AddRouter(list, layer, experts, hidden);
        for (int expert = 0; expert < (spec.Experts?.Count ?? 1); expert++)
        {
            int? index = spec.Experts is null ? null : expert;
            if (spec.Gated)
                AddLinear(list, new(TensorRole.Gate, layer, index), spec.Bias, width, hidden);
            AddLinear(list, new(TensorRole.Up, layer, index), spec.Bias, width, hidden);
            AddLinear(list, new(TensorRole.Down, layer, index), spec.Bias, hidden, width);
        }
        AddNorm(list, new(TensorRole.FeedForwardInnerNorm, layer), spec.InnerNorm, width);
        if (spec.Experts?.Shared is not { } shared)
            return;
        (ModelAxis, long) sharedWidth = (ModelAxis.SharedWidth, shared.Width);
        if (shared.Gated)
            Add(list, new(TensorRole.SharedRouter, layer), (ModelAxis.One, 1), hidden);
        if (spec.Gated)
            AddLinear(list, new(TensorRole.SharedGate, layer), spec.Bias, sharedWidth, hidden);
        AddLinear(list, new(TensorRole.SharedUp, layer), spec.Bias, sharedWidth, hidden);
        AddLinear(list, new(TensorRole.SharedDown, layer), spec.Bias, hidden, sharedWidth);
    }

    private static void AddRouter(List<DecoderTensor> list, int layer, ExpertsSpec experts, (ModelAxis, long) hidden)
    {
        Add(list, new(TensorRole.Router, layer), (ModelAxis.Experts, experts.Count), hidden);
        if (experts.ChoiceBias)
            Add(list, new(TensorRole.ExpertChoiceBias, layer), (ModelAxis.Experts, experts.Count));
    }

    private static void AddLinear(List<DecoderTensor> list, TensorId id, bool bias, (ModelAxis, long) outputs, (ModelAxis, long) inputs)
    {
        Add(list, id, outputs, inputs);
        if (bias)
            Add(list, id.Bias, outputs);
    }

    private static void AddNorm(List<DecoderTensor> list, TensorId id, NormSpec? norm, params ReadOnlySpan<(ModelAxis, long)> over)
    {
        if (norm is null)
            return;
        Add(list, id, over);
        if (norm.Bias)
            Add(list, id.Bias, over);
    }

    private static void Add(List<DecoderTensor> list, TensorId id, params ReadOnlySpan<(ModelAxis Axis, long Length)> dimensions)
    {
        var axes = ImmutableArray.CreateBuilder<ModelAxis>(dimensions.Length);
        Span<long> lengths = stackalloc long[dimensions.Length];
        for (int i = 0; i < dimensions.Length; i++)
        {
            axes.Add(dimensions[i].Axis);
            lengths[i] = dimensions[i].Length;
        }
        list.Add(new DecoderTensor(id, axes.MoveToImmutable(), new TensorShape(lengths)));
    }
}
