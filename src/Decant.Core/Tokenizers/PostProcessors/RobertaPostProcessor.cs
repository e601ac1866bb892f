using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PostProcessors;

/// <summary>RoBERTa's: trims offsets if asked to, then a start token before the text and a separator behind it.</summary>
internal sealed class RobertaPostProcessor((string Token, int Id) separator, (string Token, int Id) start, bool trimOffsets, bool addPrefixSpace) : PostProcessor
{
    /// <inheritdoc/>
    public override EncodingBuilder Process(EncodingBuilder encoding, bool addSpecialTokens)
    {
        if (trimOffsets)
            OffsetTrimming.Trim(encoding, addPrefixSpace);
        if (!addSpecialTokens)
            return encoding;
        return BertPostProcessor.Surround(encoding, start, separator);
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "RobertaProcessing",
        ["sep"] = new JsonArray(separator.Token, separator.Id),
        ["cls"] = new JsonArray(start.Token, start.Id),
        ["trim_offsets"] = trimOffsets,
        ["add_prefix_space"] = addPrefixSpace,
    };
}
