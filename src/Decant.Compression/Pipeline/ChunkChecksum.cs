using System.Numerics;
using System.Runtime.InteropServices;

namespace Decant.Compression.Pipeline;

/// <summary>
/// CRC-32C of a tensor's chunks, and of their CRCs in order: chunks may be finished in any order by any thread. It tells a resumed job
/// whether what an interrupted one wrote reached the disk; it is no protection against intent.
/// </summary>
internal static class ChunkChecksum
{
    /// <summary>The checksum of one chunk.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
            crc = BitOperations.Crc32C(crc, word);
        foreach (byte rest in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, rest);
        return ~crc;
    }

    /// <summary>The checksum of a tensor from those of its chunks, in order.</summary>
    public static uint Combine(ReadOnlySpan<uint> chunks)
    {
        uint crc = ~0u;
        foreach (uint chunk in chunks)
            crc = BitOperations.Crc32C(crc, chunk);
        return ~crc;
    }
}
