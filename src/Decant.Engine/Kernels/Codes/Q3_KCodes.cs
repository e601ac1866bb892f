using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: third bits 0–31 (part p: bit p), bit pairs 32–95 (part p: byte run p / 4, bits 2 (p mod 4)), 16 scales of 6 bits 96–107, scale of scales 108–109; codes zero at 4, scales at 32.</summary>
internal readonly unsafe struct Q3_KCodes : ICodeBlock
{
    public static string Format => "Q3_K";

    public static int BlockLength => 256;

    public static int ByteCount => 110;

    public static int GroupLength => 16;

    public static bool HasOffsets => false;

    public static int HalvesOffset => 108;

    public static int Zero => 4;

    public static int LargestStored => 7;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 108)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadScales(byte* block, float* halves, float* scales) => CodeBits.StoreScaled(SignedScales(block), ReadScale(block, halves), scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReadIntegerScales(byte* block) => CodeBits.ByParts(SignedScales(block).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte() - Vector256.Create((sbyte)4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part)
    {
        Vector256<byte> low = CodeBits.Shifted(block + 32 + part / 4 * 32, part % 4 * 2, 3);
        Vector256<byte> bit = Vector256.Create((byte)(1 << part));
        return low | (Vector256.Equals(Vector256.Load(block) & bit, bit) & Vector256.Create((byte)4));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> SignedScales(byte* block)
    {
        // Low nibbles of scales 0–7 and 8–15 share bytes 0–7; byte 8 + j holds the upper two bits of scales j, j + 4, j + 8, j + 12.
        ulong low = Unsafe.ReadUnaligned<ulong>(block + 96);
        ulong high = Unsafe.ReadUnaligned<uint>(block + 104);
        high |= high << 32;
        ulong first = (low & 0x0f0f0f0f0f0f0f0f) | (SpreadPairs(high, 0) << 4);
        ulong second = (low >> 4 & 0x0f0f0f0f0f0f0f0f) | (SpreadPairs(high, 4) << 4);
        return Vector128.Create(first, second).AsSByte() - Vector128.Create((sbyte)32);
    }

    // Bits shift and shift + 1 of the lower four bytes, bits shift + 2 and shift + 3 of the upper four.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SpreadPairs(ulong bytes, int shift) => (bytes >> shift & 0x03030303) | (bytes >> (shift + 2) & 0x0303030300000000);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ArrangeLanes<TBytes, TOps>(int* words, ushort* halves)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.ArrangeHighestBits(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.Join(LaneCodes<TBytes, TOps>.Field(words + 8 * half * TOps.Rows, 8 + step, 2 * part, 3), LaneCodes<TBytes, TOps>.HighestBits(words, half, part, step), 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLaneScales<TBytes, TOps>(int* words, ushort* halves, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.Subtract(TOps.Join(LaneCodes<TBytes, TOps>.Nibble(words, 24 + quad % 2, quad / 2), LaneCodes<TBytes, TOps>.Field(words, 26, 2 * quad, 3), 4), 32);
}
