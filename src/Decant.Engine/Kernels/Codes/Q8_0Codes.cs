using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: scale 0–1, codes 2–33.</summary>
internal readonly unsafe struct Q8_0Codes : ICodeBlock
{
    public static string Format => "Q8_0";

    public static int BlockLength => 32;

    public static int ByteCount => 34;

    public static int GroupLength => 32;

    public static bool HasOffsets => false;

    public static int Zero => 128;

    public static int LargestStored => 255;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => Vector256.Load((sbyte*)block + 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) => ReadCodes(block, part).AsByte() ^ Vector256.Create((byte)128);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.Subtract(LaneCodes<TBytes, TOps>.Word(words, step), 128);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadSignedLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.Word(words, step);
}
