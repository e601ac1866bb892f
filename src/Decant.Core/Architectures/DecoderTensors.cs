using System.Collections.Immutable;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>Lists the canonical tensors of a decoder: everything a checkpoint of this spec must hold, and nothing else.</summary>
public static class DecoderTensors
{
    /// <summary>The tensors in the order of computation: embedding, blocks, final norm, head.</summary>
    public static IReadOnlyList<ModelTensor> List(DecoderSpec spec)
    {
        var list = new TensorList();
        (ModelAxis, long) vocabulary = (ModelAxis.Vocabulary, spec.VocabularySize), hidden = (ModelAxis.Hidden, spec.HiddenSize);
        (ModelAxis, long) embedding = spec.Embedding.Width is { } width ? (ModelAxis.Embedding, width) : hidden;
        list.Add(new(TensorRole.TokenEmbedding), vocabulary, embedding);
        if (spec.Embedding.Width is not null)
            list.Add(new(TensorRole.EmbeddingProjection), hidden, embedding);
        if (spec.Embedding.LearnedPositionCount is { } positions)
            list.Add(new(TensorRole.PositionEmbedding), (ModelAxis.Positions, (long)positions + spec.Embedding.LearnedPositionOffset), hidden);
        list.AddNorm(new(TensorRole.EmbeddingNorm), spec.Embedding.Norm, hidden);
        for (int layer = 0; layer < spec.Layers.Length; layer++)
            AddLayer(list, layer, spec.Layers[layer], hidden);
        list.AddNorm(new(TensorRole.FinalNorm), spec.FinalNorm, hidden);
        if (spec.Embedding.Width is not null)
            list.Add(new(TensorRole.HeadProjection), embedding, hidden);
        if (!spec.Head.Tied)
            list.Add(new(TensorRole.Head), vocabulary, embedding);
        if (spec.Head.Bias)
            list.Add(new(TensorRole.Head, Part: TensorPart.Bias), vocabulary);
        return list.Tensors;
    }

    /// <summary>Adds the tensors of a block, which encoders have too.</summary>
    internal static void AddLayer(TensorList list, int layer, LayerSpec spec, (ModelAxis, long) hidden)
    {
        AttentionSpec attention = spec.Attention;
        (ModelAxis, long) queries = (ModelAxis.Queries, (long)attention.HeadCount * attention.HeadSize);
        (ModelAxis, long) keys = (ModelAxis.Keys, (long)attention.KeyValueHeadCount * attention.HeadSize);
        (ModelAxis, long) values = (ModelAxis.Values, (long)attention.KeyValueHeadCount * attention.ValueSize);
        (ModelAxis, long) outputs = (ModelAxis.AttentionOutputs, (long)attention.HeadCount * attention.ValueSize);
        bool before = spec.NormPlacement.HasFlag(NormPlacement.BeforeBranch);
        bool after = (spec.NormPlacement & (NormPlacement.AfterBranch | NormPlacement.AfterSum)) != 0;

        if (before && !spec.SkipsAttentionNorm)
            list.AddNorm(new(TensorRole.AttentionNorm, layer), spec.Norm, hidden);
        if (attention.RelativeBias is { } bias && bias.TableLayer == layer)
            list.Add(new(TensorRole.RelativeBias, layer), (ModelAxis.Buckets, bias.BucketCount), (ModelAxis.QueryHeads, attention.HeadCount));
        if (attention.Latent is { } latent)
        {
            AddLatentProjections(list, layer, attention, latent, queries, hidden);
        }
        else
        {
            list.AddLinear(new(TensorRole.Query, layer), attention.QueryKeyValueBias, queries, hidden);
            list.AddLinear(new(TensorRole.Key, layer), attention.QueryKeyValueBias, keys, hidden);
            list.AddLinear(new(TensorRole.Value, layer), attention.QueryKeyValueBias, values, hidden);
        }
        AddQueryKeyNorm(list, layer, attention, queries, keys);
        list.AddNorm(new(TensorRole.AttentionOutputNorm, layer), attention.OutputNorm, outputs);
        list.AddLinear(new(TensorRole.AttentionOutput, layer), attention.OutputBias, hidden, outputs);
        if (after)
            list.AddNorm(new(TensorRole.AttentionPostNorm, layer), spec.Norm, hidden);
        if (spec.CrossAttention is { } cross)
            AddCrossAttention(list, layer, spec, cross, hidden);
        if (before && !(spec.Form == BlockForm.Parallel && spec.SharedNorm))
            list.AddNorm(new(TensorRole.FeedForwardNorm, layer), spec.Norm, hidden);
        AddFeedForward(list, layer, spec.FeedForward, hidden);
        if (after)
            list.AddNorm(new(TensorRole.FeedForwardPostNorm, layer), spec.Norm, hidden);
    }

    private static void AddCrossAttention(TensorList list, int layer, LayerSpec spec, AttentionSpec cross, (ModelAxis, long) hidden)
    {
        list.AddNorm(new(TensorRole.CrossAttentionNorm, layer), spec.Norm, hidden);
        list.AddLinear(new(TensorRole.CrossQuery, layer), cross.QueryKeyValueBias, (ModelAxis.Queries, (long)cross.HeadCount * cross.HeadSize), hidden);
        list.AddLinear(new(TensorRole.CrossKey, layer), cross.QueryKeyValueBias, (ModelAxis.Keys, (long)cross.KeyValueHeadCount * cross.HeadSize), hidden);
        list.AddLinear(new(TensorRole.CrossValue, layer), cross.QueryKeyValueBias, (ModelAxis.Values, (long)cross.KeyValueHeadCount * cross.ValueSize), hidden);
        list.AddLinear(new(TensorRole.CrossAttentionOutput, layer), cross.OutputBias, hidden, (ModelAxis.AttentionOutputs, (long)cross.HeadCount * cross.ValueSize));
    }

    private static void AddLatentProjections(
        TensorList list, int layer, AttentionSpec attention, LatentAttentionSpec latent, (ModelAxis, long) queries, (ModelAxis, long) hidden)
    {
        int rotary = attention.Rope?.RotaryCount ?? 0;
        (ModelAxis, long) queryInputs = hidden, rank = (ModelAxis.KeyValueRank, latent.KeyValueRank);
        if (latent.QueryRank is { } queryRank)
        {
            queryInputs = (ModelAxis.QueryRank, queryRank);
            list.AddLinear(new(TensorRole.QueryDown, layer), attention.QueryKeyValueBias, queryInputs, hidden);
            list.AddNorm(new(TensorRole.QueryDownNorm, layer), latent.Norm, queryInputs);
        }
        list.AddLinear(new(TensorRole.Query, layer), bias: false, queries, queryInputs);
        list.AddLinear(new(TensorRole.KeyValueDown, layer), attention.QueryKeyValueBias, (ModelAxis.KeyValueDown, latent.KeyValueRank + rotary), hidden);
        list.AddNorm(new(TensorRole.KeyValueDownNorm, layer), latent.Norm, rank);
        list.AddLinear(new(TensorRole.KeyUp, layer), bias: false, (ModelAxis.KeyUp, (long)attention.HeadCount * (attention.HeadSize - rotary)), rank);
        list.AddLinear(new(TensorRole.ValueUp, layer), bias: false, (ModelAxis.ValueUp, (long)attention.HeadCount * attention.ValueSize), rank);
    }

    private static void AddQueryKeyNorm(
        TensorList list, int layer, AttentionSpec attention, (ModelAxis, long) queries, (ModelAxis, long) keys)
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
        list.AddNorm(new(TensorRole.QueryNorm, layer), norm.Norm, ofQuery);
        list.AddNorm(new(TensorRole.KeyNorm, layer), norm.Norm, ofKey);
    }

    private static void AddFeedForward(TensorList list, int layer, FeedForwardSpec spec, (ModelAxis, long) hidden)
    {
        (ModelAxis, long) width = (spec.Experts is null ? ModelAxis.Width : ModelAxis.ExpertWidth, spec.Width);
        if (spec.Experts is { } experts)
            AddRouter(list, layer, experts, hidden);
        for (int expert = 0; expert < (spec.Experts?.Count ?? 1); expert++)
        {
            int? index = spec.Experts is null ? null : expert;
            if (spec.Gated)
                list.AddLinear(new(TensorRole.Gate, layer, index), spec.Bias, width, hidden);
            list.AddLinear(new(TensorRole.Up, layer, index), spec.Bias, width, hidden);
            list.AddLinear(new(TensorRole.Down, layer, index), spec.Bias, hidden, width);
        }
        list.AddNorm(new(TensorRole.FeedForwardInnerNorm, layer), spec.InnerNorm, width);
        if (spec.Experts?.Shared is not { } shared)
            return;
        (ModelAxis, long) sharedWidth = (ModelAxis.SharedWidth, shared.Width);
        if (shared.Gated)
            list.Add(new(TensorRole.SharedRouter, layer), (ModelAxis.One, 1), hidden);
        if (spec.Gated)
            list.AddLinear(new(TensorRole.SharedGate, layer), spec.Bias, sharedWidth, hidden);
        list.AddLinear(new(TensorRole.SharedUp, layer), spec.Bias, sharedWidth, hidden);
        list.AddLinear(new(TensorRole.SharedDown, layer), spec.Bias, hidden, sharedWidth);
    }

    private static void AddRouter(TensorList list, int layer, ExpertsSpec experts, (ModelAxis, long) hidden)
    {
        list.Add(new(TensorRole.Router, layer), (ModelAxis.Experts, experts.Count), hidden);
        if (experts.ChoiceBias)
            list.Add(new(TensorRole.ExpertChoiceBias, layer), (ModelAxis.Experts, experts.Count));
    }
}
