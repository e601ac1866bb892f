using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

// A = Q · B · Pᵀ, blocked after Dongarra, Sorensen and Hammarling 1989: within a block of columns and rows the matrix is left as it is and known as
// A − Vᵀ · Y − Xᵀ · U, where V and U hold the reflections from the left and from the right. Each costs one product with the matrix; one product of
// matrices per block brings the rest up to date.

/// <summary>Reduction of a square matrix to an upper bidiagonal one.</summary>
internal static unsafe class Bidiagonalization<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Reduces.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[n, n], near one in size; destroyed.</param>
    /// <param name="diagonal">[n]; result.</param>
    /// <param name="above">[n]; result: n − 1 elements above the diagonal.</param>
    /// <param name="left">[n, n], zeros; result: reflections from the left, the i-th begins at element i.</param>
    /// <param name="leftTaus">[n]; result.</param>
    /// <param name="right">[n, n], zeros; result: reflections from the right, the i-th begins at element i + 1; the last is none.</param>
    /// <param name="rightTaus">[n]; result.</param>
    public static void Reduce(
        Workspace workspace, MatrixPointer<T> a, Span<T> diagonal, Span<T> above, MatrixPointer<T> left, Span<T> leftTaus, MatrixPointer<T> right, Span<T> rightTaus)
    {
        int n = a.RowCount;
        // Rows of V and X, and in the same order those of Y and U that they are multiplied with.
        using var columnFactors = new MatrixBuffer<T>(2 * Reflectors<T>.BlockSize, n);
        using var rowFactors = new MatrixBuffer<T>(2 * Reflectors<T>.BlockSize, n);
        for (int first = 0; first < n; first += Reflectors<T>.BlockSize)
        {
            int count = Math.Min(Reflectors<T>.BlockSize, n - first);
            // Rows that a block before left behind do not count any more.
            columnFactors.Matrix.Clear();
            rowFactors.Matrix.Clear();
            var block = new Block(
                workspace, a, columnFactors.Matrix.Part(0, count, 0, n), columnFactors.Matrix.Part(count, count, 0, n),
                rowFactors.Matrix.Part(0, count, 0, n), rowFactors.Matrix.Part(count, count, 0, n));
            for (int i = 0; i < count; i++)
            {
                int j = first + i;
                diagonal[j] = block.ReduceColumn(i, j, left.Row(j), out leftTaus[j]);
                if (j + 1 < n)
                    above[j] = block.ReduceRow(i, j, right.Row(j), out rightTaus[j]);
            }
            int next = first + count;
            MatrixPointer<T> columns = columnFactors.Matrix.Part(0, 2 * count, next, n - next), rows = rowFactors.Matrix.Part(0, 2 * count, next, n - next);
            Gemm.Multiply(workspace, columns.Transposed, rows, a.Part(next, n - next, next, n - next), -T.One, T.One);
        }
    }

    private readonly struct Block(Workspace workspace, MatrixPointer<T> a, MatrixPointer<T> v, MatrixPointer<T> x, MatrixPointer<T> y, MatrixPointer<T> u)
    {
        private readonly MatrixArithmetic<T> arithmetic = workspace.Arithmetic<T>();

        /// <summary>Brings column j up to date, reflects it onto the diagonal, and finds what that does to the rows.</summary>
        public T ReduceColumn(int i, int j, T* reflection, out T tau)
        {
            int n = a.RowCount, length = n - j, rest = n - j - 1;
            T* column = reflection + j;
            for (int row = 0; row < length; row++)
                column[row] = a[j + row, j];
            for (int k = 0; k < i; k++)
            {
                arithmetic.AddScaled(column, v.Row(k) + j, -y[k, j], length);
                arithmetic.AddScaled(column, x.Row(k) + j, -u[k, j], length);
            }
            T beta = Reflectors<T>.Make(arithmetic, column, length, out tau);
            MatrixArithmetic<T>.Copy(column, v.Row(i) + j, length);
            T* result = y.Row(i) + j + 1;
            MatrixVector<T>.MultiplyTransposed(workspace, a.Part(j, length, j + 1, rest), column, result);
            for (int k = 0; k < i; k++)
            {
                arithmetic.AddScaled(result, y.Row(k) + j + 1, -arithmetic.Dot(v.Row(k) + j, column, length), rest);
                arithmetic.AddScaled(result, u.Row(k) + j + 1, -arithmetic.Dot(x.Row(k) + j, column, length), rest);
            }
            arithmetic.Scale(result, tau, rest);
            return beta;
        }

        /// <summary>Brings row j right of the diagonal up to date, reflects it onto one element, and finds what that does to the columns.</summary>
        public T ReduceRow(int i, int j, T* reflection, out T tau)
        {
            int n = a.RowCount, start = j + 1, length = n - start;
            T* row = reflection + start;
            MatrixArithmetic<T>.Copy(a.Row(j) + start, row, length);
            for (int k = 0; k <= i; k++)
                arithmetic.AddScaled(row, y.Row(k) + start, -v[k, j], length);
            for (int k = 0; k < i; k++)
                arithmetic.AddScaled(row, u.Row(k) + start, -x[k, j], length);
            T beta = Reflectors<T>.Make(arithmetic, row, length, out tau);
            MatrixArithmetic<T>.Copy(row, u.Row(i) + start, length);
            T* result = x.Row(i) + start;
            MatrixVector<T>.Multiply(workspace, a.Part(start, length, start, length), row, result);
            for (int k = 0; k <= i; k++)
                arithmetic.AddScaled(result, v.Row(k) + start, -arithmetic.Dot(y.Row(k) + start, row, length), length);
            for (int k = 0; k < i; k++)
                arithmetic.AddScaled(result, x.Row(k) + start, -arithmetic.Dot(u.Row(k) + start, row, length), length);
            arithmetic.Scale(result, tau, length);
            return beta;
        }
    }
}
