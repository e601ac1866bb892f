using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: scale of scales 0–1, of minima 2–3, 8 scales and 8 minima of 6 bits 4–15, fifth bits 16–47 (part p: bit p), nibbles 48–175 as in Q4_K.</summary>
internal readonly unsafe struct Q5_KCodes : ICodeBlock
{
    public static string Format => "Q5_K";

    public static int BlockLength => 256;

    public static int ByteCount => 176;

    public static int GroupLength => 32;

    public static bool HasOffsets => true;

    public static int HalfCount => 2;

    public static int Zero => 0;

    public static int LargestStored => 31;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadMinimumScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 2)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReadIntegerScales(byte* block) => CodeBits.ForWholeParts(CodeBits.SixBitPairs(block + 4));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReadIntegerMinima(byte* block) => CodeBits.ForWholeParts(CodeBits.Upper(CodeBits.SixBitPairs(block + 4)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadScales(byte* block, float* halves, float* scales) =>
        CodeBits.StoreScalesAndMinima(CodeBits.SixBitPairs(block + 4), halves[Unsafe.ReadUnaligned<ushort>(block)], halves[Unsafe.ReadUnaligned<ushort>(block + 2)], scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part)
    {
        Vector256<byte> bit = Vector256.Create((byte)(1 << part));
        Vector256<byte> fifth = Vector256.Equals(Vector256.Load(block + 16) & bit, bit) & Vector256.Create((byte)16);
        return CodeBits.Shifted(block + 48 + part / 2 * 32, part % 2 * 4, 15) | fifth;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ArrangeLanes<TBytes, TOps>(int* words, ushort* halves)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.ArrangeHighestBits(words + 3 * TOps.Rows);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.Join(LaneCodes<TBytes, TOps>.Nibble(words + 16 * half * TOps.Rows, 11 + part / 2 * 8 + step, part % 2), LaneCodes<TBytes, TOps>.HighestBits(words + 3 * TOps.Rows, half, part, step), 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLaneScales<TBytes, TOps>(int* words, ushort* halves, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.SixBitScales(words, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLaneMinima<TBytes, TOps>(int* words, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.SixBitMinima(words, quad);
}
