using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PostProcessors;

/// <summary>Takes spaces out of the offsets of byte-level tokens.</summary>
internal static class OffsetTrimming
{
    private static readonly char spaceCharacter = ByteLevelAlphabet.CharacterOf((byte)' ');

    /// <summary>
    /// Moves every token's offsets past its leading and before its trailing spaces. If a space was put in front of the text, one leading space
    /// of a token at the start is that one, has no place in the text and counts for nothing.
    /// </summary>
    public static void Trim(EncodingBuilder encoding, bool addsPrefixSpace)
    {
        if (encoding.Offsets is not { } offsets)
            return;
        for (int i = 0; i < offsets.Count; i++)
        {
            string token = encoding.Tokens![i];
            int leading = 0;
            while (leading < token.Length && IsSpace(token[leading]))
                leading++;
            int trailing = 0;
            while (trailing < token.Length && IsSpace(token[^(trailing + 1)]))
                trailing++;
            (int start, int end) = (offsets[i].Start, offsets[i].End);
            if (leading > 0)
            {
                if ((i == 0 || start == 0) && addsPrefixSpace && leading == 1)
                    leading = 0;
                start = Math.Min(start + leading, end);
            }
            if (trailing > 0 && end >= trailing)
                end = Math.Max(end - trailing, start);
            offsets[i] = new TextRange(start, end);
        }
    }

    private static bool IsSpace(char character) =>
        character == spaceCharacter || (CodePointClasses.Of(character) & CodePointClass.WhiteSpace) != 0;
}
