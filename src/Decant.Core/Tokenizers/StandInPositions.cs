using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers;

/// <summary>
/// Positions in a word written in <see cref="ByteLevelAlphabet"/>, where a byte takes one or two bytes of UTF-8. The reference counts so,
/// and it shows where a byte has no token: what follows moves forward by that many places.
/// </summary>
internal sealed class StandInPositions
{
    private readonly List<int> byteIndices = [];

    /// <summary>Lays out a word.</summary>
    public StandInPositions(ReadOnlySpan<byte> word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            byteIndices.Add(i);
            if (ByteLevelAlphabet.CharacterOf(word[i]) >= 0x80)
                byteIndices.Add(i);
        }
    }

    /// <summary>The source range of some stand-ins of a word.</summary>
    public TextRange SourceOf(AlignedText word, int start, int length)
    {
        int first = byteIndices[Math.Min(start, byteIndices.Count - 1)];
        int last = byteIndices[Math.Min(start + length, byteIndices.Count) - 1];
        return new TextRange(word.SourceOf(first).Start, word.SourceOf(last).End);
    }
}
