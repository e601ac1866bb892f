using System.Text;
using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Splits at a string, which stays with what is before it (<c>MergedWithPrevious</c>; of several in a row all but the first stand alone).</summary>
internal sealed class LiteralSplitPreTokenizer(string delimiter) : PreTokenizer, ISplitter
{
    private readonly byte[] utf8 = Encoding.UTF8.GetBytes(delimiter);

    /// <inheritdoc/>
    public override void Apply(WordList words)
    {
        // Gemma's has nothing to find: its spaces are ▁ by now.
        if (words.Text.Bytes.IndexOf(utf8) >= 0)
            words.Split(this);
    }

    /// <inheritdoc/>
    public int NextEnd(ReadOnlySpan<byte> text, int start)
    {
        int match = text[start..].IndexOf(utf8);
        return match < 0 ? text.Length : start + match + utf8.Length;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { ["String"] = delimiter },
        ["behavior"] = "MergedWithPrevious",
        ["invert"] = false,
    };
}
