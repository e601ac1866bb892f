using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>A checkpoint written into several files, one after the other, each by a writer of its own.</summary>
public abstract class ShardedWriter : TensorWriter
{
    private readonly Func<string, Stream> openFile;
    private readonly IReadOnlyList<IReadOnlyList<TensorInfo>> shards;
    private Stream? stream;
    private TensorWriter? writer;
    private int current = -1;
    private int firstOfNext;

    /// <summary>Creates the writer.</summary>
    /// <param name="location">The folder, for messages.</param>
    /// <param name="openFile">Makes a new file of the given name; the writer closes it.</param>
    /// <param name="shards">The tensors of every file, in the order their data is written.</param>
    protected ShardedWriter(string location, Func<string, Stream> openFile, IReadOnlyList<IReadOnlyList<TensorInfo>> shards)
        : base(location, [.. shards.SelectMany(s => s)])
    {
        this.openFile = openFile;
        this.shards = shards;
    }

    /// <summary>The number of files tensors lie in.</summary>
    public int ShardCount => shards.Count;

    /// <summary>
    /// Cuts a list into runs of at most <paramref name="maximumByteCount"/>; a larger tensor gets a file of its own. At least one run.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<TensorInfo>> Cut(IEnumerable<TensorInfo> tensors, long maximumByteCount)
    {
        var shards = new List<IReadOnlyList<TensorInfo>>();
        var run = new List<TensorInfo>();
        long byteCount = 0;
        foreach (TensorInfo tensor in tensors)
        {
            if (run.Count > 0 && byteCount + tensor.ByteCount > maximumByteCount)
            {
                shards.Add(run);
                run = [];
                byteCount = 0;
            }
            run.Add(tensor);
            byteCount += tensor.ByteCount;
        }
        shards.Add(run);
        return shards;
    }

    /// <summary>The file name of a shard, counted from 0.</summary>
    protected abstract string FileName(int shard);

    /// <summary>The writer of a shard over the open file.</summary>
    protected abstract TensorWriter CreateWriter(int shard, Stream output);

    /// <summary>Writes files that describe the shards, after the last of them.</summary>
    /// <param name="openNewFile">Makes a new file of the given name.</param>
    protected virtual void WriteIndex(Func<string, Stream> openNewFile)
    {
    }

    /// <inheritdoc/>
    protected sealed override void StartTensor(int index)
    {
        // A shard may be empty, if a model has no tensors at all.
        while (current < 0 || index >= firstOfNext)
            GoToNext();
        writer!.Begin(Tensors[index].Name);
    }

    /// <inheritdoc/>
    protected sealed override void WriteData(ReadOnlySpan<byte> bytes) => writer!.Write(bytes);

    /// <inheritdoc/>
    protected sealed override void Finish()
    {
        while (current < shards.Count - 1)
            GoToNext();
        CompleteCurrent();
        WriteIndex(openFile);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            writer?.Dispose();
            stream?.Dispose();
        }
        base.Dispose(disposing);
    }

    private void GoToNext()
    {
        CompleteCurrent();
        current++;
        firstOfNext += shards[current].Count;
        stream = openFile(FileName(current));
        writer = CreateWriter(current, stream);
    }

    private void CompleteCurrent()
    {
        writer?.Complete();
        writer?.Dispose();
        stream?.Dispose();
        writer = null;
        stream = null;
    }
}
