using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

// A = Q · T · Qᵀ, blocked after Dongarra, Sorensen and Hammarling 1989: within a block of columns the matrix is left as it is and known as
// A − Vᵀ · W − Wᵀ · V; one product with the matrix per column makes the next row of W, one product of matrices per block brings the rest up to date.
// Both halves of A are kept, so that every access runs along rows.

/// <summary>Reduction of a symmetric matrix to a tridiagonal one.</summary>
internal static unsafe class Tridiagonalization<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Reduces.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n], symmetric, near one in size; destroyed.</param>
    /// <param name="diagonal">[n]; result.</param>
    /// <param name="beside">[n]; result: n − 1 elements beside the diagonal.</param>
    /// <param name="vectors">[n − 1, n], zeros; result: reflections, the i-th begins at element i + 1.</param>
    /// <param name="taus">[n − 1]; result.</param>
    public static void Reduce(Workspace workspace, MatrixPointer<T> a, Span<T> diagonal, Span<T> beside, MatrixPointer<T> vectors, Span<T> taus)
    {
        int n = a.RowCount;
        // Rows of V, of W, and of V again: what is subtracted is the transpose of the first two thirds times the last two thirds.
        using var factors = new MatrixBuffer<T>(3 * Reflectors<T>.BlockSize, n);
        using var row = new MatrixBuffer<T>(1, n);
        for (int first = 0; first < n; first += Reflectors<T>.BlockSize)
        {
            int count = Math.Min(Reflectors<T>.BlockSize, n - first);
            MatrixPointer<T> v = factors.Matrix.Part(0, count, 0, n), w = factors.Matrix.Part(count, count, 0, n);
            for (int i = 0; i < count; i++)
                ReduceColumn(workspace, a, first, first + i, v, w, row.Matrix.Data, diagonal, beside, vectors, taus);
            int next = first + count;
            for (int i = 0; i < count && next < n; i++)
                MatrixArithmetic<T>.Copy(v.Row(i) + next, factors.Matrix.Row(2 * count + i) + next, n - next);
            MatrixPointer<T> left = factors.Matrix.Part(0, 2 * count, next, n - next), right = factors.Matrix.Part(count, 2 * count, next, n - next);
            Gemm.Multiply(workspace, left.Transposed, right, a.Part(next, n - next, next, n - next), -T.One, T.One);
        }
    }

    private static void ReduceColumn(
        Workspace workspace, MatrixPointer<T> a, int first, int j, MatrixPointer<T> v, MatrixPointer<T> w, T* row,
        Span<T> diagonal, Span<T> beside, MatrixPointer<T> vectors, Span<T> taus)
    {
        MatrixArithmetic<T> arithmetic = workspace.Arithmetic<T>();
        int n = a.RowCount, done = j - first, start = j + 1, length = n - start;
        MatrixArithmetic<T>.Copy(a.Row(j) + j, row + j, n - j);
        for (int i = 0; i < done; i++)
        {
            arithmetic.AddScaled(row + j, w.Row(i) + j, -v[i, j], n - j);
            arithmetic.AddScaled(row + j, v.Row(i) + j, -w[i, j], n - j);
        }
        diagonal[j] = row[j];
        if (length == 0)
            return;
        T beta = Reflectors<T>.Make(arithmetic, row + start, length, out T tau);
        beside[j] = beta;
        taus[j] = tau;
        T* x = v.Row(done), y = w.Row(done);
        MatrixArithmetic<T>.Copy(row + start, x + start, length);
        MatrixArithmetic<T>.Copy(x + start, vectors.Row(j) + start, length);
        MatrixVector<T>.Multiply(workspace, a.Part(start, length, start, length), x + start, y + start);
        for (int i = 0; i < done; i++)
        {
            T withW = arithmetic.Dot(w.Row(i) + start, x + start, length), withV = arithmetic.Dot(v.Row(i) + start, x + start, length);
            arithmetic.AddScaled(y + start, v.Row(i) + start, -withW, length);
            arithmetic.AddScaled(y + start, w.Row(i) + start, -withV, length);
        }
        arithmetic.Scale(y + start, tau, length);
        T half = T.CreateTruncating(0.5);
        arithmetic.AddScaled(y + start, x + start, -half * tau * arithmetic.Dot(y + start, x + start, length), length);
    }
}
