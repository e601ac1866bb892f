using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Turns rows of a tensor into bytes of its target format. One instance a thread; it holds two buffers, together about 1.5 MB unless a single
/// row is longer. What cannot be stored is an error that names tensor and row.
/// </summary>
internal sealed class ChunkEncoder
{
    /// <summary>Elements decoded at once: what stays in the second-level cache between decoding and encoding.</summary>
    private const int BatchElementCount = 1 << 15;

    private float[] values = [];
    private byte[] encoded = [];

    /// <summary>Encodes a chunk. The result is valid until the next call.</summary>
    /// <param name="conversion">The tensor.</param>
    /// <param name="chunk">Which rows.</param>
    /// <param name="importance">One weight for each column of each matrix, or empty.</param>
    /// <exception cref="NumericalException">A value is NaN or infinite, or a scale overflows the format.</exception>
    public ReadOnlySpan<byte> Encode(TensorConversion conversion, RowChunk chunk, ReadOnlySpan<float> importance)
    {
        TensorInfo source = conversion.Source.Info;
        int rowLength = checked((int)source.Shape.RowLength);
        int rowByteCount = checked((int)conversion.Target.RowByteCount(rowLength));
        int batchRows = Math.Clamp(BatchElementCount / Math.Max(1, rowLength), 1, chunk.RowCount);
        Grow(ref values, batchRows * rowLength);

        if (conversion.IsCopy && conversion.Source.TryGetRows(chunk.FirstRow, chunk.RowCount, out ReadOnlySpan<byte> stored))
        {
            CheckStoredRows(conversion, chunk, batchRows);
            return stored;
        }
        Grow(ref encoded, checked(chunk.RowCount * rowByteCount));
        for (int done = 0; done < chunk.RowCount; done += batchRows)
        {
            int count = Math.Min(batchRows, chunk.RowCount - done);
            Span<float> batch = ReadRows(conversion.Source, chunk.FirstRow + done, count);
            Span<byte> target = encoded.AsSpan(done * rowByteCount, count * rowByteCount);
            if (conversion.IsCopy)
                conversion.Source.CopyRows(chunk.FirstRow + done, count, target);
            else
                EncodeRows(conversion, chunk.FirstRow + done, batch, rowLength, importance, target);
        }
        return encoded.AsSpan(0, chunk.RowCount * rowByteCount);
    }

    private static void EncodeRows(
        TensorConversion conversion, long firstRow, ReadOnlySpan<float> batch, int rowLength, ReadOnlySpan<float> importance, Span<byte> target)
    {
        TensorFormat format = conversion.Target;
        int rowByteCount = checked((int)format.RowByteCount(rowLength));
        int rowCount = target.Length / rowByteCount;
        for (int row = 0; row < rowCount; row++)
        {
            ReadOnlySpan<float> weights = importance.IsEmpty
                ? default
                : importance.Slice(checked((int)((firstRow + row) / conversion.RowsPerMatrix * rowLength)), rowLength);
            try
            {
                format.EncodeRow(batch.Slice(row * rowLength, rowLength), weights, target.Slice(row * rowByteCount, rowByteCount));
            }
            catch (OverflowException e)
            {
                throw new NumericalException(
                    $"{conversion.Source.Info.Name}, row {firstRow + row}: the values are too large for {format}: {e.Message} "
                    + "Choose a type with more range for this tensor (--tensor-type), such as BF16.", e);
            }
        }
    }

    /// <summary>Decodes rows only to see that every value is finite.</summary>
    private void CheckStoredRows(TensorConversion conversion, RowChunk chunk, int batchRows)
    {
        for (int done = 0; done < chunk.RowCount; done += batchRows)
            ReadRows(conversion.Source, chunk.FirstRow + done, Math.Min(batchRows, chunk.RowCount - done));
    }

    private Span<float> ReadRows(TensorData source, long firstRow, int rowCount)
    {
        int rowLength = (int)source.Info.Shape.RowLength;
        Span<float> batch = values.AsSpan(0, rowCount * rowLength);
        source.ReadRows(firstRow, rowCount, batch);
        int bad = RowCheck.FirstNonFinite(batch);
        if (bad < 0)
            return batch;
        throw new NumericalException(
            $"{source.Info.Name}, row {firstRow + bad / rowLength}, column {bad % rowLength}: the value is {batch[bad]}. "
            + "Weights must be finite; the checkpoint is damaged or its training diverged.");
    }

    private static void Grow<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<T>(length);
    }
}
