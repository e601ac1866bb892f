using System.Numerics;
using Decant.Core.Errors;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// Systems of equations with a triangular matrix, by recursion on halves (Elmroth, Gustavson, Jonsson and Kågström 2004): all but small diagonal blocks is
/// products of matrices. A transposed view of a triangle is a triangle of the other kind. Results do not depend on the number of threads.
/// </summary>
public static unsafe class Triangular
{
    /// <summary>Solves A · X = B.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n]; may be a transposed view.</param>
    /// <param name="triangle">The half of <paramref name="a"/>, as it is used, that counts.</param>
    /// <param name="b">[n, m]; replaced by X. Elements that are not finite spread to the rows that depend on them.</param>
    /// <param name="hasUnitDiagonal">True if the diagonal is ones, whatever is stored there.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="NumericalException">An element of the diagonal is zero or not finite.</exception>
    public static void SolveLeft<T>(Workspace workspace, ReadOnlyMatrixSpan<T> a, Triangle triangle, MatrixSpan<T> b, bool hasUnitDiagonal = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        MatrixShape.Expect("A", a.RowCount, a.ColumnCount, a.RowCount, a.RowCount);
        MatrixShape.Expect("B", b.RowCount, b.ColumnCount, a.RowCount, b.ColumnCount);
        fixed (T* pa = a.Elements, pb = b.Elements)
        {
            var matrix = MatrixPointer<T>.Of(a, pa);
            CheckDiagonal(matrix, hasUnitDiagonal);
            TriangularRecursion<T>.Solve(workspace, matrix, triangle, hasUnitDiagonal, MatrixPointer<T>.Of(b, pb));
        }
    }

    /// <summary>Solves X · A = B.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n]; may be a transposed view.</param>
    /// <param name="triangle">The half of <paramref name="a"/>, as it is used, that counts.</param>
    /// <param name="b">[m, n]; replaced by X. Elements that are not finite spread to the columns that depend on them.</param>
    /// <param name="hasUnitDiagonal">True if the diagonal is ones, whatever is stored there.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="NumericalException">An element of the diagonal is zero or not finite.</exception>
    public static void SolveRight<T>(Workspace workspace, ReadOnlyMatrixSpan<T> a, Triangle triangle, MatrixSpan<T> b, bool hasUnitDiagonal = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        MatrixShape.Expect("A", a.RowCount, a.ColumnCount, a.RowCount, a.RowCount);
        MatrixShape.Expect("B", b.RowCount, b.ColumnCount, b.RowCount, a.RowCount);
        fixed (T* pa = a.Elements, pb = b.Elements)
        {
            var matrix = MatrixPointer<T>.Of(a, pa);
            CheckDiagonal(matrix, hasUnitDiagonal);
            // X · A = B is Aᵀ · Xᵀ = Bᵀ.
            TriangularRecursion<T>.Solve(workspace, matrix.Transposed, TriangularRecursion<T>.Other(triangle), hasUnitDiagonal, MatrixPointer<T>.Of(b, pb).Transposed);
        }
    }

    /// <summary>Replaces a lower or upper triangle by its inverse, which is of the same kind. The other half is left as it is.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n]; replaced.</param>
    /// <param name="triangle">The half that counts.</param>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    /// <exception cref="NumericalException">An element of the diagonal is zero or not finite.</exception>
    public static void Invert<T>(Workspace workspace, MatrixSpan<T> a, Triangle triangle)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        MatrixShape.Expect("A", a.RowCount, a.ColumnCount, a.RowCount, a.RowCount);
        fixed (T* pa = a.Elements)
        {
            var matrix = MatrixPointer<T>.Of(a, pa);
            CheckDiagonal(matrix, false);
            // The inverse of the transpose is the transpose of the inverse.
            TriangularRecursion<T>.InvertLower(workspace, triangle == Triangle.Lower ? matrix : matrix.Transposed);
        }
    }

    private static void CheckDiagonal<T>(MatrixPointer<T> a, bool hasUnitDiagonal)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; !hasUnitDiagonal && i < a.RowCount; i++)
        {
            if (T.IsZero(a[i, i]) || !T.IsFinite(a[i, i]))
                throw new NumericalException(FormattableString.Invariant($"A triangular matrix [{a.RowCount}, {a.RowCount}] has {a[i, i]} on its diagonal at {i}: the equations have no unique solution."));
        }
    }
}
