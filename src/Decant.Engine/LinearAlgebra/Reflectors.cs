using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

// A block of k Householder reflections H₀ · H₁ ⋯ Hₖ₋₁ = I − Vᵀ · S · V in the compact form of Schreiber and Van Loan 1989. Vectors are the rows of V, each
// 1 at its pivot and 0 before, S is upper triangular. Applying the block is three products of matrices.

/// <summary>Householder reflections.</summary>
internal static unsafe class Reflectors<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Reflections of a block.</summary>
    public const int BlockSize = 32;

    /// <summary>
    /// Finds H = I − tau · v · vᵀ with H · x = (beta, 0, …). Elements must not be so large or small that their squares leave the range: see
    /// <see cref="PowerOfTwo{T}"/>. A vector that is zero, or would be beside a matrix near one, gives tau = 0, H = I.
    /// </summary>
    /// <param name="arithmetic">Vector functions.</param>
    /// <param name="x">The vector; replaced by v, whose first element is 1.</param>
    /// <param name="count">Its length, at least 1.</param>
    /// <param name="tau">Factor.</param>
    /// <returns>beta.</returns>
    public static T Make(MatrixArithmetic<T> arithmetic, T* x, int count, out T tau)
    {
        T alpha = x[0];
        x[0] = T.One;
        T rest = arithmetic.Dot(x + 1, x + 1, count - 1);
        T square = T.FusedMultiplyAdd(alpha, alpha, rest);
        if (T.IsZero(rest) || square < PowerOfTwo<T>.SmallestSquare)
        {
            tau = T.Zero;
            new Span<T>(x + 1, count - 1).Clear();
            return alpha;
        }
        T beta = -T.CopySign(T.Sqrt(square), alpha);
        tau = (beta - alpha) / beta;
        arithmetic.Scale(x + 1, T.One / (alpha - beta), count - 1);
        return beta;
    }

    /// <summary>Fills S of a block whose vectors and factors are known.</summary>
    /// <param name="arithmetic">Vector functions.</param>
    /// <param name="v">[k, n]: the vectors.</param>
    /// <param name="taus">The factors.</param>
    /// <param name="s">[k, k]; result.</param>
    public static void FillTriangle(MatrixArithmetic<T> arithmetic, MatrixPointer<T> v, ReadOnlySpan<T> taus, MatrixPointer<T> s)
    {
        s.Clear();
        T* dots = stackalloc T[BlockSize];
        for (int j = 0; j < v.RowCount; j++)
        {
            for (int i = 0; i < j; i++)
                dots[i] = arithmetic.Dot(v.Row(i), v.Row(j), v.ColumnCount);
            s[j, j] = taus[j];
            for (int i = 0; i < j; i++)
            {
                T sum = T.Zero;
                for (int k = i; k < j; k++)
                    sum = T.FusedMultiplyAdd(s[i, k], dots[k], sum);
                s[i, j] = -taus[j] * sum;
            }
        }
    }

    /// <summary>Replaces C by (H₀ ⋯ Hₖ₋₁) · C, or by its transpose times C, which undoes that.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="v">[k, m]: the vectors.</param>
    /// <param name="s">[k, k]: the triangle.</param>
    /// <param name="transposed">True for the transpose.</param>
    /// <param name="c">[m, n]; replaced.</param>
    /// <param name="scratch">At least [2 · k, n].</param>
    public static void Apply(Workspace workspace, MatrixPointer<T> v, MatrixPointer<T> s, bool transposed, MatrixPointer<T> c, MatrixPointer<T> scratch)
    {
        if (c.ColumnCount == 0)
            return;
        int k = v.RowCount;
        MatrixPointer<T> products = scratch.Part(0, k, 0, c.ColumnCount), weighted = scratch.Part(k, k, 0, c.ColumnCount);
        Gemm.Multiply(workspace, v, c, products, T.One, T.Zero);
        Gemm.Multiply(workspace, transposed ? s.Transposed : s, products, weighted, T.One, T.Zero);
        Gemm.Multiply(workspace, v.Transposed, weighted, c, -T.One, T.One);
    }

    /// <summary>Fills Q = H₀ · H₁ ⋯, starting from the identity and from the last block, so that each block meets only the part that is not the identity.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="v">[count, m]: the vectors; vector i begins at element i + offset.</param>
    /// <param name="taus">The factors.</param>
    /// <param name="offset">Where the first vector begins.</param>
    /// <param name="q">[m, n]; result: the first n columns.</param>
    public static void Fill(Workspace workspace, MatrixPointer<T> v, ReadOnlySpan<T> taus, int offset, MatrixPointer<T> q)
    {
        q.Clear();
        for (int i = 0; i < Math.Min(q.RowCount, q.ColumnCount); i++)
            q[i, i] = T.One;
        using var scratch = new MatrixBuffer<T>(2 * BlockSize, q.ColumnCount);
        using var triangle = new MatrixBuffer<T>(BlockSize, BlockSize);
        for (int first = (v.RowCount - 1) / BlockSize * BlockSize; first >= 0 && v.RowCount > 0; first -= BlockSize)
        {
            int count = Math.Min(BlockSize, v.RowCount - first);
            int start = Math.Min(first + offset, q.RowCount);
            MatrixPointer<T> vectors = v.Part(first, count, start, v.ColumnCount - start);
            MatrixPointer<T> s = triangle.Matrix.Part(0, count, 0, count);
            FillTriangle(workspace.Arithmetic<T>(), vectors, taus.Slice(first, count), s);
            int firstColumn = Math.Min(start, q.ColumnCount);
            Apply(workspace, vectors, s, false, q.Part(start, q.RowCount - start, firstColumn, q.ColumnCount - firstColumn), scratch.Matrix);
        }
    }
}
