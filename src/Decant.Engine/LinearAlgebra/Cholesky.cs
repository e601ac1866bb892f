using System.Numerics;
using Decant.Core.Errors;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// The Cholesky factor of a symmetric positive definite matrix, A = L · Lᵀ, and what is built on it. By recursion on halves (Gustavson 1997), so that
/// nearly all work is products of matrices. Only the lower half of A is read. Results do not depend on the number of threads.
/// </summary>
public static unsafe class Cholesky
{
    // A pivot below this many roundings of its diagonal element is zero for all that can be known: the sum it comes from has up to n terms of that
    // size, whose roundings add up like √n when they are independent.
    private const double RoundingsOfZero = 8;

    /// <summary>Replaces A by L: the lower half by the factor, the upper half by zeros.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n]; replaced.</param>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    /// <exception cref="NumericalException">An element is not finite, or the matrix is not positive definite to working precision; names the pivot.</exception>
    public static void Factor<T>(Workspace workspace, MatrixSpan<T> a)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (!TryFactor(workspace, a, out int pivot))
            throw NotPositiveDefinite(a.RowCount, pivot);
    }

    /// <summary>As <see cref="Factor{T}"/>, for callers that raise the damping and try again.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n]; replaced. After a failure its content is undefined.</param>
    /// <param name="pivot">The first pivot that is not positive, or −1.</param>
    /// <returns>True if there is a factor.</returns>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    /// <exception cref="NumericalException">An element is not finite.</exception>
    public static bool TryFactor<T>(Workspace workspace, MatrixSpan<T> a, out int pivot)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        MatrixShape.Expect("A", a.RowCount, a.ColumnCount, a.RowCount, a.RowCount);
        fixed (T* pa = a.Elements)
        {
            var matrix = MatrixPointer<T>.Of(a, pa);
            Finiteness.CheckLower(workspace, matrix);
            pivot = FactorPinned(workspace, matrix);
            return pivot < 0;
        }
    }

    /// <summary>Solves A · X = B with the factor of A.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="factor">[n, n]: L.</param>
    /// <param name="b">[n, m]; replaced by X.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="NumericalException">An element of L's diagonal is zero or not finite.</exception>
    public static void Solve<T>(Workspace workspace, ReadOnlyMatrixSpan<T> factor, MatrixSpan<T> b)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Triangular.SolveLeft(workspace, factor, Triangle.Lower, b);
        Triangular.SolveLeft(workspace, factor.Transposed, Triangle.Upper, b);
    }

    /// <summary>Replaces the factor of A by A⁻¹, both halves.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="factor">[n, n]: L; replaced.</param>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    /// <exception cref="NumericalException">An element of L's diagonal is zero or not finite.</exception>
    public static void Invert<T>(Workspace workspace, MatrixSpan<T> factor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Triangular.Invert(workspace, factor, Triangle.Lower);
        fixed (T* pointer = factor.Elements)
        {
            var inverse = MatrixPointer<T>.Of(factor, pointer);
            SquareOfTransposed(workspace, inverse);
            Mirror(inverse);
        }
    }

    /// <summary>
    /// Replaces A by the upper triangle U with A⁻¹ = Uᵀ · U, which is the Cholesky factor of the inverse that GPTQ walks along; zeros below. The inverse is not
    /// formed: with rows and columns in reverse order A = W · Wᵀ for an upper triangle W, and U = W⁻¹.
    /// </summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n]; replaced.</param>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    /// <exception cref="NumericalException">An element is not finite, or the matrix is not positive definite to working precision; names the pivot.</exception>
    public static void UpperFactorOfInverse<T>(Workspace workspace, MatrixSpan<T> a)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (!TryUpperFactorOfInverse(workspace, a, out int pivot))
            throw NotPositiveDefinite(a.RowCount, pivot);
    }

    /// <summary>As <see cref="UpperFactorOfInverse{T}"/>, for callers that raise the damping and try again.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n]; replaced. After a failure its content is undefined.</param>
    /// <param name="pivot">The pivot that is not positive (they are taken from the last to the first), or −1.</param>
    /// <returns>True if there is a factor.</returns>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    /// <exception cref="NumericalException">An element is not finite.</exception>
    public static bool TryUpperFactorOfInverse<T>(Workspace workspace, MatrixSpan<T> a, out int pivot)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        MatrixShape.Expect("A", a.RowCount, a.ColumnCount, a.RowCount, a.RowCount);
        int n = a.RowCount;
        fixed (T* pa = a.Elements)
        {
            var matrix = MatrixPointer<T>.Of(a, pa);
            Finiteness.CheckLower(workspace, matrix);
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j <= i && j < n - 1 - i; j++)
                    (matrix[i, j], matrix[n - 1 - j, n - 1 - i]) = (matrix[n - 1 - j, n - 1 - i], matrix[i, j]);
            }
            pivot = FactorPinned(workspace, matrix);
            if (pivot >= 0)
            {
                pivot = n - 1 - pivot;
                return false;
            }
            TriangularRecursion<T>.InvertLower(workspace, matrix);
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < n && (i < n - 1 - i || (i == n - 1 - i && j < n - 1 - j)); j++)
                    (matrix[i, j], matrix[n - 1 - i, n - 1 - j]) = (matrix[n - 1 - i, n - 1 - j], matrix[i, j]);
            }
            return true;
        }
    }

    private static NumericalException NotPositiveDefinite(int n, int pivot) => new(FormattableString.Invariant(
        $"A matrix [{n}, {n}] is not positive definite: pivot {pivot} of its Cholesky factor is zero or negative to working precision. Add more to its diagonal (damping)."));

    private static int FactorPinned<T>(Workspace workspace, MatrixPointer<T> a)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var smallest = new T[a.RowCount];
        T share = T.CreateTruncating(RoundingsOfZero * Math.Sqrt(a.RowCount)) * (T.BitIncrement(T.One) - T.One);
        for (int i = 0; i < smallest.Length; i++)
            smallest[i] = T.Abs(a[i, i]) * share;
        int pivot = FactorRecursively(workspace, a, smallest);
        for (int i = 0; pivot < 0 && i < a.RowCount; i++)
            new Span<T>(a.Row(i) + i + 1, a.RowCount - i - 1).Clear();
        return pivot;
    }

    private static int FactorRecursively<T>(Workspace workspace, MatrixPointer<T> a, ReadOnlySpan<T> smallest)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int n = a.RowCount;
        if (n <= TriangularRecursion<T>.LeafSize)
            return FactorLeaf(workspace.Arithmetic<T>(), a, smallest);
        int half = TriangularRecursion<T>.Half(n);
        MatrixPointer<T> first = a.Part(0, half, 0, half), last = a.Part(half, n - half, half, n - half), corner = a.Part(half, n - half, 0, half);
        int pivot = FactorRecursively(workspace, first, smallest[..half]);
        if (pivot >= 0)
            return pivot;
        // The corner of the factor is A₂₁ · L₁₁⁻ᵀ: with everything transposed, equations with L₁₁.
        TriangularRecursion<T>.Solve(workspace, first, Triangle.Lower, false, corner.Transposed);
        TriangularRecursion<T>.AddSquareLower(workspace, corner, last, -T.One);
        pivot = FactorRecursively(workspace, last, smallest[half..]);
        return pivot < 0 ? pivot : half + pivot;
    }

    private static int FactorLeaf<T>(MatrixArithmetic<T> arithmetic, MatrixPointer<T> a, ReadOnlySpan<T> smallest)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < a.RowCount; i++)
        {
            T* row = a.Row(i);
            for (int j = 0; j < i; j++)
                row[j] = (row[j] - arithmetic.Dot(row, a.Row(j), j)) / a[j, j];
            T pivot = row[i] - arithmetic.Dot(row, row, i);
            // Also false for what is not a number, which an overflow may have left.
            if (!(pivot > smallest[i]))
                return i;
            row[i] = T.Sqrt(pivot);
        }
        return -1;
    }

    // Replaces a lower triangle W by the lower half of Wᵀ · W.
    private static void SquareOfTransposed<T>(Workspace workspace, MatrixPointer<T> w)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int n = w.RowCount;
        if (n <= TriangularRecursion<T>.LeafSize)
        {
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j <= i; j++)
                {
                    T sum = T.Zero;
                    for (int k = i; k < n; k++)
                        sum += w[k, i] * w[k, j];
                    w[i, j] = sum;
                }
            }
            return;
        }
        int half = TriangularRecursion<T>.Half(n);
        MatrixPointer<T> first = w.Part(0, half, 0, half), last = w.Part(half, n - half, half, n - half), corner = w.Part(half, n - half, 0, half);
        SquareOfTransposed(workspace, first);
        TriangularRecursion<T>.AddSquareLower(workspace, corner.Transposed, first, T.One);
        TriangularRecursion<T>.MultiplyUpper(workspace, last.Transposed, corner);
        SquareOfTransposed(workspace, last);
    }

    private static void Mirror<T>(MatrixPointer<T> a)
        where T : unmanaged
    {
        for (int i = 0; i < a.RowCount; i++)
        {
            for (int j = 0; j < i; j++)
                a[j, i] = a[i, j];
        }
    }
}
