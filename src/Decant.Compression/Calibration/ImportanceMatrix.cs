using System.Collections.Frozen;
using Decant.Compression.Methods.Mixtures;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Compression.Calibration;

/// <summary>
/// An importance matrix: how strongly each input column of each weight matrix was excited by a calibration text. Encoders weigh the rounding
/// error of a column by the mean square of its input. Interchangeable with llama.cpp's files, see <see cref="ImportanceMatrixFile"/>.
/// </summary>
public sealed class ImportanceMatrix
{
    private readonly FrozenDictionary<string, ImportanceEntry> byName;

    /// <summary>Creates a matrix from its entries.</summary>
    /// <param name="location">The file it came from, for messages.</param>
    /// <param name="entries">One for each weight tensor.</param>
    /// <param name="datasets">Names of the texts.</param>
    /// <param name="chunkCount">Windows that were run.</param>
    /// <param name="chunkSize">Tokens of a window.</param>
    /// <exception cref="ArgumentException">Two entries of one name.</exception>
    public ImportanceMatrix(string location, IReadOnlyList<ImportanceEntry> entries, IReadOnlyList<string> datasets, int chunkCount, int chunkSize)
    {
        Location = location;
        Entries = entries;
        Datasets = datasets;
        ChunkCount = chunkCount;
        ChunkSize = chunkSize;
        byName = entries.ToFrozenDictionary(e => e.Name, StringComparer.Ordinal);
    }

    /// <summary>The file, for messages.</summary>
    public string Location { get; }

    /// <summary>All entries.</summary>
    public IReadOnlyList<ImportanceEntry> Entries { get; }

    /// <summary>Names of the calibration texts.</summary>
    public IReadOnlyList<string> Datasets { get; }

    /// <summary>Windows that were run; 0 if the file does not say.</summary>
    public int ChunkCount { get; }

    /// <summary>Tokens of a window; 0 if the file does not say.</summary>
    public int ChunkSize { get; }

    /// <summary>True if there are values for this weight.</summary>
    public bool Has(string name) => byName.ContainsKey(name);

    /// <summary>
    /// The mean squares for a tensor, matrix after matrix, or null if the file has none for it. Embeddings are looked up and not multiplied:
    /// values of another size are ignored for them, as llama.cpp does.
    /// </summary>
    /// <param name="tensor">A weight under its GGUF name.</param>
    /// <exception cref="BadFileException">The sizes do not fit: the file was made from another model.</exception>
    public float[]? WeightsFor(TensorInfo tensor)
    {
        if (!byName.TryGetValue(tensor.Name, out ImportanceEntry? entry))
            return null;
        long columnCount = tensor.Shape.RowLength;
        long matrixCount = tensor.Shape.Rank > 2 ? tensor.Shape[tensor.Shape.Rank - 3] : 1;
        if (entry.Sums.Count == columnCount * matrixCount && (entry.ColumnCount == columnCount || entry.Counts.Count == 1))
            return entry.MeanSquares();
        // A matrix that GGUF fills up with columns of zeros has inputs of zero there.
        if (matrixCount == 1 && entry.Counts.Count == 1 && entry.ColumnCount > columnCount && entry.Sums.Skip((int)columnCount).All(sum => sum == 0))
            return entry.MeanSquares()[..(int)columnCount];
        if (GgufTensorNames.IsTokenEmbedding(tensor.Name))
            return null;
        throw BadFileException.Expected(
            Location, tensor.Name, $"{matrixCount} × {columnCount} values", $"{entry.Counts.Count} × {entry.ColumnCount}",
            "Was the importance matrix made from this model?");
    }
}
