using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: scale 0–1, nibbles 2–17 (low: codes 0–15, high: 16–31) that stand for 16 uneven levels (ggml's kvalues_iq4nl).</summary>
internal readonly unsafe struct IQ4_NLCodes : ICodeBlock
{
    public static string Format => "IQ4_NL";

    public static int BlockLength => 32;

    public static int ByteCount => 18;

    public static int GroupLength => 32;

    public static bool HasOffsets => false;

    public static int Zero => 128;

    public static int LargestStored => 255;

    /// <summary>The levels.</summary>
    public static Vector128<sbyte> Levels
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
    }

    // 128 more.
    private static Vector128<byte> StoredLevels
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create((byte)1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => CodeBits.LookUpNibbles(block + 2, Levels);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part) => ReadCodes(block, part).AsByte() ^ Vector256.Create((byte)128);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.LookUp(TOps.Field(TOps.Load(words + step % 4 * TOps.Rows), step / 4 * 4, 15), StoredLevels);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadSignedLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> =>
        TOps.LookUp(TOps.Field(TOps.Load(words + step % 4 * TOps.Rows), step / 4 * 4, 15), Levels.AsByte());
}
