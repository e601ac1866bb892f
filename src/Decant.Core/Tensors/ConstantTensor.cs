using System.Runtime.InteropServices;
using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>A tensor whose elements are all the same, as F32; nothing of it is kept in memory.</summary>
/// <param name="name">Its name.</param>
/// <param name="shape">Its shape.</param>
/// <param name="value">Every element.</param>
internal sealed class ConstantTensor(string name, TensorShape shape, float value) : TensorData(new TensorInfo(name, shape, TensorFormats.F32))
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
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination) => destination[..checked((int)(rowCount * Info.Shape.RowLength))].Fill(value);
}
