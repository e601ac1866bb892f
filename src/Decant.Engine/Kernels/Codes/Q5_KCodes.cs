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

    public static bool HasLanes => true;

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
    public static void UnpackLanes<TBytes, TOps>(byte* block, long stride, int* target, int targetStride)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        for (int piece = 0; piece < 2; piece++)
        {
            TOps.LoadTransposed(block + 16 + 16 * piece, stride, out FourVectors<TBytes> bits);
            for (int run = 0; run < 4; run++)
            {
                TOps.LoadTransposed(block + 48 + 32 * run + 16 * piece, stride, out FourVectors<TBytes> nibbles);
                int* low = target + (16 * run + 4 * piece) * targetStride;
                Store<TBytes, TOps>(low, targetStride, nibbles.First, bits.First, run);
                Store<TBytes, TOps>(low + targetStride, targetStride, nibbles.Second, bits.Second, run);
                Store<TBytes, TOps>(low + 2 * targetStride, targetStride, nibbles.Third, bits.Third, run);
                Store<TBytes, TOps>(low + 3 * targetStride, targetStride, nibbles.Fourth, bits.Fourth, run);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TBytes, TOps>(int* target, int targetStride, TBytes nibbles, TBytes bits, int run)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        TOps.Store(target, TOps.Join(TOps.Field(nibbles, 0, 15), TOps.Field(bits, 2 * run, 1), 4));
        TOps.Store(target + 8 * targetStride, TOps.Join(TOps.Field(nibbles, 4, 15), TOps.Field(bits, 2 * run + 1, 1), 4));
    }
}
