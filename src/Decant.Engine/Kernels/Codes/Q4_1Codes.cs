using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: scale 0–1, offset 2–3, nibbles 4–19 (low: codes 0–15, high: 16–31).</summary>
internal readonly unsafe struct Q4_1Codes : ICodeBlock
{
    public static string Format => "Q4_1";

    public static int BlockLength => 32;

    public static int ByteCount => 20;

    public static int GroupLength => 32;

    public static bool HasOffsets => true;

    public static int HalfCount => 2;

    public static int Zero => 0;

    public static int LargestStored => 15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadOffset(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 2)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) => CodeBits.Nibbles(block + 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadStoredPair(byte* block, out Vector256<byte> first, out Vector256<byte> second)
    {
        CodeBits.NibblePairs(block + 4, block + ByteCount + 4, out first, out second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.Nibble(words, step % 4, step / 4);
}
