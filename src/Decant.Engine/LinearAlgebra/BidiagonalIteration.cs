using System.Numerics;
using Decant.Core.Errors;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// The singular value decomposition of an upper bidiagonal matrix by implicit QR steps (Golub and Reinsch 1970), with Demmel and Kahan's (1990) step without
/// a shift where the matrix is singular or nearly so: there a shift would only spoil the small values.
/// </summary>
internal static unsafe class BidiagonalIteration<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int StepsPerValue = 60;

    /// <summary>Turns the elements above the diagonal to zero; those on it become the singular values, in no order, of either sign.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="d">The diagonal, at most near one; replaced.</param>
    /// <param name="e">The elements above it; destroyed.</param>
    /// <param name="left">[n, ·]: rows that become the left singular vectors.</param>
    /// <param name="right">[n, ·]: rows that become the right singular vectors.</param>
    /// <exception cref="NumericalException">The iteration did not converge.</exception>
    public static void Run(Workspace workspace, Span<T> d, Span<T> e, MatrixPointer<T> left, MatrixPointer<T> right)
    {
        int n = d.Length;
        T epsilon = T.BitIncrement(T.One) - T.One;
        T norm = T.Zero;
        for (int i = 0; i < n; i++)
            norm = T.Max(norm, T.Max(T.Abs(d[i]), T.Abs(e[i])));
        // A sixteenth of the largest value's rounding: among values that are zero but for roundings nothing is to be gained.
        T negligible = epsilon * norm * T.CreateTruncating(0.0625);
        var leftQueue = new RotationQueue<T>(workspace, left);
        var rightQueue = new RotationQueue<T>(workspace, right);
        int stepsLeft = StepsPerValue * n;
        int last = n - 1;
        while (Deflation.NextBlock(d, e, ref last, negligible, epsilon) is var first && first < last)
        {
            if (stepsLeft-- == 0)
                throw new NumericalException(FormattableString.Invariant($"The singular values of a matrix of {n} did not converge in {StepsPerValue} steps each."));
            bool isNearlySingular = false;
            for (int i = first; i <= last; i++)
                isNearlySingular |= T.Abs(d[i]) <= epsilon * norm;
            Step(d, e, first, last, isNearlySingular ? T.Zero : Shift(d, e, first, last), leftQueue, rightQueue);
        }
        leftQueue.Flush();
        rightQueue.Flush();
    }

    // The eigenvalue of the last two rows and columns of BᵀB that is nearer to its last element.
    private static T Shift(Span<T> d, Span<T> e, int first, int last)
    {
        T before = last - 2 >= first ? e[last - 2] : T.Zero;
        T upper = d[last - 1] * d[last - 1] + before * before, lower = d[last] * d[last] + e[last - 1] * e[last - 1], between = d[last - 1] * e[last - 1];
        T half = T.CreateTruncating(0.5) * (upper - lower), square = between * between;
        if (T.IsZero(square))
            return lower;
        return lower - square / (half + T.CopySign(T.Sqrt(half * half + square), half));
    }

    private static void Step(Span<T> d, Span<T> e, int first, int last, T shift, RotationQueue<T> left, RotationQueue<T> right)
    {
        T x = d[first], z = e[first];
        if (!T.IsZero(shift))
        {
            // The first column of BᵀB − shift, divided by d: what is subtracted is as small as it can be.
            T root = T.Sqrt(T.Abs(shift));
            x = T.IsNegative(shift)
                ? (d[first] * d[first] - shift) / d[first]
                : (T.Abs(d[first]) - root) * (T.CopySign(T.One, d[first]) + root / d[first]);
        }
        left.Begin(first);
        right.Begin(first);
        for (int k = first; k < last; k++)
        {
            PlaneRotation<T> rotation = PlaneRotation<T>.Onto(x, z, out T length);
            T c = rotation.Cosine, s = rotation.Sine;
            if (k > first)
                e[k - 1] = length;
            x = c * d[k] + s * e[k];
            e[k] = c * e[k] - s * d[k];
            z = s * d[k + 1];
            d[k + 1] *= c;
            right.Add(c, s);

            rotation = PlaneRotation<T>.Onto(x, z, out length);
            c = rotation.Cosine;
            s = rotation.Sine;
            d[k] = length;
            x = c * e[k] + s * d[k + 1];
            d[k + 1] = c * d[k + 1] - s * e[k];
            left.Add(c, s);
            if (k + 1 < last)
            {
                z = s * e[k + 1];
                e[k + 1] *= c;
            }
        }
        e[last - 1] = x;
    }
}
