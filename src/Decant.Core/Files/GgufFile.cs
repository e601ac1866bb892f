using System.Buffers.Binary;
using System.Numerics;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// One GGUF file, version 2 or 3, little-endian: metadata in file order and tensors as views of the mapped file. Opening reads
/// the header only. The layout is that of ggml's <c>docs/gguf.md</c>; where the text and llama.cpp's reader disagree, files that
/// llama.cpp loads are accepted. A model split over several files is opened by <see cref="GgufModelSource"/>.
/// </summary>
public sealed class GgufFile : IDisposable
{
    private static ReadOnlySpan<byte> Magic => "GGUF"u8;

    private readonly MappedFile file;
    private readonly Dictionary<string, MappedTensor> byName;

    private GgufFile(MappedFile file, uint version, GgufMetadata metadata, long alignment, long dataOffset, List<MappedTensor> tensors)
    {
        this.file = file;
        Version = version;
        Metadata = metadata;
        Alignment = alignment;
        DataOffset = dataOffset;
        Tensors = tensors;
        byName = tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);
    }

    /// <summary>The path as given to <see cref="Open"/>.</summary>
    public string Path => file.Path;

    /// <summary>The length of the file in bytes.</summary>
    public long ByteCount => file.Length;

    /// <summary>2 or 3.</summary>
    public uint Version { get; }

    /// <summary>All keys in file order.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>Tensors start at multiples of this many bytes from <see cref="DataOffset"/>.</summary>
    public long Alignment { get; }

    /// <summary>Where the tensor data starts, from the start of the file.</summary>
    public long DataOffset { get; }

    /// <summary>The tensors in the order of the header.</summary>
    public IReadOnlyList<MappedTensor> Tensors { get; }

    /// <summary>The tensor of this name, or null.</summary>
    public MappedTensor? FindTensor(string name) => byName.GetValueOrDefault(name);

    /// <summary>True if the file starts as every GGUF file does; reads four bytes.</summary>
    public static bool HasMagic(string path)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(path);
            Span<byte> start = stackalloc byte[4];
            return RandomAccess.Read(handle, start, 0) == 4 && start.SequenceEqual(Magic);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="BadFileException">The file is missing, truncated, damaged or hostile.</exception>
    /// <exception cref="NotSupportedModelException">A version, byte order or tensor type Decant does not know.</exception>
    public static GgufFile Open(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return Read(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static GgufFile Read(MappedFile file)
    {
        if (file.Length < 4 || !file.Slice(0, 4).SequenceEqual(Magic))
        {
            string got = file.Length < 4 ? $"{file.Length} bytes" : Convert.ToHexString(file.Slice(0, 4));
            throw BadFileException.Expected(file.Path, "magic", "the four letters GGUF", got, "This is no GGUF file.");
        }
        var reader = new GgufHeaderReader(file);
        reader.ReadUInt32("magic");
        uint version = CheckVersion(file.Path, reader.ReadUInt32("version"));
        // A tensor takes at least its name's length, rank, type and offset; a key its length, a type and one byte.
        int tensorCount = reader.ReadCount("number of tensors", GgufLimits.TensorCount, 24);
        int keyCount = reader.ReadCount("number of metadata keys", GgufLimits.KeyCount, 13);

        var metadata = new GgufMetadata(file.Path);
        for (int i = 0; i < keyCount; i++)
        {
            string key = reader.ReadString($"metadata key {i}", GgufLimits.KeyByteCount);
            if (metadata.Find(key) is not null)
                throw BadFileException.Expected(file.Path, $"metadata key {key}", "each key once", "a second one");
            metadata.Set(key, reader.ReadValue(key));
        }
        long alignment = ReadAlignment(metadata);

        var entries = new (TensorInfo Info, long Offset)[tensorCount];
        for (int i = 0; i < tensorCount; i++)
            entries[i] = ReadTensorInfo(reader, file.Path, i, alignment);

        long dataOffset = AlignUp(reader.Position, alignment);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var tensors = new List<MappedTensor>(tensorCount);
        foreach ((TensorInfo info, long offset) in entries)
        {
            if (!names.Add(info.Name))
                throw BadFileException.Expected(file.Path, $"tensor {info.Name}", "each name once", "a second one");
            if (offset > file.Length - dataOffset)
            {
                throw BadFileException.Expected(file.Path, $"tensor {info.Name}", $"data inside the file of {file.Length} bytes",
                    $"offset {offset} after the header's {dataOffset}", "The file is truncated or damaged.");
            }
            tensors.Add(new MappedTensor(info, file, dataOffset + offset));
        }
        StoredRange.CheckDisjoint(file.Path, tensors);
        return new GgufFile(file, version, metadata, alignment, dataOffset, tensors);
    }

    private static uint CheckVersion(string path, uint version) => version switch
    {
        2 or 3 => version,
        1 => throw new NotSupportedModelException(
            $"{path}: GGUF version 1 (32-bit counts, of August 2023) is not supported. Convert the original model again, or rewrite the file with an older llama.cpp."),
        _ when BinaryPrimitives.ReverseEndianness(version) is >= 1 and <= 0xFFFF => throw new NotSupportedModelException(
            $"{path}: this GGUF file is big-endian (version {BinaryPrimitives.ReverseEndianness(version)}); only little-endian files are supported. llama.cpp's gguf_convert_endian.py turns it round."),
        _ => throw new NotSupportedModelException($"{path}: GGUF version {version} is newer than this program, which reads 2 and 3."),
    };

    /// <summary>The alignment that metadata asks for.</summary>
    internal static long ReadAlignment(GgufMetadata metadata)
    {
        long? alignment = metadata.FindInteger("general.alignment");
        if (alignment is null)
            return GgufLimits.DefaultAlignment;
        if (alignment is <= 0 or > GgufLimits.Alignment || !BitOperations.IsPow2(alignment.Value))
        {
            throw BadFileException.Expected(metadata.Location, "metadata key general.alignment",
                $"a power of two up to {GgufLimits.Alignment}", $"{alignment}");
        }
        return alignment.Value;
    }

    private static (TensorInfo Info, long Offset) ReadTensorInfo(GgufHeaderReader reader, string path, int index, long alignment)
    {
        string name = reader.ReadString($"name of tensor {index}", GgufLimits.NameByteCount);
        string item = $"tensor {name}";
        uint rank = reader.ReadUInt32($"rank of {item}");
        if (rank > GgufLimits.Rank)
            throw BadFileException.Expected(path, item, $"at most {GgufLimits.Rank} dimensions", $"{rank}", "The header is damaged.");
        Span<long> dimensions = stackalloc long[(int)rank];
        // The file lists the innermost dimension first.
        for (int i = (int)rank - 1; i >= 0; i--)
            dimensions[i] = (long)reader.ReadUInt64($"dimensions of {item}");
        uint type = reader.ReadUInt32($"type of {item}");
        ulong offset = reader.ReadUInt64($"offset of {item}");

        TensorFormat format = (type <= int.MaxValue ? TensorFormats.FindByGgmlType((int)type) : null) ?? throw UnknownType(path, item, type);
        if (offset > long.MaxValue || (long)offset % alignment != 0)
            throw BadFileException.Expected(path, item, $"an offset that is a multiple of {alignment}", $"{offset}", "The header is damaged.");
        return (StoredRange.CreateInfo(path, name, dimensions, format), (long)offset);
    }

    private static NotSupportedModelException UnknownType(string path, string item, uint type) => new(type switch
    {
        4 or 5 => $"{path}: {item}: ggml removed type {type} (Q4_2, Q4_3) in 2023. Convert the original model again.",
        31 or 32 or 33 => $"{path}: {item}: ggml removed type {type} (Q4_0 interleaved for Arm). Use a plain Q4_0 file of the model.",
        36 or 37 or 38 => $"{path}: {item}: ggml removed type {type} (IQ4_NL interleaved for Arm). Use a plain IQ4_NL file of the model.",
        _ => $"{path}: {item}: unknown ggml type {type}. The file may be of a newer llama.cpp than this program knows.",
    });

    /// <summary>The next multiple of <paramref name="alignment"/>, a power of two.</summary>
    internal static long AlignUp(long position, long alignment) => (position + alignment - 1) & -alignment;
}
