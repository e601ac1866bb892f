using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Decant.Testing;

/// <summary>
/// A reader of small safetensors fixture files, written for tests alone so that the product's reader is not its own oracle.
/// </summary>
public sealed class SafetensorsFixture
{
    private readonly byte[] data;
    private readonly Dictionary<string, (string Type, long[] Shape, int Start, int End)> tensors = [];

    /// <summary>Reads the whole file.</summary>
    public SafetensorsFixture(string path)
    {
        data = File.ReadAllBytes(path);
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(data);
        using JsonDocument header = JsonDocument.Parse(data.AsMemory(8, headerLength));
        foreach (JsonProperty property in header.RootElement.EnumerateObject())
        {
            if (property.Name == "__metadata__")
                continue;
            long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
            JsonElement offsets = property.Value.GetProperty("data_offsets");
            int origin = 8 + headerLength;
            tensors.Add(property.Name, (property.Value.GetProperty("dtype").GetString()!, shape, origin + offsets[0].GetInt32(), origin + offsets[1].GetInt32()));
        }
    }

    /// <summary>All tensor names.</summary>
    public IEnumerable<string> Names => tensors.Keys;

    /// <summary>True if the file has the tensor.</summary>
    public bool Has(string name) => tensors.ContainsKey(name);

    /// <summary>The shape, outermost first.</summary>
    public long[] Shape(string name) => tensors[name].Shape;

    /// <summary>The dtype as written in the file.</summary>
    public string Type(string name) => tensors[name].Type;

    /// <summary>The stored bytes.</summary>
    public ReadOnlySpan<byte> Bytes(string name) => data.AsSpan(tensors[name].Start, tensors[name].End - tensors[name].Start);

    /// <summary>An F32 tensor.</summary>
    public ReadOnlySpan<float> Singles(string name) => tensors[name].Type == "F32"
        ? MemoryMarshal.Cast<byte, float>(Bytes(name))
        : throw new InvalidOperationException($"{name} is {tensors[name].Type}");

    /// <summary>Any integer tensor widened to 64 bits.</summary>
    public long[] Integers(string name)
    {
        ReadOnlySpan<byte> bytes = Bytes(name);
        return tensors[name].Type switch
        {
            "I64" => MemoryMarshal.Cast<byte, long>(bytes).ToArray(),
            "I32" => [.. MemoryMarshal.Cast<byte, int>(bytes).ToArray().Select(v => (long)v)],
            "U32" => [.. MemoryMarshal.Cast<byte, uint>(bytes).ToArray().Select(v => (long)v)],
            "I16" => [.. MemoryMarshal.Cast<byte, short>(bytes).ToArray().Select(v => (long)v)],
            "U16" => [.. MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(v => (long)v)],
            "I8" => [.. bytes.ToArray().Select(v => (long)(sbyte)v)],
            "U8" or "BOOL" => [.. bytes.ToArray().Select(v => (long)v)],
            var type => throw new InvalidOperationException($"{name} is {type}"),
        };
    }
}
