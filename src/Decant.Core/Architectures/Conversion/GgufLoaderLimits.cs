namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// What llama.cpp's loader asks of the tensors of an architecture where Hugging Face's config has a choice. A file beyond these limits is complete, and Decant
/// reads it, but llama.cpp refuses it: conversion says so.
/// </summary>
internal sealed record GgufLoaderLimits
{
    /// <summary>The architecture has every form that a config may state.</summary>
    public static GgufLoaderLimits None { get; } = new();

    /// <summary>True if heads must share out the hidden size among them.</summary>
    public bool HeadsFillHidden { get; init; }

    /// <summary>Whether the head is the embedding (true) or a tensor of its own (false); null if it may be either.</summary>
    public bool? TiedHead { get; init; }

    /// <summary>Whether queries, keys and values have biases; null if they may.</summary>
    public bool? QueryKeyValueBias { get; init; }

    /// <summary>Whether the attention's output has a bias; null if it may.</summary>
    public bool? OutputBias { get; init; }

    /// <summary>Whether the feed-forward has biases; null if it may.</summary>
    public bool? FeedForwardBias { get; init; }

    /// <summary>Why llama.cpp does not load a model, in words, or null if it does as far as these limits go.</summary>
    public string? WhyRefused(DecoderSpec spec)
    {
        AttentionSpec attention = spec.Layers[0].Attention;
        string[] reasons =
        [
            .. HeadsFillHidden && attention.HeadCount * attention.HeadSize != spec.HiddenSize
                ? (string[])[$"heads of hidden size / heads numbers, where this one has {attention.HeadCount} heads of {attention.HeadSize} for a hidden size of {spec.HiddenSize}"] : [],
            .. Unlike(TiedHead, spec.Head.Tied, "a head that is the embedding", "a head of its own"),
            .. Unlike(QueryKeyValueBias, attention.QueryKeyValueBias, "biases of queries, keys and values", "none of them"),
            .. Unlike(OutputBias, attention.OutputBias, "a bias of the attention's output", "none"),
            .. Unlike(FeedForwardBias, spec.Layers[0].FeedForward.Bias, "biases of the feed-forward", "none of them"),
        ];
        return reasons.Length == 0 ? null : $"llama.cpp does not load this model: of this architecture it takes {string.Join("; and ", reasons)}";
    }

    private static string[] Unlike(bool? wanted, bool has, string with, string without) =>
        wanted is null || wanted == has ? [] : [has ? $"{without}, where this one has {with}" : $"{with}, where this one has {without}"];
}
