using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// Writes a model into several GGUF files as llama.cpp splits it: all metadata in the first, the three <c>split.*</c> keys in each.
/// </summary>
public sealed class GgufSplitWriter : ShardedWriter
{
    private readonly IReadOnlyList<IReadOnlyList<TensorInfo>> shards;
    private readonly string prefix;
    private readonly GgufMetadata metadata;

    /// <summary>Creates the writer.</summary>
    /// <param name="folder">The folder, for messages.</param>
    /// <param name="prefix">The common start of the file names.</param>
    /// <param name="openFile">Makes a new file of the given name; the writer closes it.</param>
    /// <param name="metadata">The model's metadata without <c>split.*</c> keys.</param>
    /// <param name="tensors">The tensors in order.</param>
    /// <param name="maximumShardByteCount">The most tensor bytes in one file; a larger tensor gets a file of its own.</param>
    public GgufSplitWriter(
        string folder,
        string prefix,
        Func<string, Stream> openFile,
        GgufMetadata metadata,
        IReadOnlyList<TensorInfo> tensors,
        long maximumShardByteCount)
        : this(folder, prefix, openFile, metadata, Cut(tensors, maximumShardByteCount))
    {
    }

    private GgufSplitWriter(
        string folder,
        string prefix,
        Func<string, Stream> openFile,
        GgufMetadata metadata,
        IReadOnlyList<IReadOnlyList<TensorInfo>> shards)
        : base(folder, openFile, shards)
    {
        this.prefix = prefix;
        this.metadata = metadata;
        this.shards = shards;
    }

    /// <inheritdoc/>
    protected override string FileName(int shard) => GgufModelSource.SplitPath(prefix, shard + 1, ShardCount);

    /// <inheritdoc/>
    protected override TensorWriter CreateWriter(int shard, Stream output)
    {
        string path = Path.Combine(Location, FileName(shard));
        GgufMetadata own = shard == 0 ? metadata.Copy() : new GgufMetadata(path);
        if (shard > 0 && metadata.Find("general.alignment") is { } alignment)
            own.Set("general.alignment", alignment);
        own.Set("split.no", new GgufValue(GgufValueType.UInt16, (ushort)shard));
        own.Set("split.count", new GgufValue(GgufValueType.UInt16, checked((ushort)ShardCount)));
        own.Set("split.tensors.count", GgufValue.From(Tensors.Count));
        return new GgufWriter(output, path, own, shards[shard]);
    }
}
