using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bit fields that several formats share, for rows side by side: see <see cref="ICodeBlock.ReadLanes"/>.</summary>
internal static unsafe class LaneCodes<TBytes, TOps>
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
{
    /// <summary>A word of every row's block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Word(int* words, int index) => TOps.Load(words + index * TOps.Rows);

    /// <summary>Bits <paramref name="shift"/> and up of the four bytes of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Field(int* words, int index, int shift, byte mask) => TOps.Field(Word(words, index), shift, mask);

    /// <summary>The low (0) or high (1) nibbles of the four bytes of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Nibble(int* words, int index, int half) => Field(words, index, 4 * half, 15);

    /// <summary>Brings the fifth bits of Q5_0 and Q5_1, a word of 32 columns, to where <see cref="FiveBits"/> reads them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ArrangeFifthBits(int* words) => TOps.Store(words, TOps.BitsByColumn(TOps.Load(words)));

    /// <summary>
    /// Brings the highest bits of Q3_K and Q5_K, eight words whose bytes have a bit for each part of both halves of a block, to four words a half, in whose
    /// bytes the lower nibble is of a column of the first 16 of every part, the upper of the last 16: then no shift depends on the half.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ArrangeHighestBits(int* words)
    {
        for (int word = 0; word < 4; word++)
        {
            TBytes first = Word(words, word), last = Word(words, word + 4);
            TOps.Store(words + word * TOps.Rows, TOps.Join(TOps.Field(first, 0, 15), TOps.Field(last, 0, 15), 4));
            TOps.Store(words + (word + 4) * TOps.Rows, TOps.Join(TOps.Field(first, 4, 15), TOps.Field(last, 4, 15), 4));
        }
    }

    /// <summary>The highest bits of four columns, from words that <see cref="ArrangeHighestBits"/> arranged.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes HighestBits(int* words, int half, int part, int step) =>
        Field(words + 4 * half * TOps.Rows, step % 4, step / 4 * 4 + part, 1);

    /// <summary>The codes of Q5_0 and Q5_1: a word of fifth bits, then four of nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes FiveBits(int* words, int step) =>
        TOps.Join(Nibble(words, 1 + step % 4, step / 4), TOps.Bit(Word(words, 0), step, 4), 0);

    /// <summary>Four of the eight 6-bit scales of Q4_K and Q5_K, whose packing <see cref="CodeBits.SixBitPairs"/> explains.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes SixBitScales(int* words, int quad) =>
        quad == 0 ? Field(words, 0, 0, 63) : TOps.Join(Field(words, 2, 0, 15), Field(words, 0, 6, 3), 4);

    /// <summary>Four of the eight 6-bit minima.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes SixBitMinima(int* words, int quad) =>
        quad == 0 ? Field(words, 1, 0, 63) : TOps.Join(Field(words, 2, 4, 15), Field(words, 1, 6, 3), 4);
}
