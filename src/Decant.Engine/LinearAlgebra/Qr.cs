using System.Numerics;
using Decant.Core.Errors;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// The thin QR factorization A = Q · R by blocked Householder reflections (Schreiber and Van Loan 1989): Q has orthonormal columns, R is upper triangular
/// (upper trapezoidal if A is wider than high) with a diagonal that is not negative, which makes the factors of a matrix of full column rank unique. Columns
/// that depend on those before are no error: Q is orthonormal all the same, R has (nearly) zeros on its diagonal. Bytes do not depend on the number of threads.
/// </summary>
public static unsafe class Qr
{
    /// <summary>Computes both factors.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[m, n].</param>
    /// <param name="q">[m, min(m, n)]; result. Must not overlap <paramref name="a"/>.</param>
    /// <param name="r">[min(m, n), n]; result. Must not overlap <paramref name="a"/>.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="NumericalException">An element is not finite.</exception>
    public static void Factor<T>(Workspace workspace, ReadOnlyMatrixSpan<T> a, MatrixSpan<T> q, MatrixSpan<T> r)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        int rank = Math.Min(a.RowCount, a.ColumnCount);
        MatrixShape.Expect("Q", q.RowCount, q.ColumnCount, a.RowCount, rank);
        MatrixShape.Expect("R", r.RowCount, r.ColumnCount, rank, a.ColumnCount);
        fixed (T* pa = a.Elements, pq = q.Elements, pr = r.Elements)
            Factor(workspace, MatrixPointer<T>.Of(a, pa), MatrixPointer<T>.Of(q, pq), MatrixPointer<T>.Of(r, pr));
    }

    /// <summary>The factors of pinned matrices.</summary>
    internal static void Factor<T>(Workspace workspace, MatrixPointer<T> a, MatrixPointer<T> q, MatrixPointer<T> r)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int m = a.RowCount, n = a.ColumnCount, rank = r.RowCount;
        if (rank == 0)
            return;
        using var work = new MatrixBuffer<T>(m, n);
        MatrixVector<T>.CopyScaled(workspace, a, T.One, work.Matrix);
        var scale = new PowerOfTwo<T>(Finiteness.LargestMagnitude(workspace, work.Matrix));
        MatrixVector<T>.CopyScaled(workspace, work.Matrix, scale.Factor, work.Matrix);
        using var vectors = new MatrixBuffer<T>(rank, m);
        using var scratch = new MatrixBuffer<T>(2 * Reflectors<T>.BlockSize, n);
        using var triangle = new MatrixBuffer<T>(Reflectors<T>.BlockSize, Reflectors<T>.BlockSize);
        var taus = new T[rank];
        for (int first = 0; first < rank; first += Reflectors<T>.BlockSize)
        {
            int count = Math.Min(Reflectors<T>.BlockSize, rank - first);
            MatrixPointer<T> v = vectors.Matrix.Part(first, count, first, m - first), s = triangle.Matrix.Part(0, count, 0, count);
            FactorPanel(workspace.Arithmetic<T>(), work.Matrix.Part(first, m - first, first, count), v, taus.AsSpan(first, count));
            Reflectors<T>.FillTriangle(workspace.Arithmetic<T>(), v, taus.AsSpan(first, count), s);
            MatrixPointer<T> rest = work.Matrix.Part(first, m - first, first + count, n - first - count);
            Reflectors<T>.Apply(workspace, v, s, true, rest, scratch.Matrix);
        }
        Reflectors<T>.Fill(workspace, vectors.Matrix, taus, 0, q);
        MatrixVector<T>.CopyScaled(workspace, work.Matrix.Part(0, rank, 0, n), scale.Inverse, r);
        MakeDiagonalPositive(workspace, q, r);
    }

    // The panel's columns are turned into rows, so that everything that is done to them is done to neighbours.
    private static void FactorPanel<T>(MatrixArithmetic<T> arithmetic, MatrixPointer<T> panel, MatrixPointer<T> v, Span<T> taus)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int m = panel.RowCount;
        arithmetic.Transpose(panel.Data, panel.RowStep, m, panel.ColumnCount, v.Data, v.RowStep);
        for (int j = 0; j < panel.ColumnCount; j++)
        {
            T* column = v.Row(j);
            for (int i = 0; i < j; i++)
            {
                T dot = arithmetic.Dot(v.Row(i) + i, column + i, m - i);
                arithmetic.AddScaled(column + i, v.Row(i) + i, -taus[i] * dot, m - i);
                panel[i, j] = column[i];
                column[i] = T.Zero;
            }
            panel[j, j] = Reflectors<T>.Make(arithmetic, column + j, m - j, out taus[j]);
        }
    }

    private static void MakeDiagonalPositive<T>(Workspace workspace, MatrixPointer<T> q, MatrixPointer<T> r)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < r.RowCount; i++)
        {
            new Span<T>(r.Row(i), i).Clear();
            if (!T.IsNegative(r[i, i]))
                continue;
            workspace.Arithmetic<T>().Scale(r.Row(i) + i, -T.One, r.ColumnCount - i);
            for (int row = 0; row < q.RowCount; row++)
                q[row, i] = -q[row, i];
        }
    }
}
