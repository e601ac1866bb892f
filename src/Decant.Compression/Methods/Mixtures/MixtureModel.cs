using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Methods.Mixtures;

/// <summary>The few facts about a model that mixture rules ask for.</summary>
/// <param name="Architecture">GGUF's name of the architecture.</param>
/// <param name="LayerCount">Blocks.</param>
/// <param name="HeadCount">Query heads of the first block.</param>
/// <param name="KeyValueHeadCount">Key-value heads of the first block.</param>
/// <param name="ExpertCount">Experts, 0 for none.</param>
public sealed record MixtureModel(string Architecture, int LayerCount, int HeadCount, int KeyValueHeadCount, int ExpertCount)
{
    /// <summary>Reads the facts from GGUF metadata; keys a model lacks count as zero, as in llama.cpp.</summary>
    /// <exception cref="BadFileException">No architecture, or a value of the wrong type.</exception>
    public static MixtureModel From(GgufMetadata metadata)
    {
        string architecture = metadata.GetString("general.architecture");
        int heads = First(metadata, architecture + ".attention.head_count");
        int keyValueHeads = metadata.Find(architecture + ".attention.head_count_kv") is null
            ? heads
            : First(metadata, architecture + ".attention.head_count_kv");
        return new MixtureModel(
            architecture, First(metadata, architecture + ".block_count"), heads, keyValueHeads, First(metadata, architecture + ".expert_count"));
    }

    /// <summary>The same of a model that is in no GGUF file.</summary>
    public static MixtureModel From(Model model)
    {
        AttentionSpec? attention = model.Spec.AttentionOf(StackKind.Main, 0);
        int layerCount = model.Spec.LayerCountOf(StackKind.Main);
        return new MixtureModel(
            ArchitectureRegistry.FindByName(model.ArchitectureName)!.GgufName ?? model.ArchitectureName, layerCount,
            attention?.HeadCount ?? 0, attention?.KeyValueHeadCount ?? 0, Enumerable.Range(0, layerCount).Select(model.Spec.ExpertCountOf).DefaultIfEmpty().Max());
    }

    /// <summary>Query heads per key-value head, rounded down; 0 without key-value heads.</summary>
    public int QueriesPerKeyValueHead => KeyValueHeadCount == 0 ? 0 : HeadCount / KeyValueHeadCount;

    /// <summary>True for Falcon.</summary>
    public bool IsFalcon => Architecture == "falcon";

    /// <summary>
    /// True for what llama.cpp calls its 70B type: Llama with 80 blocks and grouped queries, and the other architectures whose size of 80 blocks
    /// it calls so.
    /// </summary>
    public bool IsSeventyBillion => Architecture switch
    {
        "llama" => LayerCount == 80 && HeadCount != KeyValueHeadCount,
        "qwen2" or "deci" => LayerCount == 80,
        "jais2" => LayerCount == 68,
        _ => false,
    };

    /// <summary>An integer, or the first of an array with one value a layer.</summary>
    private static int First(GgufMetadata metadata, string key)
    {
        if (metadata.Find(key) is not { } value)
            return 0;
        long number = value.Type == GgufValueType.Array
            ? metadata.FindIntegers(key) is [long first, ..] ? first : 0
            : metadata.GetInteger(key);
        return number is >= 0 and <= int.MaxValue
            ? (int)number
            : throw BadFileException.Expected(metadata.Location, $"metadata key {key}", "a count", $"{number}");
    }
}
