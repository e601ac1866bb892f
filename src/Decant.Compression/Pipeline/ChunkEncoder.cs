using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Kernels.Encoding;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Turns rows of a tensor into bytes of its target format. One instance a thread; it holds two buffers, together about two megabytes unless
/// rows are very long. What cannot be stored is an error that names tensor and row.
/// </summary>
internal sealed class ChunkEncoder
{
    /// <summary>Elements decoded at once: what stays in the second-level cache between decoding and encoding.</summary>
    private const int BatchElementCount = 1 << 15;

    private readonly RowReader reader = new();
    private RowEncoder? encoder;
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
        if (!conversion.IsCopy && encoder?.Format != conversion.Target)
            encoder = RowEncoder.For(conversion.Target);
        int batchRows = BatchRows(rowLength, chunk.RowCount);
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
            long row = chunk.FirstRow + done;
            Span<byte> target = encoded.AsSpan(done * rowByteCount, count * rowByteCount);
            Span<float> batch = values.AsSpan(0, count * rowLength);
            if (conversion.IsCopy)
            {
                conversion.Source.CopyRows(row, count, target);
                reader.Decode(conversion.Target, target, batch);
                CheckFinite(source, row, batch);
                continue;
            }
            reader.Read(conversion.Source, row, count, batch);
            CheckFinite(source, row, batch);
            EncodeRows(conversion, row, batch, rowLength, importance, target);
        }
        return encoded.AsSpan(0, chunk.RowCount * rowByteCount);
    }

    /// <summary>Encodes rows, those of each matrix with its own importance values.</summary>
    private void EncodeRows(
        TensorConversion conversion, long firstRow, ReadOnlySpan<float> batch, int rowLength, ReadOnlySpan<float> importance, Span<byte> target)
    {
        int rowByteCount = checked((int)conversion.Target.RowByteCount(rowLength));
        for (int done = 0, rowCount = target.Length / rowByteCount; done < rowCount;)
        {
            long matrix = (firstRow + done) / conversion.RowsPerMatrix;
            int count = (int)Math.Min(rowCount - done, (matrix + 1) * conversion.RowsPerMatrix - firstRow - done);
            ReadOnlySpan<float> weights = importance.IsEmpty ? default : importance.Slice(checked((int)(matrix * rowLength)), rowLength);
            ReadOnlySpan<float> rows = batch.Slice(done * rowLength, count * rowLength);
            Span<byte> bytes = target.Slice(done * rowByteCount, count * rowByteCount);
            try
            {
                encoder!.EncodeRows(rows, rowLength, weights, bytes);
            }
            catch (OverflowException)
            {
                throw RowTooLarge(conversion, firstRow + done, rows, rowLength, weights);
            }
            done += count;
        }
    }

    /// <summary>Finds the row that overflows by encoding one after another.</summary>
    private static NumericalException RowTooLarge(TensorConversion conversion, long firstRow, ReadOnlySpan<float> rows, int rowLength, ReadOnlySpan<float> weights)
    {
        byte[] scratch = new byte[conversion.Target.RowByteCount(rowLength)];
        for (int row = 0; row * rowLength < rows.Length; row++)
        {
            try
            {
                conversion.Target.EncodeRow(rows.Slice(row * rowLength, rowLength), weights, scratch);
            }
            catch (OverflowException e)
            {
                return new NumericalException(
                    $"{conversion.Source.Info.Name}, row {firstRow + row}: the values are too large for {conversion.Target}: {e.Message} "
                    + "Choose a type with more range for this tensor, such as --tensor-type NAME=BF16.", e);
            }
        }
        throw new InvalidOperationException($"{conversion.Source.Info.Name}: the fast encoder of {conversion.Target} overflowed where the reference does not.");
    }

    /// <summary>Decodes rows only to see that every value is finite.</summary>
    private void CheckStoredRows(TensorConversion conversion, RowChunk chunk, int batchRows)
    {
        int rowLength = (int)conversion.Source.Info.Shape.RowLength;
        for (int done = 0; done < chunk.RowCount; done += batchRows)
        {
            int count = Math.Min(batchRows, chunk.RowCount - done);
            Span<float> batch = values.AsSpan(0, count * rowLength);
            reader.Read(conversion.Source, chunk.FirstRow + done, count, batch);
            CheckFinite(conversion.Source.Info, chunk.FirstRow + done, batch);
        }
    }

    private static void CheckFinite(TensorInfo source, long firstRow, ReadOnlySpan<float> batch)
    {
        int bad = RowCheck.FirstNonFinite(batch);
        if (bad < 0)
            return;
        throw new NumericalException(
            $"{source.Name}, row {firstRow + bad / source.Shape.RowLength}, column {bad % source.Shape.RowLength}: the value is {batch[bad]}. "
            + "Weights must be finite; the checkpoint is damaged or its training diverged.");
    }

    /// <summary>As many rows as the batch should have.</summary>
    private static int BatchRows(int rowLength, int rowCount) => Math.Clamp(BatchElementCount / Math.Max(1, rowLength), 1, rowCount);

    private static void Grow<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<T>(length);
    }
}
