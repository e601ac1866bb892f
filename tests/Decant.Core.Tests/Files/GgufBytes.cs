using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Decant.Core.Tests.Files;

/// <summary>Builds GGUF files by hand, sound or not: the product's writer would refuse to write most of them.</summary>
internal sealed class GgufBytes
{
    private readonly ArrayBufferWriter<byte> content = new();

    public GgufBytes Raw(ReadOnlySpan<byte> bytes)
    {
        content.Write(bytes);
        return this;
    }

    public GgufBytes U8(byte value) => Raw([value]);

    public GgufBytes U32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public GgufBytes U64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public GgufBytes Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return U64((ulong)bytes.Length).Raw(bytes);
    }

    public GgufBytes Header(ulong tensorCount, ulong keyCount, uint version = 3) => Raw("GGUF"u8).U32(version).U64(tensorCount).U64(keyCount);

    public GgufBytes Key(string key, uint type) => Text(key).U32(type);

    /// <summary>A tensor entry; dimensions innermost first, as in the file.</summary>
    public GgufBytes Tensor(string name, ulong[] dimensions, uint type, ulong offset)
    {
        Text(name).U32((uint)dimensions.Length);
        foreach (ulong dimension in dimensions)
            U64(dimension);
        return U32(type).U64(offset);
    }

    public GgufBytes Align(int alignment)
    {
        while (content.WrittenCount % alignment != 0)
            U8(0);
        return this;
    }

    public byte[] ToArray() => content.WrittenSpan.ToArray();
}
