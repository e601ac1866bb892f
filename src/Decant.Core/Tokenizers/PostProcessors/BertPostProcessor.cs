using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PostProcessors;

/// <summary>BERT's: a start token before the text and a separator behind it.</summary>
/// <param name="separator">The separator.</param>
/// <param name="start">The start token.</param>
internal sealed class BertPostProcessor((string Token, int Id) separator, (string Token, int Id) start) : PostProcessor
{
    /// <summary>A token before the others and one behind them; both have offsets (0, 0).</summary>
    public static EncodingBuilder Surround(EncodingBuilder encoding, (string Token, int Id) before, (string Token, int Id) after)
    {
        EncodingBuilder result = encoding.CreateEmpty();
        result.Add(before.Id, before.Token, default);
        result.Add(encoding);
        result.Add(after.Id, after.Token, default);
        return result;
    }

    /// <inheritdoc/>
    public override EncodingBuilder Process(EncodingBuilder encoding, bool addSpecialTokens) =>
        addSpecialTokens ? Surround(encoding, start, separator) : encoding;

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "BertProcessing",
        ["sep"] = new JsonArray(separator.Token, separator.Id),
        ["cls"] = new JsonArray(start.Token, start.Id),
    };
}
