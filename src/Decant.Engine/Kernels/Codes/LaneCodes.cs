using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bit fields that several formats share, taken apart for a vector of rows at once: see <see cref="ICodeBlock.UnpackLanes"/>.</summary>
internal static unsafe class LaneCodes<TBytes, TOps>
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
{
    /// <summary>16 bytes a row: low nibbles to four vectors, high nibbles to four others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Nibbles(byte* source, long stride, int* low, int* high, int targetStride)
    {
        TOps.LoadTransposed(source, stride, out FourVectors<TBytes> words);
        Nibbles(words.First, low, high);
        Nibbles(words.Second, low + targetStride, high + targetStride);
        Nibbles(words.Third, low + 2 * targetStride, high + 2 * targetStride);
        Nibbles(words.Fourth, low + 3 * targetStride, high + 3 * targetStride);
    }

    /// <summary>16 bytes a row: their four bit pairs to four vectors each, 32 columns apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pairs(byte* source, long stride, int* target, int targetStride)
    {
        TOps.LoadTransposed(source, stride, out FourVectors<TBytes> words);
        Pairs(words.First, target, 8 * targetStride);
        Pairs(words.Second, target + targetStride, 8 * targetStride);
        Pairs(words.Third, target + 2 * targetStride, 8 * targetStride);
        Pairs(words.Fourth, target + 3 * targetStride, 8 * targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Nibbles(TBytes words, int* low, int* high)
    {
        TOps.Store(low, TOps.Field(words, 0, 15));
        TOps.Store(high, TOps.Field(words, 4, 15));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pairs(TBytes words, int* target, int distance)
    {
        TOps.Store(target, TOps.Field(words, 0, 3));
        TOps.Store(target + distance, TOps.Field(words, 2, 3));
        TOps.Store(target + 2 * distance, TOps.Field(words, 4, 3));
        TOps.Store(target + 3 * distance, TOps.Field(words, 6, 3));
    }
}
