using System.Runtime.InteropServices;

namespace Decant.Core.Tokenizers.Models;

/// <summary>
/// Tokens of words seen before: a fixed number of slots, a new word takes the place of the old one. Entries never change and a slot is one
/// reference, so threads need no lock.
/// </summary>
internal sealed class WordCache
{
    /// <summary>Longer words are not kept.</summary>
    public const int LongestWord = 48;

    private const int SlotBits = 15;

    private readonly Entry?[] slots = new Entry?[1 << SlotBits];

    /// <summary>The tokens of a word, if they are here.</summary>
    public bool TryAppend(ReadOnlySpan<byte> word, ulong hash, TokenBuffer tokens)
    {
        Entry? entry = slots[hash >> 64 - SlotBits];
        if (entry is null || entry.Hash != hash || !word.SequenceEqual(entry.Word))
            return false;
        tokens.Add(entry.Ids, entry.ByteCounts);
        return true;
    }

    /// <summary>Keeps the tokens of a word.</summary>
    public void Store(ReadOnlySpan<byte> word, ulong hash, ReadOnlySpan<int> ids, ReadOnlySpan<int> byteCounts) =>
        slots[hash >> 64 - SlotBits] = new Entry(hash, word.ToArray(), ids.ToArray(), byteCounts.ToArray());

    /// <summary>A hash of a word of up to <see cref="LongestWord"/> bytes.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> word)
    {
        const ulong factor = 0x9E3779B97F4A7C15;
        ulong hash = (ulong)word.Length * factor;
        while (word.Length >= 8)
        {
            hash = (hash ^ MemoryMarshal.Read<ulong>(word)) * factor;
            hash ^= hash >> 32;
            word = word[8..];
        }
        ulong rest = 0;
        foreach (byte b in word)
            rest = rest << 8 | b;
        hash = (hash ^ rest) * factor;
        hash ^= hash >> 29;
        return hash * factor;
    }

    private sealed record Entry(ulong Hash, byte[] Word, int[] Ids, int[] ByteCounts);
}
