using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>Another tensor whose first rows are multiplied by a constant, as F32. Powers of two lose nothing.</summary>
/// <param name="name">Its name.</param>
/// <param name="source">The other.</param>
/// <param name="factor">The constant.</param>
/// <param name="scaledRows">How many rows are multiplied; the others stay.</param>
internal sealed class ScaledTensor(string name, TensorData source, float factor, long scaledRows)
    : ComputedTensor(new TensorInfo(name, source.Info.Shape, TensorFormats.F32))
{
    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        source.ReadRows(firstRow, rowCount, destination);
        long scaled = Math.Clamp(scaledRows - firstRow, 0, rowCount);
        foreach (ref float value in destination[..checked((int)(scaled * Info.Shape.RowLength))])
            value *= factor;
    }

    /// <inheritdoc/>
    public override void ReleaseRows(long firstRow, long rowCount) => source.ReleaseRows(firstRow, rowCount);
}
