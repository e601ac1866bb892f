namespace Decant.Core.Tensors;

/// <summary>
/// A tensor whose rows can be read: from a mapped file, from memory, or as a view (rows reordered, matrices stacked, transposed)
/// of other tensors. Reading is safe from several threads. Rows count over all outer dimensions; lengths are <see cref="long"/>,
/// for one tensor may exceed 2 GiB although one span cannot.
/// </summary>
public abstract class TensorData(TensorInfo info)
{
    /// <summary>Name, shape and format.</summary>
    public TensorInfo Info { get; } = info;

    /// <summary>
    /// The stored bytes of rows [<paramref name="firstRow"/>, <paramref name="firstRow"/> + <paramref name="rowCount"/>) without a copy,
    /// if they lie together in memory or in a mapping and fit one span; otherwise false.
    /// </summary>
    public abstract bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows);

    /// <summary>Copies the stored bytes of the rows. The default copies row by row through <see cref="TryGetRows"/>.</summary>
    /// <param name="firstRow">Zero-based.</param>
    /// <param name="rowCount">How many.</param>
    /// <param name="destination">Exactly <c>rowCount * Info.RowByteCount</c> bytes.</param>
    public virtual void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        if (TryGetRows(firstRow, rowCount, out ReadOnlySpan<byte> rows))
        {
            rows.CopyTo(destination);
            return;
        }
        int rowByteCount = checked((int)Info.RowByteCount);
        for (int row = 0; row < rowCount; row++)
        {
            if (!TryGetRows(firstRow + row, 1, out ReadOnlySpan<byte> one))
                throw new InvalidOperationException($"{Info.Name}: a row of {rowByteCount} bytes cannot be read in place.");
            one.CopyTo(destination.Slice(row * rowByteCount, rowByteCount));
        }
    }

    /// <summary>Decodes rows to single precision.</summary>
    /// <param name="firstRow">Zero-based.</param>
    /// <param name="rowCount">How many.</param>
    /// <param name="destination">Exactly <c>rowCount * Info.Shape.RowLength</c> elements.</param>
    public virtual void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        if (TryGetRows(firstRow, rowCount, out ReadOnlySpan<byte> rows))
        {
            Info.Format.DecodeRow(rows, destination);
            return;
        }
        int rowLength = checked((int)Info.Shape.RowLength);
        for (int row = 0; row < rowCount; row++)
        {
            Span<float> target = destination.Slice(row * rowLength, rowLength);
            if (TryGetRows(firstRow + row, 1, out ReadOnlySpan<byte> one))
            {
                Info.Format.DecodeRow(one, target);
                continue;
            }
            byte[] copy = System.Buffers.ArrayPool<byte>.Shared.Rent(checked((int)Info.RowByteCount));
            CopyRows(firstRow + row, 1, copy.AsSpan(0, (int)Info.RowByteCount));
            Info.Format.DecodeRow(copy.AsSpan(0, (int)Info.RowByteCount), target);
            System.Buffers.ArrayPool<byte>.Shared.Return(copy);
        }
    }

    /// <summary>
    /// Says that the stored bytes of some rows will hardly be read again: what of them the process has in memory may go (a mapping's pages stay in the system's
    /// cache). They can be read later all the same. The default does nothing.
    /// </summary>
    /// <param name="firstRow">Zero-based.</param>
    /// <param name="rowCount">How many.</param>
    public virtual void ReleaseRows(long firstRow, long rowCount)
    {
    }
}
