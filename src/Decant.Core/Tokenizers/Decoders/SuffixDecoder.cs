using System.Text;
using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.Decoders;

/// <summary>GPT-1's decoder, <c>BPEDecoder</c> in tokenizer.json: the mark at a word's end becomes a space, in the last token nothing.</summary>
/// <param name="suffix">The mark.</param>
internal sealed class SuffixDecoder(string suffix) : TokenDecoder
{
    /// <inheritdoc/>
    public override string Decode(IEnumerable<string> tokens)
    {
        var text = new StringBuilder();
        var stream = new Stream(suffix);
        foreach (string token in tokens)
            text.Append(stream.Push(token));
        return text.Append(stream.Flush()).ToString();
    }

    /// <inheritdoc/>
    public override TokenStream Open() => new Stream(suffix);

    /// <inheritdoc/>
    public override JsonObject? ToJson() => new() { ["type"] = "BPEDecoder", ["suffix"] = suffix };

    // What comes after the first mark of a token waits for the next token, which decides what the marks become.
    private sealed class Stream(string suffix) : TokenStream
    {
        private string waiting = "";

        public override string Push(string token)
        {
            string text = waiting.Replace(suffix, " ", StringComparison.Ordinal);
            int mark = token.IndexOf(suffix, StringComparison.Ordinal);
            waiting = mark < 0 ? "" : token[mark..];
            return text + (mark < 0 ? token : token[..mark]);
        }

        public override string Flush()
        {
            string text = waiting.Replace(suffix, "", StringComparison.Ordinal);
            waiting = "";
            return text;
        }
    }
}
