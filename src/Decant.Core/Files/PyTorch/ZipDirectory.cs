using System.Buffers.Binary;
using System.Text;
using Decant.Core.Errors;

namespace Decant.Core.Files.PyTorch;

/// <summary>An entry of an archive: where its bytes lie in the file.</summary>
/// <param name="Name">The path in the archive.</param>
/// <param name="Offset">The first byte of its content, from the start of the file.</param>
/// <param name="ByteCount">The length of its content.</param>
internal readonly record struct ZipEntry(string Name, long Offset, long ByteCount);

/// <summary>
/// The central directory of a zip file, 64-bit fields included (APPNOTE.TXT 6.3.10 of PKWARE, 4.3 and 4.5.3), for archives whose entries are stored as they are,
/// so that they can be mapped. Nothing is ever decompressed: a small file cannot become a large one.
/// </summary>
internal static class ZipDirectory
{
    private const uint EndSignature = 0x06054b50;
    private const uint Locator64Signature = 0x07064b50;
    private const uint End64Signature = 0x06064b50;
    private const uint EntrySignature = 0x02014b50;
    private const uint LocalSignature = 0x04034b50;
    private const int EndByteCount = 22;
    private const int LocatorByteCount = 20;
    private const int End64ByteCount = 56;
    private const int EntryByteCount = 46;
    private const int LocalByteCount = 30;
    private const int MaximumCommentByteCount = ushort.MaxValue;
    private const int MaximumEntryCount = 1 << 20;
    private const int WideFieldsId = 1;

    /// <summary>Reads the directory.</summary>
    /// <exception cref="BadFileException">The file is no zip file, is cut, or its directory is damaged.</exception>
    /// <exception cref="NotSupportedModelException">An entry is compressed or encrypted.</exception>
    public static IReadOnlyDictionary<string, ZipEntry> Read(MappedFile file)
    {
        (long start, long byteCount, long count) = FindDirectory(file);
        if (count > MaximumEntryCount || count * EntryByteCount > byteCount)
            throw Damaged(file, $"at most {Math.Min(MaximumEntryCount, byteCount / EntryByteCount)} entries in {byteCount} bytes of directory", $"{count}");
        var entries = new Dictionary<string, ZipEntry>((int)count, StringComparer.Ordinal);
        long position = start;
        for (long i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = Slice(file, position, EntryByteCount, "directory entry");
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) != EntrySignature)
                throw Damaged(file, $"a directory entry at {position}", "other bytes");
            int flags = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
            int method = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
            int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
            int extraLength = BinaryPrimitives.ReadUInt16LittleEndian(header[30..]);
            int commentLength = BinaryPrimitives.ReadUInt16LittleEndian(header[32..]);
            string name = Encoding.UTF8.GetString(Slice(file, position + EntryByteCount, nameLength, "entry name"));
            if ((flags & 1) != 0)
                throw new NotSupportedModelException($"{file.Path}: {name} is encrypted. torch.save writes no such files.");
            (long stored, long whole, long local) = ReadPlace(file, header, Slice(file, position + EntryByteCount + nameLength, extraLength, "extra field"), name);
            if (method != 0 || stored != whole)
                throw new NotSupportedModelException($"{file.Path}: {name} is compressed; torch.save stores its entries as they are, so this is a program (torch.jit.save), or was packed by another one. Save the model's state_dict(), or as safetensors.");
            if (!entries.TryAdd(name, new ZipEntry(name, FindContent(file, local, name, whole), whole)))
                throw Damaged(file, "each entry once", $"a second {name}");
            position += EntryByteCount + nameLength + extraLength + commentLength;
        }
        return entries;
    }

    private static (long Start, long ByteCount, long Count) FindDirectory(MappedFile file)
    {
        long first = Math.Max(0, file.Length - EndByteCount - MaximumCommentByteCount);
        ReadOnlySpan<byte> tail = file.Slice(first, (int)(file.Length - first));
        for (int i = tail.Length - EndByteCount; i >= 0; i--)
        {
            ReadOnlySpan<byte> end = tail[i..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndSignature || BinaryPrimitives.ReadUInt16LittleEndian(end[20..]) != end.Length - EndByteCount)
                continue;
            long count = BinaryPrimitives.ReadUInt16LittleEndian(end[10..]);
            long byteCount = BinaryPrimitives.ReadUInt32LittleEndian(end[12..]);
            long start = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
            if (count == ushort.MaxValue || byteCount == uint.MaxValue || start == uint.MaxValue)
                (start, byteCount, count) = ReadEnd64(file, first + i);
            if (start < 0 || byteCount < 0 || start > first + i - byteCount)
                throw Damaged(file, $"a directory before byte {first + i}", $"{byteCount} bytes at {start}");
            return (start, byteCount, count);
        }
        throw BadFileException.Expected(file.Path, "file", "a zip archive as torch.save writes it", "none", "This is no PyTorch file, or it is truncated: was a download interrupted?");
    }

    private static (long Start, long ByteCount, long Count) ReadEnd64(MappedFile file, long end)
    {
        ReadOnlySpan<byte> locator = Slice(file, end - LocatorByteCount, LocatorByteCount, "locator of the 64-bit directory");
        long position = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != Locator64Signature)
            throw Damaged(file, "a locator of the 64-bit directory", "other bytes");
        ReadOnlySpan<byte> record = Slice(file, position, End64ByteCount, "end of the 64-bit directory");
        if (BinaryPrimitives.ReadUInt32LittleEndian(record) != End64Signature)
            throw Damaged(file, $"the end of a 64-bit directory at {position}", "other bytes");
        long count = BinaryPrimitives.ReadInt64LittleEndian(record[32..]);
        if (count < 0)
            throw Damaged(file, "a count of entries", $"{count}");
        return (BinaryPrimitives.ReadInt64LittleEndian(record[48..]), BinaryPrimitives.ReadInt64LittleEndian(record[40..]), count);
    }

    private static (long Stored, long Whole, long Local) ReadPlace(MappedFile file, ReadOnlySpan<byte> header, ReadOnlySpan<byte> extra, string name)
    {
        long stored = BinaryPrimitives.ReadUInt32LittleEndian(header[20..]);
        long whole = BinaryPrimitives.ReadUInt32LittleEndian(header[24..]);
        long local = BinaryPrimitives.ReadUInt32LittleEndian(header[42..]);
        if (stored != uint.MaxValue && whole != uint.MaxValue && local != uint.MaxValue)
            return (stored, whole, local);
        while (extra.Length >= 4)
        {
            int id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4)
                break;
            ReadOnlySpan<byte> fields = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != WideFieldsId)
                continue;
            // Only fields that do not fit 32 bits are there, in this order.
            bool complete = Widen(ref whole, ref fields) && Widen(ref stored, ref fields) && Widen(ref local, ref fields);
            if (complete)
                return (stored, whole, local);
            break;
        }
        throw Damaged(file, $"64-bit sizes of {name}", "none");
    }

    private static bool Widen(ref long value, ref ReadOnlySpan<byte> fields)
    {
        if (value != uint.MaxValue)
            return true;
        if (fields.Length < 8)
            return false;
        value = BinaryPrimitives.ReadInt64LittleEndian(fields);
        fields = fields[8..];
        return value >= 0;
    }

    // The header before the content repeats the name, and has extra fields of its own: torch aligns content with them.
    private static long FindContent(MappedFile file, long local, string name, long byteCount)
    {
        ReadOnlySpan<byte> header = Slice(file, local, LocalByteCount, $"header of {name}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalSignature)
            throw Damaged(file, $"the header of {name} at {local}", "other bytes");
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(header[26..]);
        int extraLength = BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        if (Encoding.UTF8.GetString(Slice(file, local + LocalByteCount, nameLength, $"header of {name}")) != name)
            throw Damaged(file, $"the header of {name} at {local}", "that of another entry");
        long offset = local + LocalByteCount + nameLength + extraLength;
        if (offset > file.Length - byteCount)
            throw Damaged(file, $"{byteCount} bytes of {name} at {offset}", $"a file of {file.Length} bytes");
        return offset;
    }

    private static ReadOnlySpan<byte> Slice(MappedFile file, long offset, int length, string what)
    {
        if (offset < 0 || offset > file.Length - length)
            throw Damaged(file, $"{length} bytes of the {what} at {offset}", $"a file of {file.Length} bytes");
        return file.Slice(offset, length);
    }

    private static BadFileException Damaged(MappedFile file, string expected, string got) =>
        BadFileException.Expected(file.Path, "zip directory", expected, got, "The file is truncated or damaged.");
}
