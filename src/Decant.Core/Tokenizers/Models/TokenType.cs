namespace Decant.Core.Tokenizers.Models;

/// <summary>What a token is for, by SentencePiece's numbers, which GGUF has in <c>tokenizer.ggml.token_type</c> too.</summary>
internal enum TokenType
{
    /// <summary>An ordinary piece.</summary>
    Normal = 1,
    /// <summary>The unknown token.</summary>
    Unknown = 2,
    /// <summary>A control token: found in text where special tokens are parsed, left out of decoded text.</summary>
    Control = 3,
    /// <summary>A piece found in text before anything else.</summary>
    UserDefined = 4,
    /// <summary>An id that no text produces.</summary>
    Unused = 5,
    /// <summary>A byte under byte fallback.</summary>
    Byte = 6,
}
