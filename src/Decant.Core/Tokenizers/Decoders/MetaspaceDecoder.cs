using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.Decoders;

/// <summary>▁ becomes a space, but in the first token nothing, if one was put in front.</summary>
internal sealed class MetaspaceDecoder(string replacement, PrependScheme scheme, bool splits) : TokenDecoder
{
    /// <inheritdoc/>
    public override string Decode(IEnumerable<string> tokens) => string.Concat(tokens.Select((token, i) => Text(token, isFirst: i == 0)));

    /// <inheritdoc/>
    public override TokenStream Open() => new Stream(this);

    /// <inheritdoc/>
    public override JsonObject? ToJson() => new()
    {
        ["type"] = "Metaspace",
        ["replacement"] = replacement,
        ["prepend_scheme"] = MetaspacePreTokenizer.SchemeName(scheme),
        ["split"] = splits,
    };

    private string Text(string token, bool isFirst) =>
        token.Replace(replacement, isFirst && scheme != PrependScheme.Never ? "" : " ", StringComparison.Ordinal);

    private sealed class Stream(MetaspaceDecoder decoder) : TokenStream
    {
        private bool hasBegun;

        public override string Push(string token)
        {
            string text = decoder.Text(token, !hasBegun);
            hasBegun = true;
            return text;
        }

        public override string Flush() => "";
    }
}
