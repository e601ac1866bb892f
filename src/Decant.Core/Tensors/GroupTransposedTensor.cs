using System.Buffers;
using System.Runtime.InteropServices;
using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>
/// Matrices that lie one after the other, each transposed: GGUF stores latent attention's projections of keys so. Blocks of rows become F32, for they cannot be
/// cut across. Nothing is kept in memory, so reading many rows at once is cheaper than one at a time.
/// </summary>
internal sealed class GroupTransposedTensor : TensorData
{
    private readonly TensorData source;
    private readonly long groupRows, groupColumns;

    /// <summary>Shows the matrices transposed.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its shape, of which only the last length matters: that of a group's columns in the source.</param>
    /// <param name="source">The matrices, their rows one after the other.</param>
    /// <param name="groups">How many there are.</param>
    public GroupTransposedTensor(string name, TensorShape shape, TensorData source, int groups)
        : base(new TensorInfo(name, shape, source.Info.Format.IsBlockFormat ? TensorFormats.F32 : source.Info.Format))
    {
        groupRows = source.Info.Shape.RowCount / groups;
        groupColumns = source.Info.Shape.RowLength;
        if (shape.RowLength != groupRows || shape.RowCount != groupColumns * groups)
            throw new ArgumentException($"{source.Info} is not {groups} matrices that become {shape}.", nameof(shape));
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
        if (Info.Format == TensorFormats.F32)
        {
            ReadRows(firstRow, rowCount, MemoryMarshal.Cast<byte, float>(destination));
            return;
        }
        float[] values = ArrayPool<float>.Shared.Rent(checked(rowCount * (int)groupRows));
        ReadRows(firstRow, rowCount, values.AsSpan(0, rowCount * (int)groupRows));
        // Plain formats decode and encode without loss.
        Info.Format.EncodeRow(values.AsSpan(0, rowCount * (int)groupRows), default, destination);
        ArrayPool<float>.Shared.Return(values);
    }

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        float[] row = ArrayPool<float>.Shared.Rent((int)groupColumns);
        while (rowCount > 0)
        {
            (long group, long column) = Math.DivRem(firstRow, groupColumns);
            int count = (int)Math.Min(rowCount, groupColumns - column);
            for (int sourceRow = 0; sourceRow < groupRows; sourceRow++)
            {
                source.ReadRows(group * groupRows + sourceRow, 1, row.AsSpan(0, (int)groupColumns));
                for (int i = 0; i < count; i++)
                    destination[i * (int)groupRows + sourceRow] = row[(int)column + i];
            }
            destination = destination[(count * (int)groupRows)..];
            firstRow += count;
            rowCount -= count;
        }
        ArrayPool<float>.Shared.Return(row);
    }
}
