using System.Buffers;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// Writes a checkpoint tensor by tensor, front to back; nothing but the header and one buffer is held in memory. The names, shapes
/// and formats are fixed when the writer is made, so every offset is known before the first byte of data. Not thread-safe.
/// </summary>
public abstract class TensorWriter : IDisposable
{
    private const int CopyByteCount = 4 << 20;

    private long remaining;
    private int started;
    private bool isComplete;

    /// <summary>Creates a writer.</summary>
    /// <param name="location">The file or folder being written, for messages.</param>
    /// <param name="tensors">The tensors in the order their data is written.</param>
    /// <exception cref="ArgumentException">Two tensors have one name.</exception>
    protected TensorWriter(string location, IReadOnlyList<TensorInfo> tensors)
    {
        Location = location;
        Tensors = tensors;
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (TensorInfo tensor in tensors)
        {
            if (!names.Add(tensor.Name))
                throw new ArgumentException($"{location}: two tensors are named {tensor.Name}.", nameof(tensors));
        }
    }

    /// <summary>The file or folder being written.</summary>
    public string Location { get; }

    /// <summary>The tensors in the order their data must be written; containers may sort.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Starts the next tensor of <see cref="Tensors"/>.</summary>
    /// <exception cref="InvalidOperationException">The tensor before it is not finished, or another one is next.</exception>
    public void Begin(string name)
    {
        EnsureFinished();
        if (started == Tensors.Count || Tensors[started].Name != name)
            throw new InvalidOperationException($"{Location}: the next tensor is {(started == Tensors.Count ? "none" : Tensors[started].Name)}, not {name}.");
        Guard(() => StartTensor(started));
        remaining = Tensors[started].ByteCount;
        started++;
    }

    /// <summary>Appends stored bytes to the tensor begun last; pieces may be of any size.</summary>
    /// <exception cref="ArgumentException">More bytes than the tensor has.</exception>
    /// <exception cref="BadFileException">The file cannot be written; the disk may be full.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > remaining)
            throw new ArgumentException($"{Location}: {bytes.Length} bytes for {(started == 0 ? "no tensor" : Tensors[started - 1].Name)}, of which {remaining} are missing.", nameof(bytes));
        try
        {
            WriteData(bytes);
        }
        catch (IOException e)
        {
            throw WriteFailed(e);
        }
        remaining -= bytes.Length;
    }

    /// <summary>Copies the stored bytes of a whole tensor of the same shape and format.</summary>
    /// <exception cref="ArgumentException">Shape or format differ from what the header says.</exception>
    /// <exception cref="BadFileException">The file cannot be written.</exception>
    public void WriteTensor(TensorData tensor, CancellationToken cancellationToken = default)
    {
        Begin(tensor.Info.Name);
        TensorInfo expected = Tensors[started - 1];
        if (tensor.Info.Shape != expected.Shape || tensor.Info.Format != expected.Format)
            throw new ArgumentException($"{Location}: the header says {expected}, the data is {tensor.Info}.", nameof(tensor));
        if (tensor is MappedTensor mapped)
        {
            for (long position = 0; position < expected.ByteCount; position += CopyByteCount)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Write(mapped.Bytes(position, (int)Math.Min(CopyByteCount, expected.ByteCount - position)));
            }
            return;
        }
        long rowByteCount = expected.RowByteCount;
        if (rowByteCount == 0)
            return;
        int rowsAtOnce = (int)Math.Clamp(CopyByteCount / rowByteCount, 1, int.MaxValue);
        for (long row = 0; row < expected.Shape.RowCount; row += rowsAtOnce)
        {
            cancellationToken.ThrowIfCancellationRequested();
            WriteRows(tensor, row, (int)Math.Min(rowsAtOnce, expected.Shape.RowCount - row));
        }
    }

    /// <summary>Ends the file: every tensor must have been written. Buffers are flushed to the operating system.</summary>
    /// <exception cref="InvalidOperationException">Tensors are missing.</exception>
    /// <exception cref="BadFileException">The file cannot be written.</exception>
    public void Complete()
    {
        EnsureFinished();
        if (started < Tensors.Count)
            throw new InvalidOperationException($"{Location}: {Tensors.Count - started} tensors were not written, the first is {Tensors[started].Name}.");
        if (isComplete)
            return;
        Guard(Finish);
        isComplete = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Called before the data of tensor <paramref name="index"/>: writes the header, padding, or goes on to another file.</summary>
    protected abstract void StartTensor(int index);

    /// <summary>Writes data of the current tensor.</summary>
    protected abstract void WriteData(ReadOnlySpan<byte> bytes);

    /// <summary>Called once after the last tensor: writes what is left and flushes.</summary>
    protected abstract void Finish();

    /// <summary>Frees what the writer opened; never completes a file.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    private void WriteRows(TensorData tensor, long firstRow, int rowCount)
    {
        if (tensor.TryGetRows(firstRow, rowCount, out ReadOnlySpan<byte> rows))
        {
            Write(rows);
            return;
        }
        int byteCount = checked((int)(rowCount * tensor.Info.RowByteCount));
        byte[] copy = ArrayPool<byte>.Shared.Rent(byteCount);
        try
        {
            tensor.CopyRows(firstRow, rowCount, copy.AsSpan(0, byteCount));
            Write(copy.AsSpan(0, byteCount));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private void EnsureFinished()
    {
        if (remaining > 0)
            throw new InvalidOperationException($"{Location}: tensor {Tensors[started - 1].Name} lacks {remaining} bytes.");
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (IOException e)
        {
            throw WriteFailed(e);
        }
    }

    private BadFileException WriteFailed(IOException e) => new($"{Location}: the file cannot be written: {e.Message}", e);
}
