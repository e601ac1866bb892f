using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: low nibbles 0–127, upper bit pairs 128–191, 16 signed scales 192–207, scale of scales 208–209, zero at 32. Part p of half h = p / 4: byte run 2h + p mod 2 (low nibbles for p mod 4 &lt; 2, high otherwise), pairs from run h, bits 2 (p mod 4).</summary>
internal readonly unsafe struct Q6_KCodes : ICodeBlock
{
    public static string Format => "Q6_K";

    public static int BlockLength => 256;

    public static int ByteCount => 210;

    public static int GroupLength => 16;

    public static bool HasOffsets => false;

    public static bool HasLanes => true;

    public static int Zero => 32;

    public static int LargestStored => 63;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 208)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReadIntegerScales(byte* block) => CodeBits.ByParts(Vector128.Load(block + 192));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadScales(byte* block, float* halves, float* scales) => CodeBits.StoreScaled(Vector128.Load((sbyte*)block + 192), halves[Unsafe.ReadUnaligned<ushort>(block + 208)], scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte() - Vector256.Create((sbyte)32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part)
    {
        Vector256<byte> low = CodeBits.Shifted(block + (part / 4 * 2 + part % 2) * 32, part % 4 / 2 * 4, 15);
        Vector256<byte> pairs = CodeBits.Shifted(block + 128 + part / 4 * 32, part % 4 * 2, 3);
        return low | Vector256.ShiftLeft(pairs.AsUInt16(), 4).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackLanes<TBytes, TOps>(byte* block, long stride, int* target, int targetStride)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        for (int half = 0; half < 2; half++)
        {
            for (int piece = 0; piece < 2; piece++)
            {
                TOps.LoadTransposed(block + 64 * half + 16 * piece, stride, out FourVectors<TBytes> even);
                TOps.LoadTransposed(block + 64 * half + 32 + 16 * piece, stride, out FourVectors<TBytes> odd);
                TOps.LoadTransposed(block + 128 + 32 * half + 16 * piece, stride, out FourVectors<TBytes> pairs);
                int* to = target + (32 * half + 4 * piece) * targetStride;
                Store<TBytes, TOps>(to, targetStride, even.First, odd.First, pairs.First);
                Store<TBytes, TOps>(to + targetStride, targetStride, even.Second, odd.Second, pairs.Second);
                Store<TBytes, TOps>(to + 2 * targetStride, targetStride, even.Third, odd.Third, pairs.Third);
                Store<TBytes, TOps>(to + 3 * targetStride, targetStride, even.Fourth, odd.Fourth, pairs.Fourth);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TBytes, TOps>(int* target, int targetStride, TBytes even, TBytes odd, TBytes pairs)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        TOps.Store(target, TOps.Join(TOps.Field(even, 0, 15), TOps.Field(pairs, 0, 3), 4));
        TOps.Store(target + 8 * targetStride, TOps.Join(TOps.Field(odd, 0, 15), TOps.Field(pairs, 2, 3), 4));
        TOps.Store(target + 16 * targetStride, TOps.Join(TOps.Field(even, 4, 15), TOps.Field(pairs, 4, 3), 4));
        TOps.Store(target + 24 * targetStride, TOps.Join(TOps.Field(odd, 4, 15), TOps.Field(pairs, 6, 3), 4));
    }
}
