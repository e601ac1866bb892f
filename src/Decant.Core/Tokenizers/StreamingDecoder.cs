using Decant.Core.Tokenizers.Decoders;

namespace Decant.Core.Tokenizers;

/// <summary>
/// Decodes ids one at a time: a piece of text comes out as soon as no later id can change it; an unfinished character waits. The pieces and
/// the flush joined are what decoding all ids at once gives (but for byte tokens that are no valid UTF-8, where this gives one U+FFFD per
/// bad byte and decoding at once one per byte of the run, and special tokens whose names the normalizer changes, which only this skips). Not for several threads at a time.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly Tokenizer tokenizer;
    private readonly TokenStream stream;
    private readonly bool skipsSpecialTokens;

    internal StreamingDecoder(Tokenizer tokenizer, TokenStream stream, bool skipsSpecialTokens)
    {
        this.tokenizer = tokenizer;
        this.stream = stream;
        this.skipsSpecialTokens = skipsSpecialTokens;
    }

    /// <summary>Takes an id; returns the text that is certain now, often empty. Ids outside the vocabulary give nothing.</summary>
    public string Push(int id) =>
        tokenizer.FindDecodedText(id) is not { } text || skipsSpecialTokens && tokenizer.IsSpecial(id) ? "" : stream.Push(text);

    /// <summary>Ends the text; returns what was held back. The decoder is not used afterwards.</summary>
    public string Flush() => stream.Flush();
}
