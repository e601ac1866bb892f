using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>
/// How codes of 1, 2 and 4 bits share bytes. All of ggml's layouts put elements that lie a fixed distance apart into one byte,
/// so that a vector of bytes unpacks into runs of consecutive elements by shifts alone. Codes are one per byte here.
/// </summary>
internal static class CodePlanes
{
    /// <summary>4 bits: byte i holds code i (low nibble) and code i + bytes.Length (high nibble).</summary>
    public static void PackNibbles(ReadOnlySpan<byte> codes, Span<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)((codes[i] & 15) | (codes[i + bytes.Length] << 4));
    }

    /// <summary>The inverse of <see cref="PackNibbles"/>.</summary>
    public static void UnpackNibbles(ReadOnlySpan<byte> bytes, Span<byte> codes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            codes[i] = (byte)(bytes[i] & 15);
            codes[i + bytes.Length] = (byte)(bytes[i] >> 4);
        }
    }

    /// <summary>2 bits: each run of 128 codes takes 32 bytes; byte i holds codes i, i + 32, i + 64, i + 96, lowest bits first.</summary>
    public static void PackPairs(ReadOnlySpan<byte> codes, Span<byte> bytes)
    {
        for (int b = 0; b < bytes.Length; b++)
        {
            int i = 128 * (b / 32) + b % 32;
            bytes[b] = (byte)((codes[i] & 3) | ((codes[i + 32] & 3) << 2) | ((codes[i + 64] & 3) << 4) | ((codes[i + 96] & 3) << 6));
        }
    }

    /// <summary>The inverse of <see cref="PackPairs"/>.</summary>
    public static void UnpackPairs(ReadOnlySpan<byte> bytes, Span<byte> codes)
    {
        for (int b = 0; b < bytes.Length; b++)
        {
            int i = 128 * (b / 32) + b % 32;
            for (int k = 0; k < 4; k++)
                codes[i + 32 * k] = (byte)((bytes[b] >> (2 * k)) & 3);
        }
    }

    /// <summary>1 bit of 256 codes in 32 bytes: bit i / 32 of byte i % 32 is bit <paramref name="bit"/> of code i.</summary>
    public static void PackBits(ReadOnlySpan<byte> codes, int bit, Span<byte> bytes)
    {
        bytes.Clear();
        for (int i = 0; i < codes.Length; i++)
            bytes[i % 32] |= (byte)(((codes[i] >> bit) & 1) << (i / 32));
    }

    /// <summary>The inverse of <see cref="PackBits"/>: the bit is added to codes already holding the lower bits.</summary>
    public static void UnpackBits(ReadOnlySpan<byte> bytes, int bit, Span<byte> codes)
    {
        for (int i = 0; i < codes.Length; i++)
            codes[i] |= (byte)(((bytes[i % 32] >> (i / 32)) & 1) << bit);
    }

    /// <summary>32 codes of 5 bits: the fifth bits as one little-endian word (bit i of code i), then 16 bytes of nibbles.</summary>
    public static void PackFiveBits(ReadOnlySpan<byte> codes, Span<byte> bytes)
    {
        uint fifth = 0;
        for (int i = 0; i < 32; i++)
            fifth |= (uint)(codes[i] >> 4 & 1) << i;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, fifth);
        PackNibbles(codes, bytes.Slice(4, 16));
    }

    /// <summary>The inverse of <see cref="PackFiveBits"/>.</summary>
    public static void UnpackFiveBits(ReadOnlySpan<byte> bytes, Span<byte> codes)
    {
        uint fifth = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        UnpackNibbles(bytes.Slice(4, 16), codes);
        for (int i = 0; i < 32; i++)
            codes[i] |= (byte)((fifth >> i & 1) << 4);
    }

    /// <summary>256 codes of 4 bits: each run of 64 takes 32 bytes, laid out as in <see cref="PackNibbles"/>.</summary>
    public static void PackNibbleRuns(ReadOnlySpan<byte> codes, Span<byte> bytes)
    {
        for (int run = 0; run < codes.Length / 64; run++)
            PackNibbles(codes.Slice(64 * run, 64), bytes.Slice(32 * run, 32));
    }

    /// <summary>The inverse of <see cref="PackNibbleRuns"/>.</summary>
    public static void UnpackNibbleRuns(ReadOnlySpan<byte> bytes, Span<byte> codes)
    {
        for (int run = 0; run < codes.Length / 64; run++)
            UnpackNibbles(bytes.Slice(32 * run, 32), codes.Slice(64 * run, 64));
    }
}
