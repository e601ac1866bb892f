using System.Runtime.InteropServices;
using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>A function of each element of another tensor, as F32.</summary>
internal sealed class ElementwiseTensor(string name, TensorData source, Func<float, float> function)
    : TensorData(new TensorInfo(name, source.Info.Shape, TensorFormats.F32))
{
    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination) =>
        ReadRows(firstRow, rowCount, MemoryMarshal.Cast<byte, float>(destination));

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        source.ReadRows(firstRow, rowCount, destination);
        foreach (ref float value in destination)
            value = function(value);
    }
}
