using System.Numerics;
using Decant.Core.Errors;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// The thin singular value decomposition A = U · diag(σ) · Vᵀ: QR if A is not square, reduction to a bidiagonal matrix, implicit QR steps. Singular values
/// and products are as exact as roundings of the largest singular value allow, so small ones of an ill-conditioned matrix have that absolute, not a relative
/// accuracy; U and V are orthonormal to working precision whatever A is, zero and rank deficient matrices included. Bytes do not depend on the number of threads.
/// </summary>
public static unsafe class Svd
{
    /// <summary>Computes all three factors.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[m, n].</param>
    /// <param name="u">[m, p] with p = min(m, n); result: columns are left singular vectors. The element of largest magnitude of each is positive.</param>
    /// <param name="values">[p]; result, descending, not negative.</param>
    /// <param name="vTransposed">[p, n]; result: rows are right singular vectors.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="NumericalException">An element is not finite, or the iteration did not converge.</exception>
    public static void Decompose<T>(Workspace workspace, ReadOnlyMatrixSpan<T> a, MatrixSpan<T> u, Span<T> values, MatrixSpan<T> vTransposed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        int m = a.RowCount, n = a.ColumnCount, p = Math.Min(m, n);
        MatrixShape.Expect("U", u.RowCount, u.ColumnCount, m, p);
        MatrixShape.Expect("values", values.Length, 1, p, 1);
        MatrixShape.Expect("Vᵀ", vTransposed.RowCount, vTransposed.ColumnCount, p, n);
        if (p == 0)
            return;
        fixed (T* pa = a.Elements, pu = u.Elements, pv = vTransposed.Elements)
        {
            MatrixPointer<T> matrix = MatrixPointer<T>.Of(a, pa), left = MatrixPointer<T>.Of(u, pu), right = MatrixPointer<T>.Of(vTransposed, pv);
            // Rows of these become the singular vectors.
            using var leftRows = new MatrixBuffer<T>(p, m);
            using var rightRows = new MatrixBuffer<T>(p, n);
            if (m >= n)
                DecomposeTall(workspace, matrix, leftRows.Matrix, values, rightRows.Matrix);
            else
                DecomposeTall(workspace, matrix.Transposed, rightRows.Matrix, values, leftRows.Matrix);
            Order(workspace, leftRows.Matrix, values, rightRows.Matrix, right);
            MatrixVector<T>.CopyScaled(workspace, leftRows.Matrix.Transposed, T.One, left);
        }
    }

    private static void DecomposeTall<T>(Workspace workspace, MatrixPointer<T> a, MatrixPointer<T> left, Span<T> values, MatrixPointer<T> right)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int m = a.RowCount, n = a.ColumnCount;
        if (m == n)
        {
            using var copy = new MatrixBuffer<T>(n, n);
            MatrixVector<T>.CopyScaled(workspace, a, T.One, copy.Matrix);
            DecomposeSquare(workspace, copy.Matrix, left, values, right);
            return;
        }
        using var q = new MatrixBuffer<T>(m, n);
        using var r = new MatrixBuffer<T>(n, n);
        using var small = new MatrixBuffer<T>(n, n);
        Qr.Factor(workspace, a, q.Matrix, r.Matrix);
        DecomposeSquare(workspace, r.Matrix, small.Matrix, values, right);
        Gemm.Multiply(workspace, small.Matrix, q.Matrix.Transposed, left, T.One, T.Zero);
    }

    // Destroys the matrix. Rows of `left` and `right` become singular vectors, in the order of the values, which is any.
    private static void DecomposeSquare<T>(Workspace workspace, MatrixPointer<T> a, MatrixPointer<T> left, Span<T> values, MatrixPointer<T> right)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int n = a.RowCount;
        var scale = new PowerOfTwo<T>(Finiteness.LargestMagnitude(workspace, a));
        MatrixVector<T>.CopyScaled(workspace, a, scale.Factor, a);
        T[] above = new T[n], leftTaus = new T[n], rightTaus = new T[n];
        using var leftReflections = new MatrixBuffer<T>(n, n);
        using var rightReflections = new MatrixBuffer<T>(n, n);
        Bidiagonalization<T>.Reduce(workspace, a, values, above, leftReflections.Matrix, leftTaus, rightReflections.Matrix, rightTaus);
        Reflectors<T>.Fill(workspace, leftReflections.Matrix, leftTaus, 0, a);
        MatrixVector<T>.CopyScaled(workspace, a.Transposed, T.One, left);
        Reflectors<T>.Fill(workspace, rightReflections.Matrix.Part(0, n - 1, 0, n), rightTaus, 1, a);
        MatrixVector<T>.CopyScaled(workspace, a.Transposed, T.One, right);
        BidiagonalIteration<T>.Run(workspace, values, above, left, right);
        T back = scale.Inverse;
        foreach (ref T value in values)
            value *= back;
    }

    private static void Order<T>(Workspace workspace, MatrixPointer<T> left, Span<T> values, MatrixPointer<T> right, MatrixPointer<T> orderedRight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        MatrixArithmetic<T> arithmetic = workspace.Arithmetic<T>();
        T[] unordered = values.ToArray();
        int[] order = [.. Enumerable.Range(0, unordered.Length).OrderByDescending(i => T.Abs(unordered[i]))];
        using var orderedLeft = new MatrixBuffer<T>(left.RowCount, left.ColumnCount);
        for (int i = 0; i < order.Length; i++)
        {
            T value = unordered[order[i]];
            values[i] = T.Abs(value);
            T* row = left.Row(order[i]);
            T sign = SymmetricEigen.SignOfLargest(row, left.ColumnCount);
            arithmetic.CopyScaled(row, sign, orderedLeft.Matrix.Row(i), left.ColumnCount);
            arithmetic.CopyScaled(right.Row(order[i]), T.IsNegative(value) ? -sign : sign, orderedRight.Row(i), right.ColumnCount);
        }
        MatrixVector<T>.CopyScaled(workspace, orderedLeft.Matrix, T.One, left);
    }
}
