using System.Runtime.InteropServices;
using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>
/// Another tensor plus a constant, as F32: Gemma stores norm weights as w and computes with 1 + w, as the reference does in single
/// precision.
/// </summary>
internal sealed class OffsetTensor(string name, TensorData source, float offset)
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
            value += offset;
    }
}
