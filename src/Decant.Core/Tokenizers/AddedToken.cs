namespace Decant.Core.Tokenizers;

/// <summary>A token that is looked for in the text before anything else, as in <c>added_tokens</c> of tokenizer.json.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="IsSpecial">True if decoding can leave it out.</param>
/// <param name="SingleWord">True if it matches only where no word character touches it.</param>
/// <param name="StripsLeft">True if it swallows white space before it.</param>
/// <param name="StripsRight">True if it swallows white space after it.</param>
/// <param name="IsNormalized">True if it is looked for in normalized text, by its normalized name.</param>
/// <param name="IsLiteral">True if it goes by its own name in normalized text too, as SentencePiece's user-defined pieces do.</param>
internal sealed record AddedToken(
    int Id,
    string Content,
    bool IsSpecial = true,
    bool SingleWord = false,
    bool StripsLeft = false,
    bool StripsRight = false,
    bool IsNormalized = false,
    bool IsLiteral = false);
