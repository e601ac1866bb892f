using Decant.Engine.Kernels;

namespace Decant.Engine.LinearAlgebra;

/// <summary>An operand of a product, pinned: elements of the product's own precision, or of BF16.</summary>
internal readonly unsafe struct MatrixOperand<T>
    where T : unmanaged
{
    private readonly byte* data;
    private readonly long rowStep;
    private readonly long columnStep;

    private MatrixOperand(byte* data, int rowCount, int columnCount, long rowStep, long columnStep, bool isBrainFloat)
    {
        this.data = data;
        RowCount = rowCount;
        ColumnCount = columnCount;
        this.rowStep = rowStep;
        this.columnStep = columnStep;
        IsBrainFloat = isBrainFloat;
    }

    /// <summary>Rows.</summary>
    public int RowCount { get; }

    /// <summary>Columns.</summary>
    public int ColumnCount { get; }

    /// <summary>True if elements are bits of BF16, two bytes each.</summary>
    public bool IsBrainFloat { get; }

    /// <summary>True if the elements of a row lie together; otherwise those of a column do.</summary>
    public bool HasRows => columnStep == 1;

    /// <summary>Elements between lines, which are rows or columns, whichever lie together.</summary>
    public long LineStride => HasRows ? rowStep : columnStep;

    /// <summary>An operand of the product's precision.</summary>
    public static MatrixOperand<T> Of(MatrixPointer<T> matrix) =>
        new((byte*)matrix.Data, matrix.RowCount, matrix.ColumnCount, matrix.RowStep, matrix.ColumnStep, false);

    /// <summary>An operand of BF16.</summary>
    public static MatrixOperand<T> Of(MatrixPointer<ushort> matrix) =>
        new((byte*)matrix.Data, matrix.RowCount, matrix.ColumnCount, matrix.RowStep, matrix.ColumnStep, true);

    /// <summary>The operand of another product of a batch.</summary>
    public MatrixOperand<T> Moved(long elementCount) =>
        new(data + elementCount * (IsBrainFloat ? sizeof(ushort) : sizeof(T)), RowCount, ColumnCount, rowStep, columnStep, IsBrainFloat);

    /// <summary>An element, of the product's precision.</summary>
    public T* Element(int row, int column) => (T*)data + row * rowStep + column * columnStep;

    /// <summary>Copies lines from an element on into the product's precision.</summary>
    /// <param name="arithmetic">Vector functions.</param>
    /// <param name="row">Row of the first element.</param>
    /// <param name="column">Column of the first element.</param>
    /// <param name="lineCount">Lines: rows, or columns if those lie together.</param>
    /// <param name="lineLength">Elements of each.</param>
    /// <param name="factor">What the copy is multiplied by.</param>
    /// <param name="target">The first line's copy.</param>
    /// <param name="targetStride">Elements between copies.</param>
    public void CopyLines(MatrixArithmetic<T> arithmetic, int row, int column, int lineCount, int lineLength, T factor, T* target, long targetStride)
    {
        long offset = row * rowStep + column * columnStep;
        bool isOne = EqualityComparer<T>.Default.Equals(factor, One);
        for (int line = 0; line < lineCount; line++)
        {
            T* to = target + line * targetStride;
            if (IsBrainFloat)
            {
                arithmetic.Widen((ushort*)data + offset, to, lineLength);
                if (!isOne)
                    arithmetic.Scale(to, factor, lineLength);
            }
            else if (isOne)
            {
                MatrixArithmetic<T>.Copy((T*)data + offset, to, lineLength);
            }
            else
            {
                arithmetic.CopyScaled((T*)data + offset, factor, to, lineLength);
            }
            offset += LineStride;
        }
    }

    /// <summary>Asks for some elements of a line in the second-level cache; nothing need be there.</summary>
    public void Request(int row, int column, int lineLength)
    {
        int size = IsBrainFloat ? sizeof(ushort) : sizeof(T);
        Prefetching.Request(data + (row * rowStep + column * columnStep) * size, (long)lineLength * size);
    }

    /// <summary>Writes a rectangle whose columns lie together row by row, for elements of the product's precision.</summary>
    public void TransposeColumns(MatrixArithmetic<T> arithmetic, int row, int column, int rowCount, int columnCount, T* target, long targetStride) =>
        arithmetic.Transpose(Element(row, column), columnStep, columnCount, rowCount, target, targetStride);

    private static T One => typeof(T) == typeof(float) ? (T)(object)1f : (T)(object)1.0;
}
