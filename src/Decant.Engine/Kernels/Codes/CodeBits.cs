using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bits of the block formats: half-precision scales, nibbles, fifth bits.</summary>
internal static unsafe class CodeBits
{
    /// <summary>A half-precision number, little-endian, any address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadHalf(byte* source)
    {
        uint half = Unsafe.ReadUnaligned<ushort>(source);
        uint sign = (half & 0x8000) << 16;
        uint magnitude = (half & 0x7fff) << 13;
        // Exponents 1 to 30 only need another bias. Zero and denormals are a small whole number of 2^-24; 31 is infinity or NaN.
        if (half << 17 >> 27 is > 0 and < 31)
            return BitConverter.UInt32BitsToSingle((magnitude + (112u << 23)) | sign);
        return (half & 0x7c00) == 0
            ? BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((half & 0x3ff) * (1f / (1 << 24))) | sign)
            : BitConverter.UInt32BitsToSingle(magnitude | sign | 0x7f800000);
    }

    /// <summary>16 bytes: the low nibbles, then the high nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Nibbles(byte* source)
    {
        Vector128<byte> bytes = Vector128.Load(source);
        Vector128<byte> high = Vector128.ShiftRightLogical(bytes.AsUInt16(), 4).AsByte();
        return Vector256.Create(bytes, high) & Vector256.Create((byte)15);
    }

    /// <summary>Bits <paramref name="shift"/> and up of 32 bytes, masked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Shifted(byte* source, int shift, byte mask) =>
        Vector256.ShiftRightLogical(Vector256.Load(source).AsUInt16(), shift).AsByte() & Vector256.Create(mask);

    /// <summary>32 bits as 32 bytes, each 0 or <paramref name="value"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SpreadBits(uint bits, byte value)
    {
        // Byte i of the vector gets the byte that holds bit i, then its own bit is compared.
        Vector128<byte> word = Vector128.Create(bits).AsByte();
        Vector128<byte> low = Vector128.ShuffleNative(word, Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
        Vector128<byte> high = Vector128.ShuffleNative(word, Vector128.Create((byte)2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
        Vector256<byte> own = Vector256.Create(0x8040201008040201ul).AsByte();
        Vector256<byte> set = Vector256.Equals(Vector256.Create(low, high) & own, own);
        return set & Vector256.Create(value);
    }

    /// <summary>The entry of a table of 16 for every nibble of 16 bytes: low nibbles first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> LookUpNibbles(byte* source, Vector128<sbyte> table)
    {
        Vector128<byte> bytes = Vector128.Load(source);
        Vector128<byte> mask = Vector128.Create((byte)15);
        Vector128<byte> high = Vector128.ShiftRightLogical(bytes.AsUInt16(), 4).AsByte() & mask;
        return Vector256.Create(Vector128.ShuffleNative(table.AsByte(), bytes & mask), Vector128.ShuffleNative(table.AsByte(), high)).AsSByte();
    }

    /// <summary>The low nibbles of twice 16 bytes, and their high nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void NibblePairs(byte* source, byte* next, out Vector256<byte> low, out Vector256<byte> high)
    {
        Vector256<byte> bytes = Vector256.Create(Vector128.Load(source), Vector128.Load(next));
        low = bytes & Vector256.Create((byte)15);
        high = Vector256.ShiftRightLogical(bytes.AsUInt16(), 4).AsByte() & Vector256.Create((byte)15);
    }

    /// <summary>The entry of a table of 16 for every nibble.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LookUp(Vector256<byte> nibbles, Vector128<sbyte> table)
    {
        if (Avx2.IsSupported)
            return Avx2.Shuffle(Vector256.Create(table, table).AsByte(), nibbles);
        return Vector256.Create(Vector128.ShuffleNative(table.AsByte(), nibbles.GetLower()), Vector128.ShuffleNative(table.AsByte(), nibbles.GetUpper()));
    }

    /// <summary>Eight 6-bit scales and eight 6-bit minima from 12 bytes, as Q4_K and Q5_K pack them, one to a byte: scales in the low half of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> SixBitPairs(byte* packed)
    {
        // Bytes 0–3 hold scales 0–3, bytes 4–7 minima 0–3, each in 6 bits with two spare bits on top: those are bits 4 and 5 of
        // scales and minima 4–7, whose low nibbles are bytes 8–11 (scale low, minimum high).
        // The four bytes behind the twelve are read too; in both formats they belong to the block.
        Vector128<uint> words = Vector128.Load((uint*)packed);
        Vector128<uint> lower = Vector128.Shuffle(words, Vector128.Create(0u, 2, 1, 2));
        Vector128<uint> nibbles = Vector128.Shuffle(Vector128.ShiftRightLogical(words, 4), Vector128.Create(0u, 2, 1, 2));
        Vector128<uint> pairs = Vector128.Shuffle(Vector128.ShiftRightLogical(words, 2), Vector128.Create(0u, 0, 1, 1));
        Vector128<uint> result = (lower & Vector128.Create(0x3f3f3f3fu, 0x0f0f0f0f, 0x3f3f3f3f, 0))
            | (nibbles & Vector128.Create(0u, 0, 0, 0x0f0f0f0f)) | (pairs & Vector128.Create(0u, 0x30303030, 0, 0x30303030));
        return result.AsByte();
    }

    /// <summary>16 signed bytes, one for each half part in turn: those of first halves as the lower eight numbers, those of second halves as the upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ByParts(Vector128<byte> values)
    {
        Vector128<short> pairs = values.AsInt16();
        return Vector256.Create(Vector128.ShiftRightArithmetic(Vector128.ShiftLeft(pairs, 8), 8), Vector128.ShiftRightArithmetic(pairs, 8));
    }

    /// <summary>The lower eight of 16 signed bytes, one for each part: as the lower eight numbers and again the upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ForWholeParts(Vector128<byte> values)
    {
        Vector128<short> widened = Vector128.WidenLower(values.AsSByte());
        return Vector256.Create(widened, widened);
    }

    /// <summary>The upper eight bytes, and again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Upper(Vector128<byte> values) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(values.AsUInt64(), values.AsUInt64()).AsByte() : Vector128.Shuffle(values.AsUInt64(), Vector128.Create(1ul, 1)).AsByte();

    /// <summary>Stores 16 whole numbers times a factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreScaled(Vector128<sbyte> values, float factor, float* destination)
    {
        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(values);
        StoreScaled(low, factor, destination);
        StoreScaled(high, factor, destination + 8);
    }

    /// <summary>Stores the scales (low 8 bytes times <paramref name="scale"/>) and, 16 further on, the offsets (high 8 bytes times −<paramref name="minimum"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreScalesAndMinima(Vector128<byte> values, float scale, float minimum, float* destination)
    {
        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(values.AsSByte());
        StoreScaled(low, scale, destination);
        StoreScaled(high, -minimum, destination + ICodeBlock.MaximumGroupCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreScaled(Vector128<short> values, float factor, float* destination)
    {
        (Vector128<int> low, Vector128<int> high) = Vector128.Widen(values);
        (Vector128.ConvertToSingle(low) * Vector128.Create(factor)).Store(destination);
        (Vector128.ConvertToSingle(high) * Vector128.Create(factor)).Store(destination + 4);
    }
}
