using System.Text;
using Decant.Core.Files;

namespace Decant.Testing;

/// <summary>Reads the metadata of a sound GGUF file, written for tests alone so that the product's reader is not its own oracle.</summary>
public static class GgufMetadataFixture
{
    /// <summary>Reads all keys of a version 3 file.</summary>
    public static GgufMetadata Read(string path)
    {
        using var reader = new BinaryReader(new BufferedStream(File.OpenRead(path)));
        if (reader.ReadUInt32() != 0x46554747 || reader.ReadUInt32() != 3)
            throw new InvalidOperationException($"{path} is no GGUF of version 3");
        reader.ReadUInt64();
        ulong count = reader.ReadUInt64();
        var metadata = new GgufMetadata(path);
        for (ulong i = 0; i < count; i++)
        {
            string key = ReadString(reader);
            metadata.Set(key, ReadValue(reader, (GgufValueType)reader.ReadUInt32()));
        }
        return metadata;
    }

    private static GgufValue ReadValue(BinaryReader reader, GgufValueType type)
    {
        if (type != GgufValueType.Array)
            return new GgufValue(type, ReadScalar(reader, type));
        var element = (GgufValueType)reader.ReadUInt32();
        int length = (int)reader.ReadUInt64();
        object[] values = new object[length];
        for (int i = 0; i < length; i++)
            values[i] = element == GgufValueType.Array ? ReadValue(reader, element) : ReadScalar(reader, element);
        return new GgufValue(type, element switch
        {
            GgufValueType.String => Array.ConvertAll(values, v => (string)v),
            GgufValueType.Float32 => Array.ConvertAll(values, v => (float)v),
            GgufValueType.Int32 => Array.ConvertAll(values, v => (int)v),
            GgufValueType.UInt32 => Array.ConvertAll(values, v => (uint)v),
            _ => throw new InvalidOperationException($"array of {element}"),
        }, element);
    }

    private static object ReadScalar(BinaryReader reader, GgufValueType type) => type switch
    {
        GgufValueType.UInt8 => reader.ReadByte(),
        GgufValueType.Int8 => reader.ReadSByte(),
        GgufValueType.UInt16 => reader.ReadUInt16(),
        GgufValueType.Int16 => reader.ReadInt16(),
        GgufValueType.UInt32 => reader.ReadUInt32(),
        GgufValueType.Int32 => reader.ReadInt32(),
        GgufValueType.Float32 => reader.ReadSingle(),
        GgufValueType.Bool => reader.ReadByte() != 0,
        GgufValueType.String => ReadString(reader),
        GgufValueType.UInt64 => reader.ReadUInt64(),
        GgufValueType.Int64 => reader.ReadInt64(),
        GgufValueType.Float64 => reader.ReadDouble(),
        _ => throw new InvalidOperationException($"type {type}"),
    };

    private static string ReadString(BinaryReader reader) => Encoding.UTF8.GetString(reader.ReadBytes((int)reader.ReadUInt64()));
}
