using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

/// <summary>The recursive algorithms on triangles, on pinned matrices whose diagonals were checked.</summary>
internal static unsafe class TriangularRecursion<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Triangles up to this size are solved row by row.</summary>
    public const int LeafSize = 32;

    // Columns of a right-hand side that a leaf takes at once: with the leaf's rows they fit the first-level cache.
    private const int LeafColumnCount = 96;

    // Symmetric updates up to this size compute their whole square.
    private const int SquareSize = 192;

    /// <summary>Where a matrix of this size is halved: at a whole number of leaves.</summary>
    public static int Half(int size) => (size / 2 + LeafSize - 1) / LeafSize * LeafSize;

    /// <summary>The triangle that a transposed view shows.</summary>
    public static Triangle Other(Triangle triangle) => triangle == Triangle.Lower ? Triangle.Upper : Triangle.Lower;

    /// <summary>C += factor · A · B, where C's columns may lie together as well as its rows.</summary>
    public static void AddProduct(Workspace workspace, MatrixPointer<T> a, MatrixPointer<T> b, MatrixPointer<T> c, T factor)
    {
        if (c.ColumnStep == 1)
            Gemm.Multiply(workspace, a, b, c, factor, T.One);
        else
            Gemm.Multiply(workspace, b.Transposed, a.Transposed, c.Transposed, factor, T.One);
    }

    /// <summary>Replaces B by A⁻¹ · B.</summary>
    public static void Solve(Workspace workspace, MatrixPointer<T> a, Triangle triangle, bool hasUnitDiagonal, MatrixPointer<T> b)
    {
        if (b.ColumnCount == 0)
            return;
        int n = a.RowCount;
        if (n <= LeafSize)
        {
            if (n > 0)
                ForLeaf(workspace, b, new SolveStep(a, triangle, hasUnitDiagonal));
            return;
        }
        int half = Half(n);
        MatrixPointer<T> first = a.Part(0, half, 0, half), last = a.Part(half, n - half, half, n - half);
        MatrixPointer<T> top = b.Part(0, half, 0, b.ColumnCount), bottom = b.Part(half, n - half, 0, b.ColumnCount);
        if (triangle == Triangle.Lower)
        {
            Solve(workspace, first, triangle, hasUnitDiagonal, top);
            AddProduct(workspace, a.Part(half, n - half, 0, half), top, bottom, -T.One);
            Solve(workspace, last, triangle, hasUnitDiagonal, bottom);
        }
        else
        {
            Solve(workspace, last, triangle, hasUnitDiagonal, bottom);
            AddProduct(workspace, a.Part(0, half, half, n - half), bottom, top, -T.One);
            Solve(workspace, first, triangle, hasUnitDiagonal, top);
        }
    }

    /// <summary>Replaces B by A · B, A an upper triangle.</summary>
    public static void MultiplyUpper(Workspace workspace, MatrixPointer<T> a, MatrixPointer<T> b)
    {
        int n = a.RowCount;
        if (n <= LeafSize)
        {
            if (n > 0)
                ForLeaf(workspace, b, new MultiplyStep(a));
            return;
        }
        int half = Half(n);
        MatrixPointer<T> top = b.Part(0, half, 0, b.ColumnCount), bottom = b.Part(half, n - half, 0, b.ColumnCount);
        MultiplyUpper(workspace, a.Part(0, half, 0, half), top);
        AddProduct(workspace, a.Part(0, half, half, n - half), bottom, top, T.One);
        MultiplyUpper(workspace, a.Part(half, n - half, half, n - half), bottom);
    }

    /// <summary>Replaces a lower triangle by its inverse.</summary>
    public static void InvertLower(Workspace workspace, MatrixPointer<T> a)
    {
        int n = a.RowCount;
        if (n <= LeafSize)
        {
            InvertLeaf(a);
            return;
        }
        // The corner of the inverse is −A₂₂⁻¹ · A₂₁ · A₁₁⁻¹.
        int half = Half(n);
        MatrixPointer<T> first = a.Part(0, half, 0, half), last = a.Part(half, n - half, half, n - half), corner = a.Part(half, n - half, 0, half);
        Solve(workspace, last, Triangle.Lower, false, corner);
        Solve(workspace, first.Transposed, Triangle.Upper, false, corner.Transposed);
        for (int i = 0; i < corner.RowCount; i++)
        {
            for (int j = 0; j < corner.ColumnCount; j++)
                corner[i, j] = -corner[i, j];
        }
        InvertLower(workspace, first);
        InvertLower(workspace, last);
    }

    /// <summary>Lower half of C += factor · A · Aᵀ. Elements of C above the diagonal change as well, where that is cheaper.</summary>
    public static void AddSquareLower(Workspace workspace, MatrixPointer<T> a, MatrixPointer<T> c, T factor)
    {
        int n = c.RowCount;
        if (n <= SquareSize)
        {
            Gemm.Multiply(workspace, a, a.Transposed, c, factor, T.One);
            return;
        }
        int half = Half(n);
        MatrixPointer<T> top = a.Part(0, half, 0, a.ColumnCount), bottom = a.Part(half, n - half, 0, a.ColumnCount);
        AddSquareLower(workspace, top, c.Part(0, half, 0, half), factor);
        Gemm.Multiply(workspace, bottom, top.Transposed, c.Part(half, n - half, 0, half), factor, T.One);
        AddSquareLower(workspace, bottom, c.Part(half, n - half, half, n - half), factor);
    }

    private static void InvertLeaf(MatrixPointer<T> a)
    {
        T* old = stackalloc T[LeafSize];
        for (int i = 0; i < a.RowCount; i++)
        {
            for (int k = 0; k < i; k++)
                old[k] = a[i, k];
            a[i, i] = T.One / a[i, i];
            for (int j = 0; j < i; j++)
            {
                T sum = T.Zero;
                for (int k = j; k < i; k++)
                    sum += old[k] * a[k, j];
                a[i, j] = -a[i, i] * sum;
            }
        }
    }

    private static void ForLeaf<TStep>(Workspace workspace, MatrixPointer<T> b, TStep step)
        where TStep : struct, ILeafStep
    {
        int parts = Math.Min(workspace.Pool.ThreadCount, (b.ColumnCount + LeafColumnCount - 1) / LeafColumnCount);
        workspace.Pool.Run(parts, new LeafWork<TStep>(workspace, b, step, parts));
    }

    /// <summary>What a leaf does to rows of a right-hand side that lie together.</summary>
    private interface ILeafStep
    {
        void Apply(MatrixArithmetic<T> arithmetic, MatrixPointer<T> rows);
    }

    private readonly struct SolveStep(MatrixPointer<T> a, Triangle triangle, bool hasUnitDiagonal) : ILeafStep
    {
        public void Apply(MatrixArithmetic<T> arithmetic, MatrixPointer<T> rows)
        {
            bool isLower = triangle == Triangle.Lower;
            int n = a.RowCount;
            for (int step = 0; step < n; step++)
            {
                int i = isLower ? step : n - 1 - step;
                T* row = rows.Row(i);
                for (int j = isLower ? 0 : i + 1; j < (isLower ? i : n); j++)
                    arithmetic.AddScaled(row, rows.Row(j), -a[i, j], rows.ColumnCount);
                if (!hasUnitDiagonal)
                    arithmetic.Scale(row, T.One / a[i, i], rows.ColumnCount);
            }
        }
    }

    private readonly struct MultiplyStep(MatrixPointer<T> a) : ILeafStep
    {
        public void Apply(MatrixArithmetic<T> arithmetic, MatrixPointer<T> rows)
        {
            for (int i = 0; i < a.RowCount; i++)
            {
                arithmetic.Scale(rows.Row(i), a[i, i], rows.ColumnCount);
                for (int j = i + 1; j < a.RowCount; j++)
                    arithmetic.AddScaled(rows.Row(i), rows.Row(j), a[i, j], rows.ColumnCount);
            }
        }
    }

    private readonly struct LeafWork<TStep>(Workspace workspace, MatrixPointer<T> b, TStep step, int parts) : IParallelWork
        where TStep : struct, ILeafStep
    {
        public void Run(int part)
        {
            MatrixArithmetic<T> arithmetic = workspace.Arithmetic<T>();
            int end = WorkerPool.Boundary(b.ColumnCount, arithmetic.Lanes, part + 1, parts);
            for (int first = WorkerPool.Boundary(b.ColumnCount, arithmetic.Lanes, part, parts); first < end; first += LeafColumnCount)
            {
                int count = Math.Min(LeafColumnCount, end - first);
                MatrixPointer<T> columns = b.Part(0, b.RowCount, first, count);
                if (b.ColumnStep == 1)
                {
                    step.Apply(arithmetic, columns);
                    continue;
                }
                T* turned = workspace.OfPart<T>(part, LeafSize * LeafColumnCount);
                arithmetic.Transpose(columns.Data, columns.ColumnStep, count, b.RowCount, turned, LeafColumnCount);
                step.Apply(arithmetic, new MatrixPointer<T>(turned, b.RowCount, count, LeafColumnCount));
                arithmetic.Transpose(turned, LeafColumnCount, b.RowCount, count, columns.Data, columns.ColumnStep);
            }
        }
    }
}
