using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// Where everything stands in a safetensors file before a byte of it is written. Tensors are sorted as Hugging Face's library sorts them (by dtype, widest first,
/// then by name), which keeps them aligned and gives equal bytes for equal tensors in whatever order they are listed.
/// </summary>
public sealed class SafetensorsLayout
{
    /// <summary>The dtypes in the library's order; files list the last first.</summary>
    private static readonly string[] typeOrder =
        ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "I16", "F16", "BF16", "I32", "F32", "F64", "I64"];

    private readonly long[] offsets;

    /// <summary>Lays out a file.</summary>
    /// <param name="tensors">The tensors in any order.</param>
    /// <param name="metadata">The <c>__metadata__</c> strings, usually <c>{"format": "pt"}</c>, without which transformers refuses a file.</param>
    /// <exception cref="NotSupportedModelException">A format without a safetensors dtype.</exception>
    /// <exception cref="ArgumentException">Two tensors of one name.</exception>
    public SafetensorsLayout(IEnumerable<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = Sort(tensors);
        if (Tensors.GroupBy(tensor => tensor.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Skip(1).Any()) is { } twice)
            throw new ArgumentException($"Two tensors are named {twice.Key}.", nameof(tensors));
        offsets = new long[Tensors.Count];
        long offset = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            offsets[i] = offset;
            offset = checked(offset + Tensors[i].ByteCount);
        }
        Header = BuildHeader(Tensors, offsets, metadata);
        ByteCount = Header.Length + offset;
    }

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Everything before the data.</summary>
    public ReadOnlyMemory<byte> Header { get; }

    /// <summary>The exact length of the file.</summary>
    public long ByteCount { get; }

    /// <summary>Where a tensor starts, from the start of the file.</summary>
    /// <param name="index">Index in <see cref="Tensors"/>.</param>
    public long Offset(int index) => Header.Length + offsets[index];

    /// <summary>The order in which files hold tensors.</summary>
    /// <exception cref="NotSupportedModelException">A format without a safetensors dtype.</exception>
    public static IReadOnlyList<TensorInfo> Sort(IEnumerable<TensorInfo> tensors) =>
        [.. tensors.OrderByDescending(TypeRank).ThenBy(t => t.Name, StringComparer.Ordinal)];

    private static int TypeRank(TensorInfo tensor)
    {
        int rank = Array.IndexOf(typeOrder, tensor.Format.SafetensorsType);
        return rank >= 0 ? rank : throw new NotSupportedModelException($"Tensor {tensor}: safetensors has no type {tensor.Format}. Choose another type for it, or write GGUF.");
    }

    private static byte[] BuildHeader(IReadOnlyList<TensorInfo> tensors, long[] offsets, IReadOnlyDictionary<string, string> metadata)
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
            for (int i = 0; i < offsets.Length; i++)
            {
                if (tensors[i].Name == "__metadata__")
                    throw new NotSupportedModelException("A tensor cannot be named __metadata__ in safetensors.");
                WriteEntry(writer, tensors[i], offsets[i]);
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
