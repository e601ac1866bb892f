using System.Text;
using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.SentencePiece;

/// <summary>
/// SentencePiece's whole words: each begins with ▁ (also where <c>treat_whitespace_as_suffix</c> puts it last in the pieces, as there) and is a token, or unknown;
/// neighbouring unknown words are one.
/// </summary>
/// <param name="vocabulary">The words.</param>
/// <param name="unknownId">The unknown token.</param>
/// <param name="hasByteFallback">True if unknown words become bytes (<c>&lt;0x41&gt;</c>).</param>
internal sealed class SentencePieceWordModel(ModelVocabulary vocabulary, int unknownId, bool hasByteFallback) : TokenModel
{
    private static readonly byte[] mark = Encoding.UTF8.GetBytes("\u2581");

    private readonly int[] byteTokens = ByteTokens.Find(vocabulary);

    /// <inheritdoc/>
    public override string Kind => "word level";

    /// <inheritdoc/>
    public override ModelVocabulary Vocabulary => vocabulary;

    /// <inheritdoc/>
    public override int? VerbatimId => unknownId;

    /// <inheritdoc/>
    public override void Tokenize(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
        int unknownLength = 0;
        for (int start = 0; start < word.Length;)
        {
            int length = LengthOfFirst(word[start..]);
            ReadOnlySpan<byte> one = word.Slice(start, length);
            start += length;
            if (vocabulary.FindUtf8(one) is { } id && id != unknownId)
            {
                Flush(ref unknownLength, tokens);
                tokens.Add(id, length);
            }
            else if (hasByteFallback)
            {
                foreach (byte b in one)
                    tokens.Add(byteTokens[b], 1);
            }
            else
            {
                unknownLength += length;
            }
        }
        Flush(ref unknownLength, tokens);
    }

    /// <summary>Not possible: words of tokenizer.json stay by themselves where they are unknown.</summary>
    /// <exception cref="NotSupportedModelException">Always.</exception>
    public override void WriteJson(Utf8JsonWriter writer) =>
        throw new NotSupportedModelException("A SentencePiece model of whole words has no form in tokenizer.json; keep its tokenizer.model.");

    private void Flush(ref int unknownLength, TokenBuffer tokens)
    {
        if (unknownLength > 0)
            tokens.Add(unknownId, unknownLength);
        unknownLength = 0;
    }

    private static int LengthOfFirst(ReadOnlySpan<byte> text)
    {
        int next = text[1..].IndexOf(mark);
        return next < 0 ? text.Length : 1 + next;
    }
}
