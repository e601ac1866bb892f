using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// Writes one safetensors file. Tensors are sorted as Hugging Face's library sorts them (by dtype, widest first, then by name), which
/// keeps them aligned and gives equal bytes for equal tensors in whatever order they are listed.
/// </summary>
public sealed class SafetensorsWriter : TensorWriter
{
    /// <summary>The dtypes in the library's order; files list the last first.</summary>
    private static readonly string[] typeOrder =
        ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "I16", "F16", "BF16", "I32", "F32", "F64", "I64"];

    private readonly Stream output;
    private readonly byte[] header;
    private bool hasHeader;

    /// <summary>Prepares the header; nothing is written before the first tensor.</summary>
    /// <param name="output">The stream; stays open.</param>
    /// <param name="location">The file's path, for messages.</param>
    /// <param name="tensors">The tensors in any order; write them in the order of <see cref="TensorWriter.Tensors"/>.</param>
    /// <param name="metadata">The <c>__metadata__</c> strings, usually <c>{"format": "pt"}</c>, without which transformers refuses a file.</param>
    /// <exception cref="NotSupportedModelException">A format without a safetensors dtype.</exception>
    /// <exception cref="ArgumentException">Two tensors of one name.</exception>
    public SafetensorsWriter(Stream output, string location, IEnumerable<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata)
        : base(location, Sort(tensors))
    {
        this.output = output;
        header = BuildHeader(Tensors, metadata);
        ByteCount = header.Length + Tensors.Sum(t => t.ByteCount);
    }

    /// <summary>The exact length of the finished file.</summary>
    public long ByteCount { get; }

    /// <summary>The order in which files hold tensors.</summary>
    /// <exception cref="NotSupportedModelException">A format without a safetensors dtype.</exception>
    public static IReadOnlyList<TensorInfo> Sort(IEnumerable<TensorInfo> tensors) =>
        [.. tensors.OrderByDescending(TypeRank).ThenBy(t => t.Name, StringComparer.Ordinal)];

    /// <inheritdoc/>
    protected override void StartTensor(int index) => WriteHeader();

    /// <inheritdoc/>
    protected override void WriteData(ReadOnlySpan<byte> bytes) => output.Write(bytes);

    /// <inheritdoc/>
    protected override void Finish()
    {
        WriteHeader();
        output.Flush();
    }

    private static int TypeRank(TensorInfo tensor)
    {
        int rank = Array.IndexOf(typeOrder, tensor.Format.SafetensorsType);
        return rank >= 0 ? rank : throw new NotSupportedModelException($"Tensor {tensor}: safetensors has no type {tensor.Format}. Choose another type for it, or write GGUF.");
    }

    private void WriteHeader()
    {
        if (!hasHeader)
            output.Write(header);
        hasHeader = true;
    }

    private static byte[] BuildHeader(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var json = new MemoryStream();
        json.Write(new byte[SafetensorsHeader.PrefixByteCount]);
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            if (metadata.Count > 0)
            {
                writer.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata)
                    writer.WriteString(key, value);
                writer.WriteEndObject();
            }
            long offset = 0;
            foreach (TensorInfo tensor in tensors)
            {
                if (tensor.Name == "__metadata__")
                    throw new NotSupportedModelException("A tensor cannot be named __metadata__ in safetensors.");
                WriteEntry(writer, tensor, offset);
                offset = checked(offset + tensor.ByteCount);
            }
            writer.WriteEndObject();
        }
        // The data starts at a multiple of 8; blanks fill the gap.
        while (json.Length % 8 != 0)
            json.WriteByte((byte)' ');
        byte[] header = json.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - SafetensorsHeader.PrefixByteCount);
        return header;
    }

    private static void WriteEntry(Utf8JsonWriter writer, TensorInfo tensor, long offset)
    {
        writer.WriteStartObject(tensor.Name);
        writer.WriteString("dtype", tensor.Format.SafetensorsType);
        writer.WriteStartArray("shape");
        foreach (long dimension in tensor.Shape.Dimensions)
            writer.WriteNumberValue(dimension);
        writer.WriteEndArray();
        writer.WriteStartArray("data_offsets");
        writer.WriteNumberValue(offset);
        writer.WriteNumberValue(offset + tensor.ByteCount);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
