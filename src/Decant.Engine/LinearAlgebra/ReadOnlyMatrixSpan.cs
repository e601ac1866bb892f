namespace Decant.Engine.LinearAlgebra;

/// <summary>A matrix to read in memory that someone else owns, as stored row by row or transposed.</summary>
/// <typeparam name="T">The element.</typeparam>
public readonly ref struct ReadOnlyMatrixSpan<T>
    where T : unmanaged
{
    /// <summary>Describes rows that lie one after another.</summary>
    /// <param name="elements">At least rowCount · columnCount elements.</param>
    /// <param name="rowCount">Rows; may be 0.</param>
    /// <param name="columnCount">Columns; may be 0.</param>
    /// <exception cref="ArgumentException">The elements do not hold the matrix.</exception>
    public ReadOnlyMatrixSpan(ReadOnlySpan<T> elements, int rowCount, int columnCount)
        : this(elements, rowCount, columnCount, columnCount)
    {
    }

    /// <summary>Describes rows that lie a stride apart.</summary>
    /// <param name="elements">At least (rowCount − 1) · stride + columnCount elements; more are allowed, as batches need.</param>
    /// <param name="rowCount">Rows; may be 0.</param>
    /// <param name="columnCount">Columns; may be 0.</param>
    /// <param name="stride">Elements from one row to the next, at least <paramref name="columnCount"/>.</param>
    /// <exception cref="ArgumentException">The elements do not hold the matrix.</exception>
    public ReadOnlyMatrixSpan(ReadOnlySpan<T> elements, int rowCount, int columnCount, int stride)
    {
        MatrixShape.Check(elements.Length, rowCount, columnCount, stride);
        Elements = elements;
        RowCount = rowCount;
        ColumnCount = columnCount;
        Stride = stride;
    }

    private ReadOnlyMatrixSpan(ReadOnlySpan<T> elements, int rowCount, int columnCount, int stride, bool isTransposed)
    {
        Elements = elements;
        RowCount = rowCount;
        ColumnCount = columnCount;
        Stride = stride;
        IsTransposed = isTransposed;
    }

    /// <summary>The memory.</summary>
    public ReadOnlySpan<T> Elements { get; }

    /// <summary>Rows of the matrix as it is used: columns in memory if it is transposed.</summary>
    public int RowCount { get; }

    /// <summary>Columns of the matrix as it is used.</summary>
    public int ColumnCount { get; }

    /// <summary>Elements from one row in memory to the next.</summary>
    public int Stride { get; }

    /// <summary>True if rows in memory are columns of this matrix.</summary>
    public bool IsTransposed { get; }

    /// <summary>The matrix with rows and columns exchanged; nothing is moved.</summary>
    public ReadOnlyMatrixSpan<T> Transposed => new(Elements, ColumnCount, RowCount, Stride, !IsTransposed);

    /// <summary>An element.</summary>
    public T this[int row, int column]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)RowCount, nameof(row));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)ColumnCount, nameof(column));
            return Elements[IsTransposed ? checked(column * Stride + row) : checked(row * Stride + column)];
        }
    }
}
