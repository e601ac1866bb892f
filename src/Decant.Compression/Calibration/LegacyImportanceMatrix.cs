using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Compression.Calibration;

/// <summary>
/// The <c>imatrix.dat</c> files llama.cpp wrote until 2025: a count of entries; for each the name's length and bytes, a number of calls and the
/// values (mean squares times calls); then the number of chunks and the text's name. All numbers are 32-bit, little-endian.
/// </summary>
internal static class LegacyImportanceMatrix
{
    private const int MaximumEntryCount = 1 << 20;
    private const int MaximumNameLength = 1 << 10;

    public static ImportanceMatrix Read(string path)
    {
        using MappedFile file = MappedFile.Open(path);
        long position = 0;
        int entryCount = ReadNumber("number of entries", 1, MaximumEntryCount);
        List<ImportanceEntry> entries = [];
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < entryCount; i++)
        {
            string name = ReadText($"name of entry {i}");
            if (!names.Add(name))
                throw BadFileException.Expected(path, name, "each name once", "a second one");
            int callCount = ReadNumber($"calls of {name}", 0, int.MaxValue);
            int valueCount = ReadNumber($"number of values of {name}", 1, int.MaxValue);
            float[] values = MemoryMarshal.Cast<byte, float>(Take((long)valueCount * sizeof(float), name)).ToArray();
            ImportanceMatrixFile.CheckValues(path, name, values);
            // The file does not say how many experts share the values; one row of all of them has the same quotients.
            entries.Add(new ImportanceEntry(name, valueCount, values, [callCount]));
        }
        // Files of early versions end here.
        int chunkCount = position < file.Length ? ReadNumber("number of chunks", 0, int.MaxValue) : 0;
        string[] datasets = position < file.Length ? [ReadText("name of the text")] : [];
        return new ImportanceMatrix(path, entries, datasets, chunkCount, 0);

        int ReadNumber(string item, int minimum, int maximum)
        {
            int number = BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int), item));
            return number >= minimum && number <= maximum
                ? number
                : throw BadFileException.Expected(path, item, $"{minimum} to {maximum}", $"{number}", "This is no importance matrix, or a damaged one.");
        }

        string ReadText(string item)
        {
            int length = ReadNumber("length of the " + item, 0, MaximumNameLength);
            return Encoding.UTF8.GetString(Take(length, item));
        }

        ReadOnlySpan<byte> Take(long length, string item)
        {
            if (length > file.Length - position || length > int.MaxValue)
                throw BadFileException.Expected(path, item, $"{length} bytes", $"{file.Length - position} left", "This is no importance matrix, or a truncated one.");
            ReadOnlySpan<byte> bytes = file.Slice(position, (int)length);
            position += length;
            return bytes;
        }
    }
}
