namespace Decant.Engine.LinearAlgebra;

/// <summary>A matrix in memory that someone else owns: rows of <see cref="ColumnCount"/> elements, <see cref="Stride"/> elements apart.</summary>
/// <typeparam name="T">The element.</typeparam>
public readonly ref struct MatrixSpan<T>
    where T : unmanaged
{
    /// <summary>Describes rows that lie one after another.</summary>
    /// <param name="elements">At least rowCount · columnCount elements.</param>
    /// <param name="rowCount">Rows; may be 0.</param>
    /// <param name="columnCount">Columns; may be 0.</param>
    /// <exception cref="ArgumentException">The elements do not hold the matrix.</exception>
    public MatrixSpan(Span<T> elements, int rowCount, int columnCount)
        : this(elements, rowCount, columnCount, columnCount)
    {
    }

    /// <summary>Describes rows that lie a stride apart.</summary>
    /// <param name="elements">At least (rowCount − 1) · stride + columnCount elements; more are allowed, as batches need.</param>
    /// <param name="rowCount">Rows; may be 0.</param>
    /// <param name="columnCount">Columns; may be 0.</param>
    /// <param name="stride">Elements from one row to the next, at least <paramref name="columnCount"/>.</param>
    /// <exception cref="ArgumentException">The elements do not hold the matrix.</exception>
    public MatrixSpan(Span<T> elements, int rowCount, int columnCount, int stride)
    {
        MatrixShape.Check(elements.Length, rowCount, columnCount, stride);
        Elements = elements;
        RowCount = rowCount;
        ColumnCount = columnCount;
        Stride = stride;
    }

    /// <summary>The memory.</summary>
    public Span<T> Elements { get; }

    /// <summary>Rows.</summary>
    public int RowCount { get; }

    /// <summary>Columns.</summary>
    public int ColumnCount { get; }

    /// <summary>Elements from one row to the next.</summary>
    public int Stride { get; }

    /// <summary>The matrix with rows and columns exchanged, to read; nothing is moved.</summary>
    public ReadOnlyMatrixSpan<T> Transposed => ((ReadOnlyMatrixSpan<T>)this).Transposed;

    /// <summary>An element.</summary>
    public ref T this[int row, int column] => ref Row(row)[column];

    /// <summary>A row.</summary>
    public Span<T> Row(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)RowCount, nameof(row));
        return Elements.Slice(checked(row * Stride), ColumnCount);
    }

    /// <summary>The same matrix to read.</summary>
    public static implicit operator ReadOnlyMatrixSpan<T>(MatrixSpan<T> matrix) => matrix.ToReadOnlyMatrixSpan();

    /// <summary>The same matrix to read.</summary>
    public ReadOnlyMatrixSpan<T> ToReadOnlyMatrixSpan() => new(Elements, RowCount, ColumnCount, Stride);
}
