using System.Buffers.Binary;
using Decant.Core.Errors;

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
    private const uint LabelMask = 0x8000_00FF;
    private const uint HasValue = 0x100;
    private const uint ValueMask = 0x7FFF_FFFF;

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

    /// <summary>Reads a map and walks all of it.</summary>
    /// <param name="encoded">The map as it is stored.</param>
    /// <param name="location">File and key, for messages.</param>
    /// <exception cref="BadFileException">Lengths that do not fit, a trie that points outside or into itself, strings that are no UTF-8.</exception>
    public static CharacterMap Read(byte[] encoded, string location)
    {
        if (encoded.Length < sizeof(uint))
            throw Damaged(location, $"its {encoded.Length} bytes are too few");
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(encoded);
        if (length % sizeof(uint) != 0 || length > encoded.Length - sizeof(uint))
            throw Damaged(location, $"its trie has {length} bytes, of which {encoded.Length - sizeof(uint)} are there");
        uint[] units = new uint[length / sizeof(uint)];
        for (int i = 0; i < units.Length; i++)
            units[i] = BinaryPrimitives.ReadUInt32LittleEndian(encoded.AsSpan(sizeof(uint) * (i + 1)));
        byte[] strings = encoded[(sizeof(uint) + (int)length)..];
        if (!System.Text.Unicode.Utf8.IsValid(strings))
            throw Damaged(location, "its strings are no UTF-8");
        new Walk(units, strings, location).Check();
        return new CharacterMap(units, strings, encoded);
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
            position ^= label;
            if (label == 0 || position >= units.Length || (units[position] & LabelMask) != label)
                return false;
            uint unit = units[position];
            position ^= Offset(unit);
            if ((unit & HasValue) == 0)
                continue;
            replacement = StringAt((int)(units[position] & ValueMask));
            return true;
        }
        return false;
    }

    /// <summary>What the longest string of the map that <paramref name="text"/> begins with becomes.</summary>
    /// <returns>The length of that string; 0 if there is none.</returns>
    public int FindLongest(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement)
    {
        replacement = default;
        if (units.Length == 0)
            return 0;
        int length = 0, start = 0;
        uint position = Offset(units[0]);
        for (int i = 0; i < text.Length; i++)
        {
            byte label = text[i];
            position ^= label;
            if (label == 0 || position >= units.Length || (units[position] & LabelMask) != label)
                break;
            uint unit = units[position];
            position ^= Offset(unit);
            if ((unit & HasValue) == 0)
                continue;
            length = i + 1;
            start = (int)(units[position] & ValueMask);
        }
        if (length > 0)
            replacement = StringAt(start);
        return length;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);

    private static BadFileException Damaged(string location, string why) =>
        BadFileException.Expected(location, "the character map", "a SentencePiece character map", $"a damaged one: {why}");

    private ReadOnlySpan<byte> StringAt(int start)
    {
        ReadOnlySpan<byte> rest = strings.AsSpan(start);
        int end = rest.IndexOf((byte)0);
        return end < 0 ? rest : rest[..end];
    }

    /// <summary>Walks every path of a map once, subtrees that several paths share included.</summary>
    private sealed class Walk(uint[] units, byte[] strings, string location)
    {
        // Keys are strings of a few code points; a longer chain would make normalizing slow.
        private const int LongestKey = 256;

        private readonly Dictionary<uint, bool> isFinished = [];

        public void Check()
        {
            if (units.Length > 0)
                Visit(Offset(units[0]), 0);
        }

        private void Visit(uint node, int depth)
        {
            if (isFinished.TryGetValue(node, out bool finished))
            {
                if (!finished)
                    throw Damaged(location, "its trie leads back into itself");
                return;
            }
            if (depth > LongestKey)
                throw Damaged(location, $"it has a string longer than {LongestKey} bytes");
            isFinished[node] = false;
            for (uint label = 1; label < 256; label++)
            {
                uint at = node ^ label;
                if (at >= units.Length || (units[at] & LabelMask) != label)
                    continue;
                uint child = at ^ Offset(units[at]);
                if ((units[at] & HasValue) != 0)
                    CheckValue(child);
                Visit(child, depth + 1);
            }
            isFinished[node] = true;
        }

        private void CheckValue(uint at)
        {
            if (at >= units.Length)
                throw Damaged(location, $"its trie points to unit {at} of {units.Length}");
            uint start = units[at] & ValueMask;
            if (start >= strings.Length || (strings[start] & 0xC0) == 0x80)
                throw Damaged(location, $"its trie points to byte {start} of {strings.Length} bytes of strings");
        }
    }
}
