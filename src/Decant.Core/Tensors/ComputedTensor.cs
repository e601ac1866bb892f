using System.Runtime.InteropServices;

namespace Decant.Core.Tensors;

/// <summary>A tensor whose values are computed as they are read, in single precision: it has no stored rows.</summary>
/// <param name="info">Name and shape; the format is F32.</param>
public abstract class ComputedTensor(TensorInfo info) : TensorData(info)
{
    /// <inheritdoc/>
    public sealed override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public sealed override void CopyRows(long firstRow, int rowCount, Span<byte> destination) =>
        ReadRows(firstRow, rowCount, MemoryMarshal.Cast<byte, float>(destination));
}
