using System.Buffers.Binary;
using Decant.Testing;
using System.Text;

namespace Decant.Core.Tests.Files.PyTorch;

/// <summary>Writes archives as torch's own writer lays them out: entries stored, content at multiples of 64 bytes, sizes behind the content; or with one thing wrong.</summary>
internal sealed class TorchArchive
{
    private const int Alignment = 64;

    private readonly List<(string Name, byte[] Content)> entries = [];

    public string Root { get; init; } = "archive";

    /// <summary>64-bit sizes and offsets although they would fit 32.</summary>
    public bool IsWide { get; init; }

    /// <summary>The compression method that headers state.</summary>
    public ushort Method { get; init; }

    /// <summary>Bit 0: encrypted.</summary>
    public ushort Flags { get; init; }

    public string Comment { get; init; } = "";

    /// <summary>An archive with the usual entries.</summary>
    public static TorchArchive Of(byte[] pickle, params byte[][] storages)
    {
        TorchArchive archive = new TorchArchive().Add("data.pkl", pickle).Add("byteorder", "little"u8.ToArray());
        for (int i = 0; i < storages.Length; i++)
            archive.Add($"data/{i}", storages[i]);
        return archive.Add("version", "3\n"u8.ToArray());
    }

    public TorchArchive Add(string name, byte[] content)
    {
        entries.Add((Root.Length == 0 ? name : $"{Root}/{name}", content));
        return this;
    }

    public byte[] ToBytes()
    {
        using var output = new MemoryStream();
        using var directory = new MemoryStream();
        foreach ((string name, byte[] content) in entries)
        {
            long local = output.Position;
            byte[] nameBytes = Encoding.UTF8.GetBytes(name);
            int padding = (int)((Alignment - (local + 30 + nameBytes.Length + 4) % Alignment) % Alignment);
            Write(output, 0x04034b50u, (ushort)20, (ushort)(8 | Flags), Method, 0u, 0u, 0u, 0u, (ushort)nameBytes.Length, (ushort)(4 + padding));
            output.Write(nameBytes);
            // torch pads with an extra field "FB".
            Write(output, (ushort)0x4246, (ushort)padding);
            output.Write(Enumerable.Repeat((byte)'Z', padding).ToArray());
            output.Write(content);
            uint crc = Crc32.Of(content);
            Write(output, 0x08074b50u, crc, (uint)content.Length, (uint)content.Length);

            Write(directory, 0x02014b50u, (ushort)0, (ushort)20, (ushort)(8 | Flags), Method, 0u, crc);
            Write(directory, IsWide ? uint.MaxValue : (uint)content.Length, IsWide ? uint.MaxValue : (uint)content.Length, (ushort)nameBytes.Length, (ushort)(IsWide ? 28 : 0));
            Write(directory, (ushort)0, (ushort)0, (ushort)0, 0u, IsWide ? uint.MaxValue : (uint)local);
            directory.Write(nameBytes);
            if (IsWide)
                Write(directory, (ushort)1, (ushort)24, (long)content.Length, (long)content.Length, local);
        }
        long start = output.Position;
        output.Write(directory.ToArray());
        if (IsWide)
        {
            long end = output.Position;
            Write(output, 0x06064b50u, 44L, (ushort)45, (ushort)45, 0u, 0u, (long)entries.Count, (long)entries.Count, directory.Length, start);
            Write(output, 0x07064b50u, 0u, end, 1u);
        }
        Write(output, 0x06054b50u, (ushort)0, (ushort)0);
        Write(output, IsWide ? ushort.MaxValue : (ushort)entries.Count, IsWide ? ushort.MaxValue : (ushort)entries.Count);
        Write(output, IsWide ? uint.MaxValue : (uint)directory.Length, IsWide ? uint.MaxValue : (uint)start, (ushort)Comment.Length);
        output.Write(Encoding.ASCII.GetBytes(Comment));
        return output.ToArray();
    }

    private static void Write(Stream output, params object[] fields)
    {
        Span<byte> bytes = stackalloc byte[8];
        foreach (object field in fields)
        {
            int length;
            switch (field)
            {
                case ushort value:
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
                    length = 2;
                    break;
                case uint value:
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
                    length = 4;
                    break;
                default:
                    BinaryPrimitives.WriteInt64LittleEndian(bytes, (long)field);
                    length = 8;
                    break;
            }
            output.Write(bytes[..length]);
        }
    }
}
