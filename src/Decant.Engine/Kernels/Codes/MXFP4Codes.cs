using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: power of two 0, nibbles 1–16 (low: codes 0–15, high: 16–31) that stand for doubled E2M1 numbers (OCP Microscaling Formats specification 1.0).</summary>
internal readonly unsafe struct MXFP4Codes : ICodeBlock
{
    public static string Format => "MXFP4";

    public static int BlockLength => 32;

    public static int ByteCount => 17;

    public static int GroupLength => 32;

    public static bool HasOffsets => false;

    public static bool HasByteScale => true;

    public static int Zero => 12;

    public static int LargestStored => 24;

    // The scale is half the block's power of two, because the levels are doubled; the two smallest are denormal.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => BitConverter.UInt32BitsToSingle(block[0] < 2 ? 0x0020_0000u << block[0] : (uint)(block[0] - 1) << 23);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) =>
        CodeBits.LookUpNibbles(block + 1, Vector128.Create(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) =>
        CodeBits.LookUpNibbles(block + 1, StoredLevels).AsByte();

    private static Vector128<sbyte> StoredLevels
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadStoredPair(byte* block, out Vector256<byte> first, out Vector256<byte> second)
    {
        CodeBits.NibblePairs(block + 1, block + ByteCount + 1, out first, out second);
        first = CodeBits.LookUp(first, StoredLevels);
        second = CodeBits.LookUp(second, StoredLevels);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.LookUp(TOps.Field(TOps.Load(words + step % 4 * TOps.Rows), step / 4 * 4, 15), StoredLevels.AsByte());
}
