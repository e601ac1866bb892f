namespace Decant.Core.Tokenizers.Models;

/// <summary>
/// GPT-2's printable stand-ins for bytes: 33–126, 161–172 and 174–255 stand for themselves, the other 68 are U+0100, U+0101, … in order.
/// </summary>
internal static class ByteLevelAlphabet
{
    private const int Count = 256 + 68;

    private static readonly char[] characterOfByte = new char[256];
    private static readonly short[] byteOfCharacter = new short[Count];

    static ByteLevelAlphabet()
    {
        byteOfCharacter.AsSpan().Fill(-1);
        char next = (char)256;
        for (int b = 0; b < 256; b++)
        {
            bool isPrintable = b is >= 33 and <= 126 or >= 161 and <= 172 or >= 174;
            char character = isPrintable ? (char)b : next++;
            characterOfByte[b] = character;
            byteOfCharacter[character] = (short)b;
        }
    }

    /// <summary>The stand-in of a byte.</summary>
    public static char CharacterOf(byte value) => characterOfByte[value];

    /// <summary>The byte a character stands for, or -1.</summary>
    public static int ByteOf(char character) => character < Count ? byteOfCharacter[character] : -1;

    /// <summary>Writes the stand-ins of bytes.</summary>
    public static void Map(ReadOnlySpan<byte> bytes, Span<char> characters)
    {
        for (int i = 0; i < bytes.Length; i++)
            characters[i] = characterOfByte[bytes[i]];
    }
}
