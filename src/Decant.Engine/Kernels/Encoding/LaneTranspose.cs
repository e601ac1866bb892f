using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>Moves 4-byte elements between rows in memory and lanes, in squares of four by four.</summary>
internal static unsafe class LaneTranspose
{
    /// <summary>Element i of row r goes to lane r of vector i.</summary>
    /// <param name="rows">One pointer per lane.</param>
    /// <param name="column">The first element of each row.</param>
    /// <param name="count">Elements, a multiple of four.</param>
    /// <param name="laneCount">Lanes, a multiple of four.</param>
    /// <param name="vectors"><paramref name="count"/> vectors.</param>
    public static void RowsToLanes(float** rows, int column, int count, int laneCount, float* vectors)
    {
        for (int lane = 0; lane < laneCount; lane += 4)
        {
            float* row0 = rows[lane] + column, row1 = rows[lane + 1] + column, row2 = rows[lane + 2] + column, row3 = rows[lane + 3] + column;
            float* to = vectors + lane;
            for (int i = 0; i < count; i += 4, to += 4 * laneCount)
            {
                Square(
                    Vector128.Load(row0 + i), Vector128.Load(row1 + i), Vector128.Load(row2 + i), Vector128.Load(row3 + i),
                    to, to + laneCount, to + 2 * laneCount, to + 3 * laneCount);
            }
        }
    }

    /// <summary>Lane r of vector i goes to element i of row r.</summary>
    /// <param name="vectors"><paramref name="count"/> vectors.</param>
    /// <param name="count">Elements, a multiple of four.</param>
    /// <param name="laneCount">Lanes, a multiple of four.</param>
    /// <param name="rows">Rows of <paramref name="count"/> elements, one after another.</param>
    public static void LanesToRows(float* vectors, int count, int laneCount, float* rows)
    {
        for (int lane = 0; lane < laneCount; lane += 4)
        {
            float* from = vectors + lane;
            float* to = rows + lane * count;
            for (int i = 0; i < count; i += 4, from += 4 * laneCount, to += 4)
            {
                Square(
                    Vector128.Load(from), Vector128.Load(from + laneCount), Vector128.Load(from + 2 * laneCount), Vector128.Load(from + 3 * laneCount),
                    to, to + count, to + 2 * count, to + 3 * count);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square(
        Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d, float* to0, float* to1, float* to2, float* to3)
    {
        // a0 c0 a1 c1 with b0 d0 b1 d1 gives a0 b0 c0 d0 and a1 b1 c1 d1; the upper halves likewise.
        Vector128<float> ac = Transposition.ZipLow(a, c), bd = Transposition.ZipLow(b, d);
        Transposition.ZipLow(ac, bd).Store(to0);
        Transposition.ZipHigh(ac, bd).Store(to1);
        ac = Transposition.ZipHigh(a, c);
        bd = Transposition.ZipHigh(b, d);
        Transposition.ZipLow(ac, bd).Store(to2);
        Transposition.ZipHigh(ac, bd).Store(to3);
    }
}
