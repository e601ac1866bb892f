using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: scale 0–1, fifth bits 2–5 (bit i of code i), nibbles 6–21, zero at 16.</summary>
internal readonly unsafe struct Q5_0Codes : ICodeBlock
{
    public static string Format => "Q5_0";

    public static int BlockLength => 32;

    public static int ByteCount => 22;

    public static int GroupLength => 32;

    public static bool HasOffsets => false;

    public static int Zero => 16;

    public static int LargestStored => 31;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte() - Vector256.Create((sbyte)16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) =>
        CodeBits.Nibbles(block + 6) | CodeBits.SpreadBits(Unsafe.ReadUnaligned<uint>(block + 2), 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadStoredPair(byte* block, out Vector256<byte> first, out Vector256<byte> second)
    {
        CodeBits.NibblePairs(block + 6, block + ByteCount + 6, out first, out second);
        Vector256<byte> bits = CodeBits.SpreadBits(Unsafe.ReadUnaligned<uint>(block + 2), 16);
        Vector256<byte> next = CodeBits.SpreadBits(Unsafe.ReadUnaligned<uint>(block + ByteCount + 2), 16);
        first |= Vector256.Create(bits.GetLower(), next.GetLower());
        second |= Vector256.Create(bits.GetUpper(), next.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ArrangeLanes<TBytes, TOps>(int* words, ushort* halves)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.ArrangeFifthBits(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.FiveBits(words, step);
}
