using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.Decoders;

/// <summary>Joins words by spaces, and to a word what goes on with it; perhaps takes away spaces that English does not write.</summary>
/// <param name="prefix">What stands before tokens that go on with a word.</param>
/// <param name="cleansUp">True to take away spaces before punctuation and within contractions, token by token.</param>
internal sealed class WordPieceDecoder(string prefix, bool cleansUp) : TokenDecoder
{
    private static readonly (string From, string To)[] cleaned =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"),
        (" 're", "'re"),
    ];

    /// <inheritdoc/>
    public override string Decode(IEnumerable<string> tokens) => string.Concat(tokens.Select((token, i) => Text(token, isFirst: i == 0)));

    /// <inheritdoc/>
    public override TokenStream Open() => new Stream(this);

    /// <inheritdoc/>
    public override JsonObject? ToJson() => new() { ["type"] = "WordPiece", ["prefix"] = prefix, ["cleanup"] = cleansUp };

    private string Text(string token, bool isFirst)
    {
        if (!isFirst)
            token = token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        if (!cleansUp)
            return token;
        foreach ((string from, string to) in cleaned)
            token = token.Replace(from, to, StringComparison.Ordinal);
        return token;
    }

    private sealed class Stream(WordPieceDecoder decoder) : TokenStream
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
