using System.Numerics;
using Decant.Core.Errors;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// All eigenvalues and eigenvectors of a symmetric matrix, A = V · diag(λ) · Vᵀ: reduction to a tridiagonal matrix, then implicit QR steps with Wilkinson's
/// shift (Golub and Van Loan, Matrix Computations, 8.3). Eigenvalues are as exact as roundings of A's largest eigenvalue allow; small ones of a graded
/// matrix have that absolute, not a relative accuracy. Bytes do not depend on the number of threads.
/// </summary>
public static unsafe class SymmetricEigen
{
    private const int StepsPerEigenvalue = 60;

    /// <summary>Computes them.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n]; only the lower half is read.</param>
    /// <param name="values">[n]; result, ascending.</param>
    /// <param name="vectors">[n, n]; result: column i belongs to value i. Its element of largest magnitude is positive, so that results can be compared.
    /// May be the memory of <paramref name="a"/>.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="NumericalException">An element is not finite, or the iteration did not converge.</exception>
    public static void Decompose<T>(Workspace workspace, ReadOnlyMatrixSpan<T> a, Span<T> values, MatrixSpan<T> vectors)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        int n = a.RowCount;
        MatrixShape.Expect("A", n, a.ColumnCount, n, n);
        MatrixShape.Expect("vectors", vectors.RowCount, vectors.ColumnCount, n, n);
        MatrixShape.Expect("values", values.Length, 1, n, 1);
        if (n == 0)
            return;
        fixed (T* pa = a.Elements, pv = vectors.Elements)
            Decompose(workspace, MatrixPointer<T>.Of(a, pa), values, MatrixPointer<T>.Of(vectors, pv));
    }

    private static void Decompose<T>(Workspace workspace, MatrixPointer<T> a, Span<T> values, MatrixPointer<T> vectors)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int n = a.RowCount;
        using var work = new MatrixBuffer<T>(n, n);
        using var turned = new MatrixBuffer<T>(n, n);
        MatrixPointer<T> matrix = work.Matrix;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
                matrix[i, j] = matrix[j, i] = a[i, j];
        }
        var scale = new PowerOfTwo<T>(Finiteness.LargestMagnitude(workspace, matrix));
        MatrixVector<T>.CopyScaled(workspace, matrix, scale.Factor, matrix);
        var beside = new T[n];
        var taus = new T[n - 1];
        Tridiagonalization<T>.Reduce(workspace, matrix, values, beside, turned.Matrix.Part(0, n - 1, 0, n), taus);
        // The rows of Qᵀ, which the rotations then turn into the eigenvectors.
        Reflectors<T>.Fill(workspace, turned.Matrix.Part(0, n - 1, 0, n), taus, 1, matrix);
        MatrixVector<T>.CopyScaled(workspace, matrix.Transposed, T.One, turned.Matrix);
        Diagonalize(workspace, values, beside, turned.Matrix);
        Order(workspace, values, turned.Matrix, matrix);
        MatrixVector<T>.CopyScaled(workspace, matrix.Transposed, T.One, vectors);
        T back = scale.Inverse;
        foreach (ref T value in values)
            value *= back;
    }

    private static void Diagonalize<T>(Workspace workspace, Span<T> d, Span<T> e, MatrixPointer<T> rows)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int n = d.Length;
        T epsilon = T.BitIncrement(T.One) - T.One, negligible = epsilon * epsilon;
        var queue = new RotationQueue<T>(workspace, rows);
        int stepsLeft = StepsPerEigenvalue * n;
        int last = n - 1;
        while (Deflation.NextBlock(d, e, ref last, negligible, epsilon) is var first && first < last)
        {
            if (stepsLeft-- == 0)
                throw new NumericalException(FormattableString.Invariant($"The eigenvalues of a matrix [{n}, {n}] did not converge in {StepsPerEigenvalue} steps each."));
            Step(d, e, first, last, queue);
        }
        queue.Flush();
    }

    // One implicit QR step on a block: the first rotation is that of the shifted matrix's first column, the others chase the element that it puts
    // two places beside the diagonal out of the matrix.
    private static void Step<T>(Span<T> d, Span<T> e, int first, int last, RotationQueue<T> queue)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T half = T.CreateTruncating(0.5) * (d[last - 1] - d[last]);
        T square = e[last - 1] * e[last - 1];
        T shift = d[last] - square / (half + T.CopySign(T.Sqrt(T.FusedMultiplyAdd(half, half, square)), half));
        T x = d[first] - shift, z = e[first];
        queue.Begin(first);
        for (int k = first; k < last; k++)
        {
            PlaneRotation<T> rotation = PlaneRotation<T>.Onto(x, z, out T length);
            T c = rotation.Cosine, s = rotation.Sine;
            if (k > first)
                e[k - 1] = length;
            T upper = d[k], lower = d[k + 1], between = e[k];
            T cross = c * s * between;
            d[k] = c * c * upper + (cross + cross) + s * s * lower;
            d[k + 1] = s * s * upper - (cross + cross) + c * c * lower;
            e[k] = c * s * (lower - upper) + (c * c - s * s) * between;
            x = e[k];
            if (k + 1 < last)
            {
                z = s * e[k + 1];
                e[k + 1] *= c;
            }
            queue.Add(c, s);
        }
    }

    private static void Order<T>(Workspace workspace, Span<T> values, MatrixPointer<T> rows, MatrixPointer<T> ordered)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] unordered = values.ToArray();
        int[] order = [.. Enumerable.Range(0, unordered.Length).OrderBy(i => unordered[i])];
        for (int i = 0; i < order.Length; i++)
        {
            values[i] = unordered[order[i]];
            T* row = rows.Row(order[i]);
            workspace.Arithmetic<T>().CopyScaled(row, SignOfLargest(row, rows.ColumnCount), ordered.Row(i), rows.ColumnCount);
        }
    }

    /// <summary>1 or −1, with which the element of largest magnitude becomes positive.</summary>
    internal static T SignOfLargest<T>(T* vector, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int largest = 0;
        for (int i = 1; i < count; i++)
        {
            if (T.Abs(vector[i]) > T.Abs(vector[largest]))
                largest = i;
        }
        return T.IsNegative(vector[largest]) ? -T.One : T.One;
    }
}
