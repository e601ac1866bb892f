using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

/// <summary>Products of a matrix and a vector on all threads, and copies.</summary>
internal static unsafe class MatrixVector<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Elements that one thread reads in the time that it takes to tell another, several times over.
    private const long ElementsPerThread = 1 << 15;

    /// <summary>y = A · x.</summary>
    public static void Multiply(Workspace workspace, MatrixPointer<T> a, T* x, T* y)
    {
        int parts = PartCount(workspace, a);
        workspace.Pool.Run(parts, new RowWork(workspace.Arithmetic<T>(), a, x, y, parts));
    }

    /// <summary>y = Aᵀ · x.</summary>
    public static void MultiplyTransposed(Workspace workspace, MatrixPointer<T> a, T* x, T* y)
    {
        int parts = PartCount(workspace, a);
        workspace.Pool.Run(parts, new ColumnWork(workspace.Arithmetic<T>(), a, x, y, parts));
    }

    /// <summary>target = factor · source, of which rows or columns lie together; rows of the target do.</summary>
    public static void CopyScaled(Workspace workspace, MatrixPointer<T> source, T factor, MatrixPointer<T> target)
    {
        MatrixArithmetic<T> arithmetic = workspace.Arithmetic<T>();
        if (source.ColumnStep != 1)
            arithmetic.Transpose(source.Data, source.ColumnStep, source.ColumnCount, source.RowCount, target.Data, target.RowStep);
        for (int row = 0; row < source.RowCount; row++)
            arithmetic.CopyScaled(source.ColumnStep == 1 ? source.Row(row) : target.Row(row), factor, target.Row(row), source.ColumnCount);
    }

    private static int PartCount(Workspace workspace, MatrixPointer<T> a) =>
        (int)Math.Clamp((long)a.RowCount * a.ColumnCount / ElementsPerThread, 1, workspace.Pool.ThreadCount);

    private readonly struct RowWork(MatrixArithmetic<T> arithmetic, MatrixPointer<T> a, T* x, T* y, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int end = WorkerPool.Boundary(a.RowCount, 8, part + 1, parts);
            for (int row = WorkerPool.Boundary(a.RowCount, 8, part, parts); row < end; row++)
                y[row] = arithmetic.Dot(a.Row(row), x, a.ColumnCount);
        }
    }

    private readonly struct ColumnWork(MatrixArithmetic<T> arithmetic, MatrixPointer<T> a, T* x, T* y, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            // Whole cache lines for each thread.
            int first = WorkerPool.Boundary(a.ColumnCount, 16, part, parts);
            int count = WorkerPool.Boundary(a.ColumnCount, 16, part + 1, parts) - first;
            new Span<T>(y + first, count).Clear();
            for (int row = 0; row < a.RowCount; row++)
                arithmetic.AddScaled(y + first, a.Row(row) + first, x[row], count);
        }
    }
}
