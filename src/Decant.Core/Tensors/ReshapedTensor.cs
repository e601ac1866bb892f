namespace Decant.Core.Tensors;

/// <summary>
/// The same elements in the same order under another shape: a vector as a column, so that slices and permutations of rows serve
/// biases too. Only for formats whose elements stand alone.
/// </summary>
internal sealed class ReshapedTensor : TensorData
{
    private readonly TensorData source;

    /// <summary>Shows <paramref name="source"/> with <paramref name="shape"/>.</summary>
    public ReshapedTensor(string name, TensorShape shape, TensorData source)
        : base(new TensorInfo(name, shape, source.Info.Format))
    {
        if (source.Info.Format.IsBlockFormat)
            throw new ArgumentException($"{source.Info} stores blocks; its rows cannot be cut elsewhere.", nameof(source));
        if (shape.ElementCount != source.Info.Shape.ElementCount)
            throw new ArgumentException($"{source.Info} cannot be read as {shape}.", nameof(shape));
        this.source = source;
    }

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        long sourceRowByteCount = source.Info.RowByteCount;
        long start = firstRow * Info.RowByteCount;
        long byteCount = rowCount * Info.RowByteCount;
        rows = default;
        if (sourceRowByteCount == 0 || byteCount > int.MaxValue)
            return false;
        long firstSourceRow = start / sourceRowByteCount;
        long sourceRowCount = Math.Max((start + byteCount + sourceRowByteCount - 1) / sourceRowByteCount - firstSourceRow, 1);
        if (sourceRowCount > int.MaxValue || !source.TryGetRows(firstSourceRow, (int)sourceRowCount, out ReadOnlySpan<byte> found))
            return false;
        rows = found.Slice((int)(start - firstSourceRow * sourceRowByteCount), (int)byteCount);
        return true;
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        if (TryGetRows(firstRow, rowCount, out ReadOnlySpan<byte> rows))
        {
            rows.CopyTo(destination);
            return;
        }
        int sourceRowByteCount = checked((int)source.Info.RowByteCount);
        long position = firstRow * Info.RowByteCount;
        byte[] row = new byte[sourceRowByteCount];
        while (!destination.IsEmpty)
        {
            (long sourceRow, long offset) = Math.DivRem(position, sourceRowByteCount);
            source.CopyRows(sourceRow, 1, row);
            int count = (int)Math.Min(sourceRowByteCount - offset, destination.Length);
            row.AsSpan((int)offset, count).CopyTo(destination);
            destination = destination[count..];
            position += count;
        }
    }
}
