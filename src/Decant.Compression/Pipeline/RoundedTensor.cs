using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>
/// A tensor whose values are those of another after storing it in a coarser format: for containers that cannot hold the format itself. Appears
/// as F32; rows are encoded and decoded as they are read.
/// </summary>
internal sealed class RoundedTensor : TensorData
{
    private readonly TensorConversion conversion;
    private readonly Lazy<float[]> importance;

    /// <summary>Wraps a conversion.</summary>
    public RoundedTensor(TensorConversion conversion)
        : base(new TensorInfo(conversion.Name, conversion.Source.Info.Shape, TensorFormats.F32))
    {
        this.conversion = conversion;
        importance = new Lazy<float[]>(() => conversion.Importance?.Invoke() ?? []);
    }

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        var chunk = new RowChunk(0, 0, firstRow, rowCount);
        conversion.Target.DecodeRow(new ChunkEncoder().Encode(conversion, chunk, importance.Value), destination);
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        float[] values = new float[checked(rowCount * (int)Info.Shape.RowLength)];
        ReadRows(firstRow, rowCount, values);
        Info.Format.EncodeRow(values, default, destination);
    }
}
