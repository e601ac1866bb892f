using Decant.Core.Architectures.Configuration;
using Decant.Core.Errors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>The sizes a GGUF file states; head counts and feed-forward widths may differ between layers.</summary>
internal sealed record GgufDimensions
{
    /// <summary>Token ids.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Hidden { get; init; }

    /// <summary>Context length.</summary>
    public required int Context { get; init; }

    /// <summary>Blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads of each layer.</summary>
    public required int[] Heads { get; init; }

    /// <summary>Key-value heads of each layer.</summary>
    public required int[] KeyValueHeads { get; init; }

    /// <summary>Elements of a query or key head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Elements of a value head.</summary>
    public required int ValueSize { get; init; }

    /// <summary>Feed-forward width of each layer.</summary>
    public required int[] Width { get; init; }

    /// <summary>Reads them, with llama.cpp's defaults.</summary>
    public static GgufDimensions Read(GgufSpecReader file)
    {
        int layers = file.GetCount("block_count", DecoderDimensions.MaximumLayers);
        int hidden = file.GetCount("embedding_length");
        int[] heads = file.GetPerLayer("attention.head_count", layers, DecoderDimensions.MaximumHeads);
        int[] keyValueHeads = file.GetPerLayer("attention.head_count_kv", layers, DecoderDimensions.MaximumHeads, absent: heads);
        for (int layer = 0; layer < layers; layer++)
        {
            if (heads[layer] % keyValueHeads[layer] != 0)
                throw BadFileException.Expected(
                    file.Location, $"metadata key {file.KeyOf("attention.head_count_kv")}", $"a divisor of the {heads[layer]} query heads", $"{keyValueHeads[layer]}");
        }
        int? keyLength = file.FindCount("attention.key_length", DecoderDimensions.MaximumHeads);
        int? valueLength = file.FindCount("attention.value_length", DecoderDimensions.MaximumHeads);
        if ((keyLength is null || valueLength is null) && hidden % heads[0] != 0)
            throw BadFileException.Expected(file.Location, $"metadata key {file.KeyOf("attention.head_count")}", $"a divisor of embedding_length {hidden}", $"{heads[0]}");
        if (file.GetFlag("attention.causal", absent: true) == false)
            throw file.NotSupported("attention.causal", "false", "true");
        return new()
        {
            Vocabulary = file.Vocabulary(),
            Hidden = hidden,
            Context = file.GetCount("context_length"),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = keyLength ?? hidden / heads[0],
            ValueSize = valueLength ?? hidden / heads[0],
            Width = file.GetPerLayer("feed_forward_length", layers, ConfigReader.MaximumCount),
        };
    }

    /// <summary>Attention of a layer, without biases, norms, windows and rotation.</summary>
    public AttentionSpec Attention(int layer, float? scale = null) => new()
    {
        HeadCount = Heads[layer],
        KeyValueHeadCount = KeyValueHeads[layer],
        HeadSize = HeadSize,
        ValueSize = ValueSize,
        Scale = scale ?? DecoderDimensions.ScaleOf(HeadSize),
    };

    /// <summary>The mixture of experts.</summary>
    /// <param name="file">The file.</param>
    /// <param name="renormalise">Whether llama.cpp divides the chosen weights by their sum for this architecture.</param>
    public ExpertsSpec Experts(GgufSpecReader file, bool renormalise)
    {
        int experts = file.GetCount("expert_count", DecoderDimensions.MaximumExperts / Layers);
        return new(experts, file.GetCount("expert_used_count", experts), file.GetFlag("expert_weights_norm", renormalise));
    }

    /// <summary>The window of every layer.</summary>
    /// <param name="file">The file.</param>
    /// <param name="usual">Which layers have it if the file states no pattern.</param>
    /// <param name="absent">The window if the file states none.</param>
    public int?[] Windows(GgufSpecReader file, Func<int, bool> usual, int? absent = null)
    {
        int? window = file.FindCountOrZero("attention.sliding_window") ?? absent;
        bool[] pattern = file.FindWindowPattern(Layers) ?? [.. Enumerable.Range(0, Layers).Select(usual)];
        return [.. pattern.Select(has => has && window > 0 ? window : null)];
    }
}
