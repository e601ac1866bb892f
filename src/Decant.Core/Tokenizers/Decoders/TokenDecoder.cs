using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.Decoders;

/// <summary>Turns token texts back into text, all at once or one by one.</summary>
internal abstract class TokenDecoder
{
    /// <summary>Decodes all tokens at once.</summary>
    public abstract string Decode(IEnumerable<string> tokens);

    /// <summary>Starts decoding token by token.</summary>
    public abstract TokenStream Open();

    /// <summary>The part as tokenizer.json writes it; null for none.</summary>
    public abstract JsonObject? ToJson();
}

/// <summary>
/// Decoding in progress: text comes out as soon as no later token can change it, and unfinished characters are held back.
/// </summary>
internal abstract class TokenStream
{
    /// <summary>Takes a token; returns the text that is certain now.</summary>
    public abstract string Push(string token);

    /// <summary>Ends the stream; returns what was held back.</summary>
    public abstract string Flush();
}
