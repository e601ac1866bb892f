using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>Reads the values before the tensor data of a mapped GGUF file, front to back, every length checked against what is left.</summary>
internal sealed class GgufHeaderReader(MappedFile file)
{
    private readonly long end = Math.Min(file.Length, GgufLimits.HeaderByteCount);

    /// <summary>Bytes read so far.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes that may still be read.</summary>
    public long Remaining => end - Position;

    public uint ReadUInt32(string item) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, item));

    public ulong ReadUInt64(string item) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, item));

    /// <summary>A count that at least <paramref name="minimumByteCount"/> bytes each must follow.</summary>
    public int ReadCount(string item, long limit, int minimumByteCount)
    {
        ulong count = ReadUInt64(item);
        if (count > (ulong)limit)
            throw BadFileException.Expected(file.Path, item, $"at most {limit}", $"{count}", "The header is damaged.");
        if (count > (ulong)(Remaining / minimumByteCount))
            throw BadFileException.Expected(file.Path, item, $"no more than the {Remaining} bytes left can hold", $"{count}", "The file is truncated or damaged.");
        return (int)count;
    }

    public string ReadString(string item, long limit)
    {
        ulong length = ReadUInt64(item);
        if (length > (ulong)limit)
            throw BadFileException.Expected(file.Path, item, $"a string of at most {limit} bytes", $"{length} bytes", "The header is damaged.");
        return GgufText.Decode(Take((int)length, item));
    }

    public GgufValue ReadValue(string key)
    {
        GgufValueType type = ReadType(key);
        return type == GgufValueType.Array ? ReadArray(key, 1) : new GgufValue(type, ReadScalar(type, key));
    }

    private GgufValueType ReadType(string key)
    {
        uint type = ReadUInt32($"type of metadata key {key}");
        if (type > (uint)GgufValueType.Float64)
            throw BadFileException.Expected(file.Path, $"metadata key {key}", "a value type from 0 to 12", $"type {type}", "The header is damaged, or of a newer GGUF version.");
        return (GgufValueType)type;
    }

    private object ReadScalar(GgufValueType type, string key) => type switch
    {
        GgufValueType.UInt8 => Take(1, key)[0],
        GgufValueType.Int8 => (sbyte)Take(1, key)[0],
        GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(Take(2, key)),
        GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(Take(2, key)),
        GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, key)),
        GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(Take(4, key)),
        GgufValueType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(Take(4, key)),
        GgufValueType.Bool => ReadBool(Take(1, key)[0], key),
        GgufValueType.String => ReadString($"metadata key {key}", GgufLimits.StringByteCount),
        GgufValueType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, key)),
        GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(Take(8, key)),
        GgufValueType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(Take(8, key)),
        _ => throw new InvalidOperationException($"{type} is no scalar."),
    };

    private bool ReadBool(byte value, string key) => value switch
    {
        0 => false,
        1 => true,
        _ => throw BadFileException.Expected(file.Path, $"metadata key {key}", "a boolean, 0 or 1", $"{value}", "The header is damaged."),
    };

    private GgufValue ReadArray(string key, int depth)
    {
        if (depth > GgufLimits.ArrayDepth)
            throw BadFileException.Expected(file.Path, $"metadata key {key}", $"arrays at most {GgufLimits.ArrayDepth} deep", "deeper nesting", "The header is damaged.");
        GgufValueType element = ReadType(key);
        int elementByteCount = element switch
        {
            GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
            GgufValueType.UInt16 or GgufValueType.Int16 => 2,
            GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
            GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 or GgufValueType.String => 8,
            _ => 12,
        };
        int count = ReadCount($"array length of metadata key {key}", end, elementByteCount);
        return new GgufValue(GgufValueType.Array, ReadElements(element, count, key, $"metadata key {key}", depth), element);
    }

    /// <summary>The elements; <paramref name="item"/> is built once, for vocabularies have hundreds of thousands of them.</summary>
    private Array ReadElements(GgufValueType element, int count, string key, string item, int depth) => element switch
    {
        GgufValueType.UInt8 => ReadNumbers<byte>(count, item),
        GgufValueType.Int8 => ReadNumbers<sbyte>(count, item),
        GgufValueType.UInt16 => ReadNumbers<ushort>(count, item),
        GgufValueType.Int16 => ReadNumbers<short>(count, item),
        GgufValueType.UInt32 => ReadNumbers<uint>(count, item),
        GgufValueType.Int32 => ReadNumbers<int>(count, item),
        GgufValueType.Float32 => ReadNumbers<float>(count, item),
        GgufValueType.UInt64 => ReadNumbers<ulong>(count, item),
        GgufValueType.Int64 => ReadNumbers<long>(count, item),
        GgufValueType.Float64 => ReadNumbers<double>(count, item),
        GgufValueType.Bool => ReadEach(count, () => ReadBool(Take(1, item)[0], key)),
        GgufValueType.String => ReadStrings(count, item),
        _ => ReadEach(count, () => ReadArray(key, depth + 1)),
    };

    private T[] ReadNumbers<T>(int count, string item)
        where T : unmanaged
    {
        // Numbers in the file are little-endian, as is every machine .NET 10 supports here.
        ReadOnlySpan<byte> bytes = Take(checked(count * Marshal.SizeOf<T>()), item);
        var numbers = new T[count];
        bytes.CopyTo(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    private string[] ReadStrings(int count, string item)
    {
        string[] values = new string[count];
        for (int i = 0; i < values.Length; i++)
            values[i] = ReadString(item, GgufLimits.StringByteCount);
        return values;
    }

    private static T[] ReadEach<T>(int count, Func<T> read)
    {
        var values = new T[count];
        for (int i = 0; i < count; i++)
            values[i] = read();
        return values;
    }

    private ReadOnlySpan<byte> Take(int length, string item)
    {
        if (length > Remaining)
        {
            throw file.Length > end
                ? BadFileException.Expected(file.Path, item, $"a header of at most {GgufLimits.HeaderByteCount} bytes", "a longer one", "The header is damaged.")
                : BadFileException.Expected(file.Path, item, $"{length} more bytes at offset {Position}", $"{Remaining}", "The file is truncated or damaged.");
        }
        ReadOnlySpan<byte> bytes = file.Slice(Position, length);
        Position += length;
        return bytes;
    }
}
