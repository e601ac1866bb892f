using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// Products of matrices: C = alpha · A · B + beta · C, where A and B may be transposed views and rows may lie a stride apart. Bytes of the result do not
/// depend on the number of threads. With beta = 0 the old content of C is not read, so it may be NaN. A product whose alpha is 0 does not read A and B.
/// C must not overlap A or B.
/// </summary>
public static unsafe class Gemm
{
    /// <summary>C = alpha · A · B + beta · C in the precision of its elements, <c>float</c> or <c>double</c>.</summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="a">[m, k].</param>
    /// <param name="b">[k, n].</param>
    /// <param name="c">[m, n]; result.</param>
    /// <param name="alpha">Factor of the product; multiplies the elements of A, each rounded once.</param>
    /// <param name="beta">Factor of what C held.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="NotSupportedException">The element is neither <c>float</c> nor <c>double</c>.</exception>
    public static void Multiply<T>(Workspace workspace, ReadOnlyMatrixSpan<T> a, ReadOnlyMatrixSpan<T> b, MatrixSpan<T> c, T alpha, T beta)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        Check(a.RowCount, a.ColumnCount, b.RowCount, b.ColumnCount, c.RowCount, c.ColumnCount);
        fixed (T* pa = a.Elements, pb = b.Elements, pc = c.Elements)
            Multiply(workspace, MatrixPointer<T>.Of(a, pa), MatrixPointer<T>.Of(b, pb), MatrixPointer<T>.Of(c, pc), alpha, beta);
    }

    /// <summary>C = A · B.</summary>
    /// <inheritdoc cref="Multiply{T}(Workspace, ReadOnlyMatrixSpan{T}, ReadOnlyMatrixSpan{T}, MatrixSpan{T}, T, T)"/>
    public static void Multiply<T>(Workspace workspace, ReadOnlyMatrixSpan<T> a, ReadOnlyMatrixSpan<T> b, MatrixSpan<T> c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Multiply(workspace, a, b, c, T.One, T.Zero);

    /// <summary>C = alpha · A · B + beta · C where A is stored as BF16 (bits), widened to single precision when it is packed.</summary>
    /// <inheritdoc cref="Multiply{T}(Workspace, ReadOnlyMatrixSpan{T}, ReadOnlyMatrixSpan{T}, MatrixSpan{T}, T, T)"/>
    public static void MultiplyBrainFloat(
        Workspace workspace, ReadOnlyMatrixSpan<ushort> a, ReadOnlyMatrixSpan<float> b, MatrixSpan<float> c, float alpha = 1, float beta = 0)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        Check(a.RowCount, a.ColumnCount, b.RowCount, b.ColumnCount, c.RowCount, c.ColumnCount);
        fixed (ushort* pa = a.Elements)
        fixed (float* pb = b.Elements, pc = c.Elements)
        {
            var left = MatrixOperand<float>.Of(MatrixPointer<ushort>.Of(a, pa));
            var right = MatrixOperand<float>.Of(MatrixPointer<float>.Of(b, pb));
            MatrixProduct<float>.Run(workspace, left, right, MatrixPointer<float>.Of(c, pc), alpha, beta);
        }
    }

    /// <summary>C = alpha · A · B + beta · C where B is stored as BF16 (bits), widened to single precision when it is packed.</summary>
    /// <inheritdoc cref="Multiply{T}(Workspace, ReadOnlyMatrixSpan{T}, ReadOnlyMatrixSpan{T}, MatrixSpan{T}, T, T)"/>
    public static void MultiplyBrainFloat(
        Workspace workspace, ReadOnlyMatrixSpan<float> a, ReadOnlyMatrixSpan<ushort> b, MatrixSpan<float> c, float alpha = 1, float beta = 0)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        Check(a.RowCount, a.ColumnCount, b.RowCount, b.ColumnCount, c.RowCount, c.ColumnCount);
        fixed (ushort* pb = b.Elements)
        fixed (float* pa = a.Elements, pc = c.Elements)
        {
            var left = MatrixOperand<float>.Of(MatrixPointer<float>.Of(a, pa));
            var right = MatrixOperand<float>.Of(MatrixPointer<ushort>.Of(b, pb));
            MatrixProduct<float>.Run(workspace, left, right, MatrixPointer<float>.Of(c, pc), alpha, beta);
        }
    }

    /// <summary>C = alpha · A · B + beta · C where A and B are stored as BF16 (bits), widened to single precision when they are packed.</summary>
    /// <inheritdoc cref="Multiply{T}(Workspace, ReadOnlyMatrixSpan{T}, ReadOnlyMatrixSpan{T}, MatrixSpan{T}, T, T)"/>
    public static void MultiplyBrainFloat(
        Workspace workspace, ReadOnlyMatrixSpan<ushort> a, ReadOnlyMatrixSpan<ushort> b, MatrixSpan<float> c, float alpha = 1, float beta = 0)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        Check(a.RowCount, a.ColumnCount, b.RowCount, b.ColumnCount, c.RowCount, c.ColumnCount);
        fixed (ushort* pa = a.Elements, pb = b.Elements)
        fixed (float* pc = c.Elements)
        {
            var left = MatrixOperand<float>.Of(MatrixPointer<ushort>.Of(a, pa));
            var right = MatrixOperand<float>.Of(MatrixPointer<ushort>.Of(b, pb));
            MatrixProduct<float>.Run(workspace, left, right, MatrixPointer<float>.Of(c, pc), alpha, beta);
        }
    }

    /// <summary>
    /// A batch of products of one shape: Cᵢ = alpha · Aᵢ · Bᵢ + beta · Cᵢ. The views describe the first product; their elements go on for all.
    /// </summary>
    /// <param name="workspace">Threads and memory.</param>
    /// <param name="count">Products.</param>
    /// <param name="a">[m, k], the first.</param>
    /// <param name="aStep">Elements from one A to the next; 0 to use one for all.</param>
    /// <param name="b">[k, n], the first.</param>
    /// <param name="bStep">Elements from one B to the next; 0 to use one for all.</param>
    /// <param name="c">[m, n], the first; results.</param>
    /// <param name="cStep">Elements from one C to the next.</param>
    /// <param name="alpha">Factor of the products.</param>
    /// <param name="beta">Factor of what the results held.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, the elements do not hold the batch, or results overlap.</exception>
    /// <exception cref="NotSupportedException">The element is neither <c>float</c> nor <c>double</c>.</exception>
    public static void MultiplyBatch<T>(
        Workspace workspace, int count, ReadOnlyMatrixSpan<T> a, int aStep, ReadOnlyMatrixSpan<T> b, int bStep, MatrixSpan<T> c, int cStep, T alpha, T beta)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(workspace);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Check(a.RowCount, a.ColumnCount, b.RowCount, b.ColumnCount, c.RowCount, c.ColumnCount);
        CheckBatch("A", a.IsTransposed ? a.ColumnCount : a.RowCount, a.IsTransposed ? a.RowCount : a.ColumnCount, a.Stride, a.Elements.Length, count, aStep);
        CheckBatch("B", b.IsTransposed ? b.ColumnCount : b.RowCount, b.IsTransposed ? b.RowCount : b.ColumnCount, b.Stride, b.Elements.Length, count, bStep);
        CheckBatch("C", c.RowCount, c.ColumnCount, c.Stride, c.Elements.Length, count, cStep);
        if (count > 1 && cStep < (c.RowCount - 1) * (long)c.Stride + c.ColumnCount)
            throw new ArgumentException($"C: results [{c.RowCount}, {c.ColumnCount}] with rows {c.Stride} apart overlap when they are {cStep} elements apart.");
        fixed (T* pa = a.Elements, pb = b.Elements, pc = c.Elements)
        {
            var work = new BatchWork<T>(
                workspace, count, MatrixOperand<T>.Of(MatrixPointer<T>.Of(a, pa)), aStep, MatrixOperand<T>.Of(MatrixPointer<T>.Of(b, pb)), bStep,
                MatrixPointer<T>.Of(c, pc), cStep, alpha, beta);
            // Whole products to each thread if there are enough of them; the bytes are the same either way.
            if (count >= workspace.Pool.ThreadCount)
                workspace.Pool.Run(workspace.Pool.ThreadCount, work);
            else
                work.RunOneByOne();
        }
    }

    /// <summary>The product of pinned matrices.</summary>
    internal static void Multiply<T>(Workspace workspace, MatrixPointer<T> a, MatrixPointer<T> b, MatrixPointer<T> c, T alpha, T beta)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        MatrixProduct<T>.Run(workspace, MatrixOperand<T>.Of(a), MatrixOperand<T>.Of(b), c, alpha, beta);

    private static void Check(int aRowCount, int aColumnCount, int bRowCount, int bColumnCount, int cRowCount, int cColumnCount)
    {
        if (aColumnCount != bRowCount)
            throw new ArgumentException($"A [{aRowCount}, {aColumnCount}] has {aColumnCount} columns, B [{bRowCount}, {bColumnCount}] has {bRowCount} rows: expected as many.");
        MatrixShape.Expect("C", cRowCount, cColumnCount, aRowCount, bColumnCount);
    }

    private static void CheckBatch(string name, int rowCount, int columnCount, int stride, int elementCount, int count, int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        long one = rowCount == 0 || columnCount == 0 ? 0 : (rowCount - 1) * (long)stride + columnCount;
        if (one > 0 && count > 0 && (count - 1) * (long)step + one > elementCount)
            throw new ArgumentException($"{name}: {count} matrices [{rowCount}, {columnCount}], {step} elements apart, need {(count - 1) * (long)step + one} elements, got {elementCount}.");
    }

    private readonly struct BatchWork<T>(
        Workspace workspace, int count, MatrixOperand<T> a, int aStep, MatrixOperand<T> b, int bStep, MatrixPointer<T> c, int cStep, T alpha, T beta)
        : IParallelWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public void Run(int part)
        {
            int end = WorkerPool.Boundary(count, 1, part + 1, workspace.Pool.ThreadCount);
            for (int i = WorkerPool.Boundary(count, 1, part, workspace.Pool.ThreadCount); i < end; i++)
                RunOne(workspace.Serial(part), i);
        }

        public void RunOneByOne()
        {
            for (int i = 0; i < count; i++)
                RunOne(workspace, i);
        }

        private void RunOne(Workspace own, int i)
        {
            var result = new MatrixPointer<T>(c.Data + (long)i * cStep, c.RowCount, c.ColumnCount, c.RowStep);
            MatrixProduct<T>.Run(own, a.Moved((long)i * aStep), b.Moved((long)i * bStep), result, alpha, beta);
        }
    }
}
