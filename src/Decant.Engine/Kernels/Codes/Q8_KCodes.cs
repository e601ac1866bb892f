using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: single-precision scale 0–3, codes 4–259, sums (not needed here) 260–291.</summary>
internal readonly unsafe struct Q8_KCodes : ICodeBlock
{
    public static string Format => "Q8_K";

    public static int BlockLength => 256;

    public static int ByteCount => 292;

    public static int GroupLength => 256;

    public static bool HasOffsets => false;

    public static int Zero => 128;

    public static int LargestStored => 255;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => Unsafe.ReadUnaligned<float>(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => Vector256.Load((sbyte*)block + 4 + part * 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) => ReadCodes(block, part).AsByte() ^ Vector256.Create((byte)128);
}
