namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// A matrix that the caller has pinned: element (r, c) lies at r · <see cref="RowStep"/> + c · <see cref="ColumnStep"/>, one of the two is 1. Parts and
/// transposes are other descriptions of the same memory, which is what recursive algorithms are made of.
/// </summary>
internal readonly unsafe struct MatrixPointer<T>(T* data, int rowCount, int columnCount, long rowStep, long columnStep = 1)
    where T : unmanaged
{
    /// <summary>Element (0, 0).</summary>
    public readonly T* Data = data;

    /// <summary>Rows.</summary>
    public readonly int RowCount = rowCount;

    /// <summary>Columns.</summary>
    public readonly int ColumnCount = columnCount;

    /// <summary>Elements from a row to the next.</summary>
    public readonly long RowStep = rowStep;

    /// <summary>Elements from a column to the next.</summary>
    public readonly long ColumnStep = columnStep;

    /// <summary>Rows and columns exchanged.</summary>
    public MatrixPointer<T> Transposed => new(Data, ColumnCount, RowCount, ColumnStep, RowStep);

    /// <summary>An element.</summary>
    public ref T this[int row, int column] => ref Data[row * RowStep + column * ColumnStep];

    /// <summary>A row whose elements lie together.</summary>
    public T* Row(int row) => Data + row * RowStep;

    /// <summary>A rectangle of the matrix.</summary>
    public MatrixPointer<T> Part(int firstRow, int rowCount, int firstColumn, int columnCount) =>
        new(Data + firstRow * RowStep + firstColumn * ColumnStep, rowCount, columnCount, RowStep, ColumnStep);

    /// <summary>Sets every element of a matrix whose rows lie together to zero.</summary>
    public void Clear()
    {
        for (int row = 0; row < RowCount; row++)
            new Span<T>(Row(row), ColumnCount).Clear();
    }

    /// <summary>A matrix to write.</summary>
    public static MatrixPointer<T> Of(MatrixSpan<T> matrix, T* pinned) => new(pinned, matrix.RowCount, matrix.ColumnCount, matrix.Stride);

    /// <summary>A matrix to read.</summary>
    public static MatrixPointer<T> Of(ReadOnlyMatrixSpan<T> matrix, T* pinned) => matrix.IsTransposed
        ? new(pinned, matrix.RowCount, matrix.ColumnCount, 1, matrix.Stride)
        : new(pinned, matrix.RowCount, matrix.ColumnCount, matrix.Stride);
}
