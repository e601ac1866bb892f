using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PostProcessors;

/// <summary>Trims offsets if asked to; adds nothing.</summary>
internal sealed class ByteLevelPostProcessor(bool addPrefixSpace, bool trimOffsets, bool useRegex) : PostProcessor
{
    /// <inheritdoc/>
    public override EncodingBuilder Process(EncodingBuilder encoding, bool addSpecialTokens)
    {
        if (trimOffsets)
            OffsetTrimming.Trim(encoding, addPrefixSpace);
        return encoding;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = addPrefixSpace,
        ["trim_offsets"] = trimOffsets,
        ["use_regex"] = useRegex,
    };
}
