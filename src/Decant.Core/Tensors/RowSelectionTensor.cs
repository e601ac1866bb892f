namespace Decant.Core.Tensors;

/// <summary>
/// Rows of another tensor in another order, under another name: a slice, or a permutation. Shares the stored bytes.
/// </summary>
internal sealed class RowSelectionTensor : TensorData
{
    private readonly TensorData source;
    private readonly long firstSourceRow;
    private readonly Func<long, long>? sourceRow;

    /// <summary>The consecutive rows from <paramref name="firstSourceRow"/> on, as many as <paramref name="shape"/> has.</summary>
    public RowSelectionTensor(string name, TensorShape shape, TensorData source, long firstSourceRow)
        : base(new TensorInfo(name, shape, source.Info.Format))
    {
        CheckRowLength(shape, source);
        if (firstSourceRow < 0 || firstSourceRow + shape.RowCount > source.Info.Shape.RowCount)
            throw new ArgumentOutOfRangeException(nameof(firstSourceRow), $"{source.Info} has no {shape.RowCount} rows from {firstSourceRow} on.");
        this.source = source;
        this.firstSourceRow = firstSourceRow;
    }

    /// <summary>Row r is row <c>sourceRow(r)</c> of the source.</summary>
    public RowSelectionTensor(string name, TensorShape shape, TensorData source, Func<long, long> sourceRow)
        : base(new TensorInfo(name, shape, source.Info.Format))
    {
        CheckRowLength(shape, source);
        this.source = source;
        this.sourceRow = sourceRow;
    }

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        if (sourceRow is null)
            return source.TryGetRows(firstSourceRow + firstRow, rowCount, out rows);
        if (rowCount == 1)
            return source.TryGetRows(sourceRow(firstRow), 1, out rows);
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        if (sourceRow is null)
        {
            source.CopyRows(firstSourceRow + firstRow, rowCount, destination);
            return;
        }
        int rowByteCount = checked((int)Info.RowByteCount);
        for (int row = 0; row < rowCount; row++)
            source.CopyRows(sourceRow(firstRow + row), 1, destination.Slice(row * rowByteCount, rowByteCount));
    }

    private static void CheckRowLength(TensorShape shape, TensorData source)
    {
        if (shape.RowLength != source.Info.Shape.RowLength)
            throw new ArgumentException($"Rows of {source.Info} hold {source.Info.Shape.RowLength} elements, not {shape.RowLength}.", nameof(shape));
    }
}
