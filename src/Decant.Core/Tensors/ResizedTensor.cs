using System.Runtime.InteropServices;
using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>
/// The first rows and columns of a matrix, or a matrix with zeros behind its rows and columns, multiplied by a constant: a view as F32. Powers of two lose nothing.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="shape">[rows, columns]; what lies beyond the other's is zero.</param>
/// <param name="source">The other matrix, of any format.</param>
/// <param name="factor">The constant.</param>
internal sealed class ResizedTensor(string name, TensorShape shape, TensorData source, float factor = 1) : TensorData(new TensorInfo(name, shape, TensorFormats.F32))
{
    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination) => ReadRows(firstRow, rowCount, MemoryMarshal.Cast<byte, float>(destination));

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        int columns = checked((int)Info.Shape.RowLength), sourceColumns = checked((int)source.Info.Shape.RowLength), common = Math.Min(columns, sourceColumns);
        float[] row = new float[sourceColumns];
        destination[..(rowCount * columns)].Clear();
        for (int i = 0; i < rowCount && firstRow + i < source.Info.Shape.RowCount; i++)
        {
            source.ReadRows(firstRow + i, 1, row);
            Span<float> target = destination.Slice(i * columns, common);
            for (int column = 0; column < common; column++)
                target[column] = factor * row[column];
        }
    }
}
