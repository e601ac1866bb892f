using System.Buffers;

namespace Decant.Core.Tensors;

/// <summary>
/// A matrix read column by column: GPT's Conv1D layers are stored [inputs, outputs]. Nothing is transposed in memory, so reading
/// many rows at once is cheaper than one at a time. Only for formats whose elements stand alone.
/// </summary>
internal sealed class TransposedTensor : TensorData
{
    private readonly TensorData source;

    /// <summary>Shows a matrix transposed.</summary>
    public TransposedTensor(string name, TensorData source)
        : base(new TensorInfo(name, new TensorShape(source.Info.Shape[1], source.Info.Shape[0]), source.Info.Format))
    {
        if (source.Info.Format.IsBlockFormat || source.Info.Shape.Rank != 2)
            throw new ArgumentException($"{source.Info} cannot be transposed.", nameof(source));
        this.source = source;
    }

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        int elementByteCount = Info.Format.BlockByteCount;
        int targetRowByteCount = checked((int)Info.RowByteCount);
        int sourceRowByteCount = checked((int)source.Info.RowByteCount);
        int offset = checked((int)firstRow * elementByteCount);
        int length = checked(rowCount * elementByteCount);
        byte[] rented = ArrayPool<byte>.Shared.Rent(Math.Max(sourceRowByteCount, 1));
        for (long column = 0; column < source.Info.Shape[0]; column++)
        {
            if (!source.TryGetRows(column, 1, out ReadOnlySpan<byte> row))
            {
                Span<byte> copy = rented.AsSpan(0, sourceRowByteCount);
                source.CopyRows(column, 1, copy);
                row = copy;
            }
            row = row.Slice(offset, length);
            int target = (int)column * elementByteCount;
            for (int i = 0; i < length; i += elementByteCount, target += targetRowByteCount)
                row.Slice(i, elementByteCount).CopyTo(destination[target..]);
        }
        ArrayPool<byte>.Shared.Return(rented);
    }

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        int byteCount = checked(rowCount * (int)Info.RowByteCount);
        byte[] rented = ArrayPool<byte>.Shared.Rent(Math.Max(byteCount, 1));
        CopyRows(firstRow, rowCount, rented.AsSpan(0, byteCount));
        Info.Format.DecodeRow(rented.AsSpan(0, byteCount), destination);
        ArrayPool<byte>.Shared.Return(rented);
    }
}
