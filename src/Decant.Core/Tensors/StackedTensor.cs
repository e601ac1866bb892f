namespace Decant.Core.Tensors;

/// <summary>The rows of several tensors one after the other: fused projections, stacked experts.</summary>
internal sealed class StackedTensor : TensorData
{
    private readonly TensorData[] parts;
    private readonly long[] firstRows;

    /// <summary>Stacks tensors of one format and row length.</summary>
    /// <param name="name">The name of the whole.</param>
    /// <param name="shape">Its shape: as many rows as the parts have together.</param>
    /// <param name="parts">At least one.</param>
    public StackedTensor(string name, TensorShape shape, IReadOnlyList<TensorData> parts)
        : base(new TensorInfo(name, shape, parts[0].Info.Format))
    {
        this.parts = [.. parts];
        firstRows = new long[this.parts.Length + 1];
        for (int i = 0; i < this.parts.Length; i++)
        {
            TensorInfo part = this.parts[i].Info;
            if (part.Format != Info.Format || part.Shape.RowLength != shape.RowLength)
                throw new ArgumentException($"{part} cannot be stacked into {Info}.", nameof(parts));
            firstRows[i + 1] = firstRows[i] + part.Shape.RowCount;
        }
        if (firstRows[^1] != shape.RowCount)
            throw new ArgumentException($"The parts of {Info} have {firstRows[^1]} rows.", nameof(parts));
    }

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        int part = PartOf(firstRow);
        if (part < parts.Length && firstRow + rowCount <= firstRows[part + 1])
            return parts[part].TryGetRows(firstRow - firstRows[part], rowCount, out rows);
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        int rowByteCount = checked((int)Info.RowByteCount);
        int done = 0;
        while (done < rowCount)
        {
            long row = firstRow + done;
            int part = PartOf(row);
            int count = (int)Math.Min(rowCount - done, firstRows[part + 1] - row);
            parts[part].CopyRows(row - firstRows[part], count, destination.Slice(done * rowByteCount, count * rowByteCount));
            done += count;
        }
    }

    private int PartOf(long row)
    {
        int index = Array.BinarySearch(firstRows, row);
        if (index < 0)
            return ~index - 1;
        // Empty parts share their first row with the part after them.
        while (index + 1 < firstRows.Length && firstRows[index + 1] == row)
            index++;
        return index;
    }
}
