using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>
/// A tensor whose values are those of another after storing it in a coarser format: for containers that cannot hold the format itself. Appears
/// in a plain format; rows are encoded and decoded as they are read.
/// </summary>
internal sealed class RoundedTensor : TensorData
{
    private readonly TensorConversion conversion;
    private readonly Lazy<float[]> importance;

    /// <summary>Wraps a conversion.</summary>
    /// <param name="conversion">The tensor and its coarser format.</param>
    /// <param name="dense">The plain format that decoded values are stored in.</param>
    public RoundedTensor(TensorConversion conversion, TensorFormat dense)
        : base(new TensorInfo(conversion.Name, conversion.Source.Info.Shape, dense))
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
        ReadRounded(firstRow, rowCount, destination);
        if (Info.Format == TensorFormats.F32)
            return;
        byte[] stored = new byte[checked(rowCount * (int)Info.RowByteCount)];
        Store(firstRow, destination, stored);
        Info.Format.DecodeRow(stored, destination);
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        float[] values = new float[checked(rowCount * (int)Info.Shape.RowLength)];
        ReadRounded(firstRow, rowCount, values);
        Store(firstRow, values, destination);
    }

    private void Store(long firstRow, ReadOnlySpan<float> values, Span<byte> destination)
    {
        try
        {
            Info.Format.EncodeRow(values, default, destination);
        }
        catch (OverflowException error)
        {
            throw new NumericalException($"{conversion.Source.Info.Name}, rows from {firstRow}: a value of {conversion.Target} is too large for {Info.Format}: {error.Message} Convert the model to BF16 first.", error);
        }
    }

    private void ReadRounded(long firstRow, int rowCount, Span<float> destination) =>
        conversion.Target.DecodeRow(new ChunkEncoder().Encode(conversion, new RowChunk(0, 0, firstRow, rowCount), importance.Value), destination);
}
