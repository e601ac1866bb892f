using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// The part of the implicit QR iterations that eigenvalues and singular values share: values at the end that have come apart from the others are done
/// with, and the block that is worked on is the last one whose neighbours are still joined (Golub and Van Loan, Matrix Computations, 8.3 and 8.6).
/// </summary>
internal static class Deflation
{
    /// <summary>Finds the next block, setting negligible elements beside the diagonal to zero on the way.</summary>
    /// <param name="d">The diagonal.</param>
    /// <param name="e">The elements beside it.</param>
    /// <param name="last">The last value that is not done; lowered past those that are.</param>
    /// <param name="negligible">What counts as zero whatever its neighbours.</param>
    /// <param name="epsilon">What counts as zero beside neighbours of size one.</param>
    /// <returns>The first value of the block that ends at <paramref name="last"/>; the same as it when all is done.</returns>
    public static int NextBlock<T>(Span<T> d, Span<T> e, ref int last, T negligible, T epsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        while (last > 0)
        {
            int first = last;
            while (first > 0 && T.Abs(e[first - 1]) > T.Max(negligible, epsilon * (T.Abs(d[first - 1]) + T.Abs(d[first]))))
                first--;
            if (first > 0)
                e[first - 1] = T.Zero;
            if (first < last)
                return first;
            last--;
        }
        return last;
    }
}
