using System.Buffers.Binary;
using System.Text;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>
/// SentencePiece's map of characters (<c>precompiled_charsmap</c>): a trie of UTF-8 byte strings as a double array of 32-bit units, and the strings they
/// become, each ended by a zero byte.
/// <code>
///   4 bytes  length of the trie in bytes, little-endian
///   trie     units: bits 0–7 label, bit 8 has a value, bit 9 and bits 10–30 offset, bit 31 is a value
///   strings  UTF-8, zero-terminated
/// </code>
/// </summary>
internal sealed class CharacterMap
{
    private readonly uint[] units;
    private readonly byte[] strings;

    private CharacterMap(uint[] units, byte[] strings, byte[] encoded)
    {
        this.units = units;
        this.strings = strings;
        Encoded = encoded;
    }

    /// <summary>The map as it is stored.</summary>
    public byte[] Encoded { get; }

    /// <summary>Reads a map.</summary>
    /// <returns>Null if the lengths do not fit.</returns>
    public static CharacterMap? TryRead(byte[] encoded)
    {
        if (encoded.Length < sizeof(uint))
            return null;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(encoded);
        if (length % sizeof(uint) != 0 || length > encoded.Length - sizeof(uint))
            return null;
        uint[] units = new uint[length / sizeof(uint)];
        for (int i = 0; i < units.Length; i++)
            units[i] = BinaryPrimitives.ReadUInt32LittleEndian(encoded.AsSpan(sizeof(uint) * (i + 1)));
        return new CharacterMap(units, encoded[(sizeof(uint) + (int)length)..], encoded);
    }

    /// <summary>What the shortest string of the map that <paramref name="text"/> begins with becomes.</summary>
    /// <returns>False if there is none.</returns>
    public bool TryFind(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement)
    {
        replacement = default;
        if (units.Length == 0)
            return false;
        uint position = Offset(units[0]);
        foreach (byte label in text)
        {
            if (label == 0)
                return false;
            position ^= label;
            if (position >= units.Length)
                return false;
            uint unit = units[position];
            if ((unit & 0x8000_00FF) != label)
                return false;
            position ^= Offset(unit);
            if ((unit >> 8 & 1) == 0)
                continue;
            if (position >= units.Length)
                return false;
            int start = (int)(units[position] & 0x7FFF_FFFF);
            if (start >= strings.Length)
                return false;
            int end = strings.AsSpan(start).IndexOf((byte)0);
            replacement = end < 0 ? strings.AsSpan(start) : strings.AsSpan(start, end);
            return true;
        }
        return false;
    }

    /// <summary>True if all its strings are UTF-8.</summary>
    public bool IsValid() => System.Text.Unicode.Utf8.IsValid(strings);

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);
}
