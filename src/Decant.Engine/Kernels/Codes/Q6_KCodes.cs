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

    public static int HalvesOffset => 208;

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
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.Join(LaneCodes<TBytes, TOps>.Nibble(words + 16 * half * TOps.Rows, part % 2 * 8 + step, part / 2), LaneCodes<TBytes, TOps>.Field(words + 8 * half * TOps.Rows, 32 + step, 2 * part, 3), 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLaneScales<TBytes, TOps>(int* words, ushort* halves, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        LaneCodes<TBytes, TOps>.Word(words, 48 + quad);
}
