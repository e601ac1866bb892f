namespace Decant.Core.Tokenizers;

/// <summary>A range of a text, in Unicode code points (not UTF-16 units, not bytes).</summary>
/// <param name="Start">The first code point.</param>
/// <param name="End">One past the last.</param>
public readonly record struct TextRange(int Start, int End);

/// <summary>A tokenized text: three lists of equal length.</summary>
/// <param name="Ids">Token ids.</param>
/// <param name="Tokens">
/// The tokens' own texts (with Ġ, ▁ and the like); for an added token found in the text, what it matched there, swallowed spaces included.
/// </param>
/// <param name="Offsets">Where in the text each token came from; (0, 0) for tokens that the tokenizer's template put in.</param>
public sealed record TokenEncoding(IReadOnlyList<int> Ids, IReadOnlyList<string> Tokens, IReadOnlyList<TextRange> Offsets);
