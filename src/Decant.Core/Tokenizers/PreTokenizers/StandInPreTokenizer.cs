using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>
/// A pre-tokenizer behind ByteLevel (Falcon has some): it sees each byte as its character in <see cref="ByteLevelAlphabet"/>, some of which are letters or digits
/// where the bytes are parts of other characters.
/// </summary>
/// <param name="part">The pre-tokenizer.</param>
internal sealed class StandInPreTokenizer(PreTokenizer part) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(WordList words) => words.Cut(Cut);

    /// <inheritdoc/>
    public override JsonObject ToJson() => part.ToJson();

    private void Cut(ReadOnlySpan<byte> word, List<Word> pieces)
    {
        byte[] standIns = new byte[word.Length * 2];
        int[] indices = new int[word.Length * 2 + 1];
        int length = 0;
        for (int i = 0; i < word.Length; i++)
        {
            indices[length] = i;
            length += Utf8.Write(ByteLevelAlphabet.CharacterOf(word[i]), standIns.AsSpan(length));
        }
        indices[length] = word.Length;
        var inner = new WordList(new AlignedText(standIns, 0, length, null, null, true, length));
        part.Apply(inner);
        foreach (Word piece in inner.Words)
        {
            int start = indices[piece.Start];
            pieces.Add(new Word(start, indices[piece.Start + piece.Length] - start));
        }
    }
}
