namespace Decant.Compression.Pipeline;

/// <summary>Hands out the chunks of a list of conversions, tensor after tensor, to any number of threads, and knows when a tensor is whole.</summary>
internal sealed class ChunkQueue
{
    private readonly IReadOnlyList<TensorConversion> conversions;
    private readonly Func<int, bool> isDone;
    private readonly Lock gate = new();
    private TensorWork? current;
    private int nextTensor;

    /// <summary>Creates the queue.</summary>
    /// <param name="conversions">The work.</param>
    /// <param name="isDone">Tensors to leave out.</param>
    public ChunkQueue(IReadOnlyList<TensorConversion> conversions, Func<int, bool> isDone)
    {
        this.conversions = conversions;
        this.isDone = isDone;
    }

    /// <summary>Takes the next chunk; false when there are no more.</summary>
    public bool TryTake(out TensorWork work, out RowChunk chunk)
    {
        lock (gate)
        {
            while (current is null || current.NextChunk == current.Checksums.Length)
            {
                while (nextTensor < conversions.Count && isDone(nextTensor))
                    nextTensor++;
                if (nextTensor == conversions.Count)
                {
                    work = null!;
                    chunk = default;
                    return false;
                }
                current = new TensorWork(nextTensor, conversions[nextTensor]);
                nextTensor++;
            }
            work = current;
            chunk = work.Chunk(work.NextChunk++);
            return true;
        }
    }
}

/// <summary>One tensor being converted.</summary>
internal sealed class TensorWork
{
    private int remaining;

    public TensorWork(int index, TensorConversion conversion)
    {
        Index = index;
        Conversion = conversion;
        Importance = conversion.IsCopy ? [] : conversion.Importance?.Invoke() ?? [];
        Checksums = new uint[RowChunk.Count(conversion.Source.Info.Shape)];
        remaining = Checksums.Length;
    }

    public int Index { get; }

    public TensorConversion Conversion { get; }

    /// <summary>One weight for each column of each matrix, or empty.</summary>
    public float[] Importance { get; }

    /// <summary>One for each chunk, set as they finish.</summary>
    public uint[] Checksums { get; }

    /// <summary>The next chunk to hand out; used by the queue alone.</summary>
    public int NextChunk { get; set; }

    public RowChunk Chunk(int index)
    {
        long rowCount = Conversion.Source.Info.Shape.RowCount;
        int rowsPerChunk = RowChunk.RowsPerChunk(Conversion.Source.Info.Shape);
        long first = (long)index * rowsPerChunk;
        return new RowChunk(Index, index, first, (int)Math.Min(rowsPerChunk, rowCount - first));
    }

    /// <summary>Notes a finished chunk; true for the last one.</summary>
    public bool Finish(int chunkIndex, uint checksum)
    {
        Checksums[chunkIndex] = checksum;
        return Interlocked.Decrement(ref remaining) == 0;
    }
}
