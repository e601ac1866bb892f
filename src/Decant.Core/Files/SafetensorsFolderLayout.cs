using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// How the weights of a Hugging Face folder lie in its files: <c>model.safetensors</c>, or, if they are more than the limit,
/// <c>model-00001-of-0000N.safetensors</c> and so on with <c>model.safetensors.index.json</c>, cut as save_pretrained cuts them.
/// </summary>
public sealed class SafetensorsFolderLayout
{
    /// <summary>The largest file by default: 5 GB, as in transformers.</summary>
    public const long DefaultShardByteCount = 5_000_000_000;

    /// <summary>Lays out the files.</summary>
    /// <param name="tensors">The tensors in the order in which they are cut into files.</param>
    /// <param name="metadata">The <c>__metadata__</c> of every file.</param>
    /// <param name="maximumShardByteCount">The most tensor bytes in one file; a larger tensor gets a file of its own.</param>
    /// <exception cref="NotSupportedModelException">A format without a safetensors dtype.</exception>
    public SafetensorsFolderLayout(IEnumerable<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata, long maximumShardByteCount = DefaultShardByteCount)
    {
        Files = [.. ShardedWriter.Cut(tensors, maximumShardByteCount).Select(shard => new SafetensorsLayout(shard, metadata))];
    }

    /// <summary>The files; at least one.</summary>
    public IReadOnlyList<SafetensorsLayout> Files { get; }

    /// <summary>The exact length of the files with weights together.</summary>
    public long ByteCount => Files.Sum(file => file.ByteCount);

    /// <summary>The name of a file.</summary>
    /// <param name="index">Index in <see cref="Files"/>.</param>
    public string FileName(int index) => Files.Count == 1
        ? "model.safetensors"
        : string.Create(CultureInfo.InvariantCulture, $"model-{index + 1:D5}-of-{Files.Count:D5}.safetensors");

    /// <summary>Writes <see cref="ShardIndex.SafetensorsName"/>, which more than one file need.</summary>
    /// <param name="output">The stream; stays open.</param>
    public void WriteIndex(Stream output)
    {
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("metadata");
            writer.WriteNumber("total_size", Files.Sum(file => file.Tensors.Sum(t => t.ByteCount)));
            writer.WriteEndObject();
            writer.WriteStartObject("weight_map");
            foreach ((string name, int file) in Files.SelectMany((f, i) => f.Tensors.Select(t => (t.Name, i))).OrderBy(p => p.Name, StringComparer.Ordinal))
                writer.WriteString(name, FileName(file));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }
}
