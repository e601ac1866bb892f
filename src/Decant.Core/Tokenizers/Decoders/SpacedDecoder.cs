using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.Decoders;

/// <summary>What a tokenizer without decoder does: tokens joined by spaces.</summary>
internal sealed class SpacedDecoder : TokenDecoder
{
    /// <inheritdoc/>
    public override string Decode(IEnumerable<string> tokens) => string.Join(' ', tokens);

    /// <inheritdoc/>
    public override TokenStream Open() => new Stream();

    /// <inheritdoc/>
    public override JsonObject? ToJson() => null;

    private sealed class Stream : TokenStream
    {
        private bool hasBegun;

        public override string Push(string token)
        {
            string text = hasBegun ? " " + token : token;
            hasBegun = true;
            return text;
        }

        public override string Flush() => "";
    }
}
