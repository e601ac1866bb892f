using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// Writes the weights of a Hugging Face folder: <c>model.safetensors</c>, or, if they are more than the limit,
/// <c>model-00001-of-0000N.safetensors</c> and so on with <c>model.safetensors.index.json</c>, cut as save_pretrained cuts them.
/// </summary>
public sealed class SafetensorsFolderWriter : ShardedWriter
{
    /// <summary>The largest file by default: 5 GB, as in transformers.</summary>
    public const long DefaultShardByteCount = 5_000_000_000;

    private readonly IReadOnlyList<IReadOnlyList<TensorInfo>> shards;
    private readonly IReadOnlyDictionary<string, string> metadata;

    /// <summary>Creates the writer.</summary>
    /// <param name="location">The folder, for messages.</param>
    /// <param name="openFile">Makes a new file of the given name; the writer closes it.</param>
    /// <param name="tensors">The tensors in the order in which they are cut into files; write them in the order of <see cref="TensorWriter.Tensors"/>.</param>
    /// <param name="metadata">The <c>__metadata__</c> of every file.</param>
    /// <param name="maximumShardByteCount">The most tensor bytes in one file; a larger tensor gets a file of its own.</param>
    public SafetensorsFolderWriter(
        string location,
        Func<string, Stream> openFile,
        IEnumerable<TensorInfo> tensors,
        IReadOnlyDictionary<string, string> metadata,
        long maximumShardByteCount = DefaultShardByteCount)
        : this(location, openFile, [.. Cut(tensors, maximumShardByteCount).Select(SafetensorsWriter.Sort)], metadata)
    {
    }

    private SafetensorsFolderWriter(
        string location,
        Func<string, Stream> openFile,
        IReadOnlyList<IReadOnlyList<TensorInfo>> shards,
        IReadOnlyDictionary<string, string> metadata)
        : base(location, openFile, shards)
    {
        this.shards = shards;
        this.metadata = metadata;
    }

    /// <inheritdoc/>
    protected override string FileName(int shard) => ShardCount == 1
        ? "model.safetensors"
        : string.Create(CultureInfo.InvariantCulture, $"model-{shard + 1:D5}-of-{ShardCount:D5}.safetensors");

    /// <inheritdoc/>
    protected override TensorWriter CreateWriter(int shard, Stream output) =>
        new SafetensorsWriter(output, Path.Combine(Location, FileName(shard)), shards[shard], metadata);

    /// <inheritdoc/>
    protected override void WriteIndex(Func<string, Stream> openNewFile)
    {
        if (ShardCount == 1)
            return;
        using Stream output = openNewFile(ShardIndex.SafetensorsName);
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("metadata");
            writer.WriteNumber("total_size", Tensors.Sum(t => t.ByteCount));
            writer.WriteEndObject();
            writer.WriteStartObject("weight_map");
            foreach ((string name, int shard) in shards.SelectMany((s, i) => s.Select(t => (t.Name, i))).OrderBy(p => p.Name, StringComparer.Ordinal))
                writer.WriteString(name, FileName(shard));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }
}
