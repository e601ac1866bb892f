using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// The JSON header of a safetensors file, read with a forward-only reader so that repeated names are seen. The rules are those of
/// the format's README: no repeated names, and the data is covered without holes, overlaps or a remainder.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The largest header; the reference implementation has the same cap.</summary>
    public const long MaximumByteCount = 100_000_000;

    /// <summary>The most tensors a file may list.</summary>
    public const int MaximumTensorCount = 1 << 20;

    /// <summary>Bytes before the JSON: its length as a 64-bit number.</summary>
    public const int PrefixByteCount = 8;

    private readonly string path;
    private readonly List<(TensorInfo Info, long Start, long End)> entries = [];
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, string> metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string path) => this.path = path;

    /// <summary>Where the data starts.</summary>
    public long DataOffset { get; private set; }

    /// <summary>The <c>__metadata__</c> strings in file order.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>The tensors with their place in the data, in the order of the data.</summary>
    public IReadOnlyList<(TensorInfo Info, long Start, long End)> Entries => entries;

    public static SafetensorsHeader Read(MappedFile file)
    {
        string path = file.Path;
        if (file.Length < PrefixByteCount)
            throw BadFileException.Expected(path, "file", "at least 8 bytes", $"{file.Length}", "This is no safetensors file, or it is truncated.");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, PrefixByteCount));
        if (length > MaximumByteCount)
            throw BadFileException.Expected(path, "header length", $"at most {MaximumByteCount} bytes", $"{length}", "This is no safetensors file, or it is damaged.");
        if ((long)length > file.Length - PrefixByteCount)
            throw BadFileException.Expected(path, "header length", $"at most the {file.Length - PrefixByteCount} bytes that follow", $"{length}", "The file is truncated or damaged.");

        ReadOnlySpan<byte> json = file.Slice(PrefixByteCount, (int)length);
        if (json.IsEmpty || json[0] != (byte)'{')
            throw BadFileException.Expected(path, "header", "JSON that starts with {", json.IsEmpty ? "nothing" : $"byte 0x{json[0]:X2}", "This is no safetensors file.");
        var header = new SafetensorsHeader(path) { DataOffset = PrefixByteCount + (long)length };
        try
        {
            header.ReadObject(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new BadFileException($"{path}: header: this is no valid JSON: {e.Message}", e);
        }
        header.CheckCover(file.Length - header.DataOffset);
        return header;
    }

    private void ReadObject(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
        reader.Read();
        while (NextProperty(ref reader) is { } name)
        {
            if (!names.Add(name))
                throw BadFileException.Expected(path, $"tensor {name}", "each name once", "a second one");
            reader.Read();
            if (name == "__metadata__")
                ReadMetadata(ref reader);
            else
                ReadEntry(ref reader, name);
        }
        // Only blanks may follow the object; reading on throws at anything else.
        reader.Read();
    }

    /// <summary>The name of the next property of the object being read, or null at its end.</summary>
    private static string? NextProperty(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.PropertyName ? reader.GetString() : null;
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        Require(reader, JsonTokenType.StartObject, "__metadata__", "an object of strings");
        while (NextProperty(ref reader) is { } key)
        {
            reader.Read();
            Require(reader, JsonTokenType.String, $"__metadata__ {key}", "a string");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw BadFileException.Expected(path, $"__metadata__ {key}", "each key once", "a second one");
        }
    }

    private void ReadEntry(ref Utf8JsonReader reader, string name)
    {
        string item = $"tensor {name}";
        if (entries.Count == MaximumTensorCount)
            throw BadFileException.Expected(path, "header", $"at most {MaximumTensorCount} tensors", "more");
        Require(reader, JsonTokenType.StartObject, item, "an object with dtype, shape and data_offsets");
        string? type = null;
        Span<long> shape = stackalloc long[TensorShape.MaximumRank];
        Span<long> offsets = stackalloc long[2];
        int rank = -1;
        int offsetCount = -1;
        while (NextProperty(ref reader) is { } field)
        {
            reader.Read();
            bool repeated;
            switch (field)
            {
                case "dtype":
                    repeated = type is not null;
                    Require(reader, JsonTokenType.String, $"{item} dtype", "a string");
                    type = reader.GetString();
                    break;
                case "shape":
                    repeated = rank >= 0;
                    rank = ReadIntegers(ref reader, $"{item} shape", shape);
                    break;
                case "data_offsets":
                    repeated = offsetCount >= 0;
                    offsetCount = ReadIntegers(ref reader, $"{item} data_offsets", offsets);
                    break;
                default:
                    throw BadFileException.Expected(path, item, "the fields dtype, shape and data_offsets", $"field {field}");
            }
            if (repeated)
                throw BadFileException.Expected(path, item, $"{field} once", "a second one");
        }
        if (type is null || rank < 0 || offsetCount < 0)
            throw BadFileException.Expected(path, item, "the fields dtype, shape and data_offsets", "fewer");
        if (offsetCount != 2 || offsets[1] < offsets[0])
            throw BadFileException.Expected(path, $"{item} data_offsets", "[start, end]", $"[{string.Join(", ", offsets[..offsetCount].ToArray())}]");

        TensorFormat format = TensorFormats.FindBySafetensorsType(type) ?? throw new NotSupportedModelException(
            $"{path}: {item}: unknown dtype {type}. Known are {string.Join(", ", TensorFormats.All.Select(f => f.SafetensorsType).Where(t => t is not null))}.");
        TensorInfo info = StoredRange.CreateInfo(path, name, shape[..rank], format);
        if (info.ByteCount != offsets[1] - offsets[0])
        {
            throw BadFileException.Expected(path, item, $"{info.ByteCount} bytes for {type} {info.Shape}", $"{offsets[1] - offsets[0]}",
                "The header is damaged.");
        }
        entries.Add((info, offsets[0], offsets[1]));
    }

    private int ReadIntegers(ref Utf8JsonReader reader, string item, scoped Span<long> destination)
    {
        Require(reader, JsonTokenType.StartArray, item, "an array of integers");
        int count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == destination.Length)
                throw BadFileException.Expected(path, item, $"at most {destination.Length} numbers", "more");
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long value) || value < 0)
                throw BadFileException.Expected(path, item, "integers from 0 to 2^63 - 1", Describe(reader));
            destination[count++] = value;
        }
        return count;
    }

    private void CheckCover(long dataByteCount)
    {
        entries.Sort(InDataOrder);
        long position = 0;
        foreach ((TensorInfo info, long start, long end) in entries)
        {
            if (end > dataByteCount)
            {
                throw BadFileException.Expected(path, $"tensor {info.Name}", $"data inside the {dataByteCount} bytes after the header", $"an end at {end}",
                    "The file is truncated or damaged.");
            }
            if (start != position)
            {
                throw BadFileException.Expected(path, $"tensor {info.Name}", $"data that starts at {position}, where the one before it ends", $"{start}",
                    start < position ? "Overlapping tensors: the header is damaged." : "The format allows no holes.");
            }
            position = end;
        }
        if (position != dataByteCount)
        {
            throw BadFileException.Expected(path, "file", $"{position} bytes after the header", $"{dataByteCount}",
                "The format allows nothing behind the last tensor; the file is damaged.");
        }
    }

    private static int InDataOrder((TensorInfo Info, long Start, long End) a, (TensorInfo Info, long Start, long End) b)
    {
        int order = a.Start.CompareTo(b.Start);
        if (order == 0)
            order = a.End.CompareTo(b.End);
        return order != 0 ? order : string.CompareOrdinal(a.Info.Name, b.Info.Name);
    }

    private void Require(in Utf8JsonReader reader, JsonTokenType type, string item, string expected)
    {
        if (reader.TokenType != type)
            throw BadFileException.Expected(path, item, expected, Describe(reader));
    }

    private static string Describe(in Utf8JsonReader reader)
    {
        ReadOnlySpan<byte> text = reader.ValueSpan;
        return text.Length is > 0 and <= 40 ? Encoding.UTF8.GetString(text) : reader.TokenType.ToString();
    }
}
