using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: 16 × (scale low, minimum high nibble) 0–15, bit pairs 16–79 (part p: byte run p / 4, bits 2 (p mod 4)), scale of scales 80–81, of minima 82–83.</summary>
internal readonly unsafe struct Q2_KCodes : ICodeBlock
{
    public static string Format => "Q2_K";

    public static int BlockLength => 256;

    public static int ByteCount => 84;

    public static int GroupLength => 16;

    public static bool HasOffsets => true;

    public static int HalfCount => 2;

    public static int HalvesOffset => 80;

    public static int Zero => 0;

    public static int LargestStored => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 80)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadMinimumScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 82)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReadIntegerScales(byte* block) => CodeBits.ByParts(Vector128.Load(block) & Vector128.Create((byte)15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReadIntegerMinima(byte* block) =>
        CodeBits.ByParts(Vector128.ShiftRightLogical(Vector128.Load(block).AsUInt16(), 4).AsByte() & Vector128.Create((byte)15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadScales(byte* block, float* halves, float* scales)
    {
        Vector256<byte> both = CodeBits.Nibbles(block);
        CodeBits.StoreScaled(both.GetLower().AsSByte(), halves[Unsafe.ReadUnaligned<ushort>(block + 80)], scales);
        CodeBits.StoreScaled(both.GetUpper().AsSByte(), -halves[Unsafe.ReadUnaligned<ushort>(block + 82)], scales + ICodeBlock.MaximumGroupCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) => CodeBits.Shifted(block + 16 + part / 4 * 32, part % 4 * 2, 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.Field(words + 8 * half * TOps.Rows, 4 + step, 2 * part, 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLaneScales<TBytes, TOps>(int* words, ushort* halves, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.Nibble(words, quad, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLaneMinima<TBytes, TOps>(int* words, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.Nibble(words, quad, 1);
}
