using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Calibration;

/// <summary>
/// Reads and writes importance matrices as llama.cpp stores them since 2025: a GGUF file with <c>general.type</c> = <c>imatrix</c>,
/// <c>imatrix.datasets</c>, <c>imatrix.chunk_count</c>, <c>imatrix.chunk_size</c>, and for each weight the F32 tensors
/// <c>NAME.in_sum2</c> [matrices, columns] and <c>NAME.counts</c> [matrices, 1]. The older <c>.dat</c> files are read too
/// (<see cref="LegacyImportanceMatrix"/>).
/// </summary>
public static class ImportanceMatrixFile
{
    internal const string SumsSuffix = ".in_sum2";
    internal const string CountsSuffix = ".counts";

    /// <summary>More columns than any model has; keeps one entry's arrays small.</summary>
    private const long MaximumColumnCount = 1 << 22;

    /// <summary>Values of one tensor, all experts together.</summary>
    private const long MaximumValueCount = 1 << 28;

    /// <summary>Reads a file of either kind.</summary>
    /// <exception cref="BadFileException">Missing, damaged, or no importance matrix.</exception>
    public static ImportanceMatrix Read(string path)
    {
        if (!File.Exists(path))
            throw new BadFileException($"{path}: there is no such file.");
        if (!GgufFile.HasMagic(path))
            return LegacyImportanceMatrix.Read(path);
        using GgufFile file = GgufFile.Open(path);
        string? type = file.Metadata.FindString("general.type");
        if (type is not null and not "imatrix")
            throw BadFileException.Expected(path, "metadata key general.type", "imatrix", type, "This is a model, not an importance matrix; make one with 'decant imatrix'.");
        List<ImportanceEntry> entries = [];
        foreach (MappedTensor tensor in file.Tensors)
        {
            if (tensor.Info.Name.EndsWith(SumsSuffix, StringComparison.Ordinal) && tensor.Info.Name.Length > SumsSuffix.Length)
                entries.Add(ReadEntry(file, tensor));
        }
        if (entries.Count == 0)
            throw BadFileException.Expected(path, "tensors", $"names that end in {SumsSuffix}", "none", "This is no importance matrix; make one with 'decant imatrix'.");
        return new ImportanceMatrix(
            path, entries, file.Metadata.FindStrings("imatrix.datasets") ?? [], ReadCount(file, "imatrix.chunk_count"), ReadCount(file, "imatrix.chunk_size"));
    }

    /// <summary>Writes a file that llama.cpp reads. Only names of texts go in, not their folders: equal input gives equal bytes anywhere.</summary>
    /// <param name="path">Where.</param>
    /// <param name="matrix">What.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <param name="inputs">Files that were read; the output may be none of them.</param>
    /// <exception cref="UsageException">The output exists, or is an input.</exception>
    /// <exception cref="BadFileException">It cannot be written.</exception>
    public static void Write(string path, ImportanceMatrix matrix, bool overwrite, IEnumerable<string> inputs)
    {
        var metadata = new GgufMetadata(path);
        metadata.Set("general.type", GgufValue.From("imatrix"));
        metadata.Set("imatrix.datasets", GgufValue.From([.. matrix.Datasets]));
        metadata.Set("imatrix.chunk_count", GgufValue.From((uint)matrix.ChunkCount));
        metadata.Set("imatrix.chunk_size", GgufValue.From((uint)matrix.ChunkSize));
        List<TensorData> tensors = [];
        foreach (ImportanceEntry entry in matrix.Entries.OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            tensors.Add(MemoryTensor.FromValues(entry.Name + SumsSuffix, new TensorShape(entry.Counts.Count, entry.ColumnCount), [.. entry.Sums]));
            tensors.Add(MemoryTensor.FromValues(entry.Name + CountsSuffix, new TensorShape(entry.Counts.Count, 1), [.. entry.Counts]));
        }
        TensorInfo[] infos = [.. tensors.Select(t => t.Info)];
        using AtomicOutput output = AtomicOutput.ForFile(path, overwrite, inputs, GgufWriter.FileByteCount(metadata, infos));
        using (var writer = new GgufWriter(output.OpenFile(), path, metadata, infos))
        {
            foreach (TensorData tensor in tensors)
                writer.WriteTensor(tensor);
            writer.Complete();
        }
        output.Commit();
    }

    private static ImportanceEntry ReadEntry(GgufFile file, MappedTensor sumsTensor)
    {
        string name = sumsTensor.Info.Name[..^SumsSuffix.Length];
        MappedTensor countsTensor = file.FindTensor(name + CountsSuffix)
            ?? throw BadFileException.Expected(file.Path, $"tensor {name}{CountsSuffix}", "token counts beside the sums", "no such tensor", "The file is incomplete.");
        long columnCount = sumsTensor.Info.Shape.RowLength;
        long matrixCount = countsTensor.Info.Shape.ElementCount;
        if (columnCount is 0 or > MaximumColumnCount || matrixCount is 0 || sumsTensor.Info.Shape.ElementCount > MaximumValueCount
            || sumsTensor.Info.Shape.RowCount != matrixCount)
        {
            throw BadFileException.Expected(
                file.Path, $"tensor {name}", $"sums [matrices, columns] and one count a matrix", $"{sumsTensor.Info.Shape} and {countsTensor.Info.Shape}");
        }
        return new ImportanceEntry(name, (int)columnCount, ReadValues(file, sumsTensor), ReadValues(file, countsTensor));
    }

    private static float[] ReadValues(GgufFile file, MappedTensor tensor)
    {
        if (tensor.Info.Format != TensorFormats.F32)
            throw BadFileException.Expected(file.Path, $"tensor {tensor.Info.Name}", "F32", tensor.Info.Format.Name);
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, checked((int)tensor.Info.Shape.RowCount), values);
        CheckValues(file.Path, tensor.Info.Name, values);
        return values;
    }

    /// <summary>Sums of squares and counts are finite and not negative.</summary>
    internal static void CheckValues(string path, string item, ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!(value >= 0 && float.IsFinite(value)))
                throw BadFileException.Expected(path, item, "finite values of zero or more", $"{value}", "Make the importance matrix again.");
        }
    }

    private static int ReadCount(GgufFile file, string key) =>
        file.Metadata.FindInteger(key) switch
        {
            null => 0,
            >= 0 and <= int.MaxValue and var count => (int)count,
            var count => throw BadFileException.Expected(file.Path, $"metadata key {key}", "a count", $"{count}"),
        };
}
