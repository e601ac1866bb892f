using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: scale of scales 0–1, upper bit pairs of 8 scales 2–3, their low nibbles 4–7, nibbles 8–135 with the levels of IQ4_NL (16 bytes a part); scales zero at 32.</summary>
internal readonly unsafe struct IQ4_XSCodes : ICodeBlock
{
    public static string Format => "IQ4_XS";

    public static int BlockLength => 256;

    public static int ByteCount => 136;

    public static int GroupLength => 32;

    public static bool HasOffsets => false;

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
}
