using System.Buffers.Binary;
using Decant.Core.Errors;

namespace Decant.Core.Tokenizers.SentencePiece;

/// <summary>How a field's value is written (Protocol Buffers, "Encoding").</summary>
internal enum WireType
{
    /// <summary>A number of variable length.</summary>
    Varint = 0,
    /// <summary>Eight bytes.</summary>
    Fixed64 = 1,
    /// <summary>A length and as many bytes.</summary>
    Bytes = 2,
    /// <summary>Four bytes.</summary>
    Fixed32 = 5,
}

/// <summary>One field of a message.</summary>
/// <param name="number">Which field.</param>
/// <param name="type">How it is written.</param>
/// <param name="value">The number, if it is one.</param>
/// <param name="bytes">The bytes, if it has a length.</param>
/// <param name="offset">Where its value starts, counted from the start of the file.</param>
internal readonly ref struct ProtobufField(int number, WireType type, ulong value, ReadOnlySpan<byte> bytes, int offset)
{
    /// <summary>Which field.</summary>
    public int Number { get; } = number;

    /// <summary>How it is written.</summary>
    public WireType Type { get; } = type;

    /// <summary>The number, if it is one.</summary>
    public ulong Value { get; } = value;

    /// <summary>The bytes, if it has a length.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>Where its value starts, counted from the start of the file.</summary>
    public int Offset { get; } = offset;
}

/// <summary>Reads the fields of a Protocol Buffers message one after another.</summary>
/// <param name="message">The message.</param>
/// <param name="file">The file, for messages.</param>
/// <param name="start">Where the message starts in the file.</param>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string file, int start = 0)
{
    private readonly ReadOnlySpan<byte> message = message;
    private int position;

    /// <summary>The next field.</summary>
    /// <returns>False at the end of the message.</returns>
    /// <exception cref="BadFileException">The message ends within a field, or is no Protocol Buffers message.</exception>
    public bool TryRead(out ProtobufField field)
    {
        field = default;
        if (position == message.Length)
            return false;
        ulong key = ReadVarint();
        var type = (WireType)(key & 7);
        if (key >> 3 is 0 or > 0x1FFF_FFFF)
            throw Wrong("a field number from 1 to 536870911", $"{key >> 3}");
        int number = (int)(key >> 3);
        switch (type)
        {
            case WireType.Varint:
                int at = position;
                field = new ProtobufField(number, type, ReadVarint(), default, start + at);
                return true;
            case WireType.Fixed64:
                field = new ProtobufField(number, type, BinaryPrimitives.ReadUInt64LittleEndian(Take(number, sizeof(ulong))), default, start + position - sizeof(ulong));
                return true;
            case WireType.Fixed32:
                field = new ProtobufField(number, type, BinaryPrimitives.ReadUInt32LittleEndian(Take(number, sizeof(uint))), default, start + position - sizeof(uint));
                return true;
            case WireType.Bytes:
                ulong length = ReadVarint();
                ReadOnlySpan<byte> bytes = Take(number, length);
                field = new ProtobufField(number, type, 0, bytes, start + position - bytes.Length);
                return true;
            default:
                throw Wrong("a wire type of 0, 1, 2 or 5", $"{(int)type}");
        }
    }

    private ReadOnlySpan<byte> Take(int number, ulong length)
    {
        if (length > (ulong)(message.Length - position))
            throw Wrong($"{length} bytes of field {number}", $"{message.Length - position}, then the end");
        ReadOnlySpan<byte> taken = message.Slice(position, (int)length);
        position += (int)length;
        return taken;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (position == message.Length)
                throw Wrong("more bytes of a number", "the end");
            byte next = message[position++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        throw Wrong("a number of at most ten bytes", "a longer one");
    }

    private readonly BadFileException Wrong(string expected, string got) => BadFileException.Expected(file, $"byte {start + position}", expected, got);
}
