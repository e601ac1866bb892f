using System.Text.Json.Nodes;
using Decant.Core.Errors;

namespace Decant.Core.Architectures.Configuration;

/// <summary>The sizes that every decoder's config states, whatever the keys are called.</summary>
internal sealed record DecoderDimensions
{
    /// <summary>The most blocks a config may state.</summary>
    public const int MaximumLayers = 1024;

    /// <summary>The most heads, or elements of a head, a config may state.</summary>
    public const int MaximumHeads = 1 << 16;

    /// <summary>The most experts a config may state, over all layers: 65536 covers the largest published models three times.</summary>
    public const int MaximumExperts = 1 << 16;

    /// <summary>Token ids.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Hidden { get; init; }

    /// <summary>Context length.</summary>
    public required int Context { get; init; }

    /// <summary>Blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Elements of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Inner width of the feed-forward part.</summary>
    public required int Width { get; init; }

    /// <summary>1 / √head size, the usual factor on q·k.</summary>
    public float UsualScale => ScaleOf(HeadSize);

    /// <summary>1 / √n in double precision, rounded once.</summary>
    public static float ScaleOf(double n) => (float)(1 / Math.Sqrt(n));

    /// <summary>Reads them from a config.</summary>
    /// <param name="config">The config.</param>
    /// <param name="keys">How it spells the keys.</param>
    /// <param name="defaultContext">The context length if the config states none.</param>
    /// <param name="defaultKeyValueHeads">Key-value heads if the config has no such key; null means as many as query heads.</param>
    /// <param name="defaultHeadSize">The head size if the config has no such key; null means hidden / heads.</param>
    public static DecoderDimensions Read(
        ConfigReader config, ConfigKeys keys, int defaultContext, int? defaultKeyValueHeads = null, int? defaultHeadSize = null)
    {
        int hidden = config.GetCount(keys.Hidden);
        int heads = config.GetCount(keys.Heads, MaximumHeads);
        // A null stands for "as many as query heads", a missing key for the family's default.
        int keyValueHeads = config.FindCount(keys.KeyValueHeads, MaximumHeads)
            ?? (config.HasEvenNull(keys.KeyValueHeads) ? heads : defaultKeyValueHeads ?? heads);
        if (heads % keyValueHeads != 0)
            throw config.Contradiction(keys.KeyValueHeads, $"a divisor of {keys.Heads} = {heads}");
        int? headSize = config.FindCount(keys.HeadSize, MaximumHeads);
        if (headSize is null && !config.HasEvenNull(keys.HeadSize))
            headSize = defaultHeadSize;
        if (headSize is null && hidden % heads != 0)
            throw config.Contradiction(keys.Heads, $"a divisor of {keys.Hidden} = {hidden}");
        return new()
        {
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = headSize ?? hidden / heads,
            Vocabulary = config.GetCount(keys.Vocabulary),
            Layers = config.GetCount(keys.Layers, MaximumLayers),
            Width = config.GetCount(keys.Width),
            Context = config.FindCount(keys.Context) ?? defaultContext,
        };
    }

    /// <summary>Reads the sizes of a family whose heads divide the stream among them and have keys and values of their own each.</summary>
    /// <param name="config">The config.</param>
    /// <param name="keys">How it spells the keys.</param>
    /// <param name="defaultContext">The context length if the config states none.</param>
    /// <param name="width">Inner width of the feed-forward part, given the hidden size.</param>
    public static DecoderDimensions ReadMultiHead(ConfigReader config, ConfigKeys keys, int defaultContext, Func<int, int> width)
    {
        int hidden = config.GetCount(keys.Hidden), heads = config.GetCount(keys.Heads, MaximumHeads);
        if (hidden % heads != 0)
            throw config.Contradiction(keys.Heads, $"a divisor of {keys.Hidden} = {hidden}");
        return new()
        {
            Vocabulary = config.GetCount(keys.Vocabulary),
            Hidden = hidden,
            Context = config.FindCount(keys.Context) ?? defaultContext,
            Layers = config.GetCount(keys.Layers, MaximumLayers),
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = hidden / heads,
            Width = width(hidden),
        };
    }

    /// <summary>The sizes of a spec whose blocks are all alike.</summary>
    /// <exception cref="NotSupportedModelException">They are not alike, so no config of this form can describe them.</exception>
    public static DecoderDimensions Of(DecoderSpec spec)
    {
        LayerSpec first = spec.Layers[0];
        // Blocks with and without experts have widths of their own, which have keys of their own.
        LayerSpec dense = spec.Layers.FirstOrDefault(layer => layer.FeedForward.Experts is null) ?? first;
        foreach (LayerSpec layer in spec.Layers)
        {
            LayerSpec alike = layer.FeedForward.Experts is null ? dense : spec.Layers.First(other => other.FeedForward.Experts is not null);
            if (layer.Attention.HeadCount != first.Attention.HeadCount || layer.Attention.KeyValueHeadCount != first.Attention.KeyValueHeadCount
                || layer.Attention.HeadSize != first.Attention.HeadSize || layer.FeedForward.Width != alike.FeedForward.Width)
                throw new NotSupportedModelException("A Hugging Face config states one head count and one feed-forward width for all blocks; these blocks differ.");
        }
        return new()
        {
            Hidden = spec.HiddenSize,
            Heads = first.Attention.HeadCount,
            KeyValueHeads = first.Attention.KeyValueHeadCount,
            HeadSize = first.Attention.HeadSize,
            Vocabulary = spec.VocabularySize,
            Layers = spec.Layers.Length,
            Width = dense.FeedForward.Width,
            Context = spec.ContextLength,
        };
    }

    /// <summary>Writes them as the usual keys.</summary>
    public void Write(JsonObject config, ConfigKeys keys)
    {
        config[keys.Hidden] = Hidden;
        config[keys.Heads] = Heads;
        config[keys.KeyValueHeads] = KeyValueHeads;
        config[keys.HeadSize] = HeadSize;
        config[keys.Vocabulary] = Vocabulary;
        config[keys.Layers] = Layers;
        config[keys.Width] = Width;
        config[keys.Context] = Context;
    }
}
