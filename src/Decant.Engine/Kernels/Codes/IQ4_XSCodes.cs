using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: scale of scales 0–1, upper bit pairs of 8 scales 2–3, their low nibbles 4–7, nibbles 8–135 with the levels of IQ4_NL (16 bytes a part); scales zero at 32.</summary>
internal readonly unsafe struct IQ4_XSCodes : ICodeBlock
{
    public static string Format => "IQ4_XS";

    public static int BlockLength => 256;

    public static int ByteCount => 136;

    public static int GroupLength => 32;

    public static bool HasOffsets => false;

    // The scale, and the upper bits of the groups' scales.
    public static int HalfCount => 2;

    public static int Zero => 128;

    public static int LargestStored => 255;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadScales(byte* block, float* halves, float* scales) =>
        CodeBits.StoreScaled(Vector128.CreateScalar(SignedScales(block)).AsSByte(), ReadScale(block, halves), scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReadIntegerScales(byte* block) => CodeBits.ForWholeParts(Vector128.CreateScalar(SignedScales(block)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => CodeBits.LookUpNibbles(block + 8 + part * 16, IQ4_NLCodes.Levels);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) => ReadCodes(block, part).AsByte() ^ Vector256.Create((byte)128);

    // Eight signed bytes: a nibble and a bit pair each, minus 32.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SignedScales(byte* block)
    {
        uint high = Unsafe.ReadUnaligned<ushort>(block + 2);
        uint low = Unsafe.ReadUnaligned<uint>(block + 4);
        ulong scales = 0;
        for (int group = 0; group < 8; group++)
            scales |= (ulong)(byte)((int)((low >> (4 * group) & 15) | (high >> (2 * group) & 3) << 4) - 32) << (8 * group);
        return scales;
    }

    // Group 4q + i: its nibble to nibble q of byte i, its bit pair to pair q of nibble i.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ArrangeLanes<TBytes, TOps>(int* words, ushort* halves)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        for (int row = 0; row < TOps.Rows; row++)
        {
            uint low = (uint)words[row], high = halves[TOps.Rows + row], nibbles = 0, pairs = 0;
            for (int group = 0; group < 8; group++)
            {
                nibbles |= (low >> (4 * group) & 15) << (8 * (group % 4) + 4 * (group / 4));
                pairs |= (high >> (2 * group) & 3) << (4 * (group % 4) + 2 * (group / 4));
            }
            words[row] = (int)nibbles;
            halves[TOps.Rows + row] = (ushort)pairs;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLaneScales<TBytes, TOps>(int* words, ushort* halves, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.Subtract(TOps.Join(LaneCodes<TBytes, TOps>.Nibble(words, 0, quad), TOps.Field(TOps.LoadNibbles(halves + TOps.Rows), 2 * quad, 3), 4), 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        IQ4_NLCodes.ReadLanes<TBytes, TOps>(words + (1 + 16 * half + 4 * part) * TOps.Rows, 0, 0, step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadSignedLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        IQ4_NLCodes.ReadSignedLanes<TBytes, TOps>(words + (1 + 16 * half + 4 * part) * TOps.Rows, 0, 0, step);
}
