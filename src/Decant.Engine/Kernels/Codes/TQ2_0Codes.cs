using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: bit pairs 0–63 (part p: byte run p / 4, bits 2 (p mod 4)), scale 64–65, zero at 1.</summary>
internal readonly unsafe struct TQ2_0Codes : ICodeBlock
{
    public static string Format => "TQ2_0";

    public static int BlockLength => 256;

    public static int ByteCount => 66;

    public static int GroupLength => 256;

    public static bool HasOffsets => false;

    public static int HalvesOffset => 64;

    public static int Zero => 1;

    public static int LargestStored => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 64)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte() - Vector256<sbyte>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) => CodeBits.Shifted(block + part / 4 * 32, part % 4 * 2, 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.Field(words + 8 * half * TOps.Rows, step, 2 * part, 3);
}
