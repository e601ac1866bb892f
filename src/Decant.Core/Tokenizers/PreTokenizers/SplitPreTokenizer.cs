using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Splits by one of the known patterns; its matches cover the text, so <c>Isolated</c> is all the behaviour they have.</summary>
internal sealed class SplitPreTokenizer(SplitPattern pattern) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(WordList words) => words.Split(pattern.Splitter);

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { ["Regex"] = pattern.Regex },
        ["behavior"] = "Isolated",
        ["invert"] = false,
    };
}
