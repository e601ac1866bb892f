namespace Decant.Compression.Calibration;

/// <summary>What calibration saw at the inputs of one weight tensor: a matrix, or a stack of expert matrices.</summary>
public sealed class ImportanceEntry
{
    /// <summary>Creates an entry.</summary>
    /// <param name="name">The weight's GGUF name.</param>
    /// <param name="columnCount">Inputs of a matrix.</param>
    /// <param name="sums">Sum of squares of each input, matrix after matrix: columnCount × matrices.</param>
    /// <param name="counts">Tokens each matrix has seen.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public ImportanceEntry(string name, int columnCount, float[] sums, float[] counts)
    {
        if (columnCount <= 0 || counts.Length == 0 || sums.Length != (long)columnCount * counts.Length)
            throw new ArgumentException($"{name}: {sums.Length} sums and {counts.Length} counts do not make matrices of {columnCount} columns.");
        Name = name;
        ColumnCount = columnCount;
        Sums = sums;
        Counts = counts;
    }

    /// <summary>The weight's GGUF name.</summary>
    public string Name { get; }

    /// <summary>Inputs of a matrix.</summary>
    public int ColumnCount { get; }

    /// <summary>Sums of squares, matrix after matrix.</summary>
    public IReadOnlyList<float> Sums { get; }

    /// <summary>Tokens each matrix has seen.</summary>
    public IReadOnlyList<float> Counts { get; }

    /// <summary>Mean square of every input, matrix after matrix; an expert that was never chosen gets ones, so that all its columns count alike.</summary>
    public float[] MeanSquares()
    {
        float[] means = new float[Sums.Count];
        for (int i = 0; i < means.Length; i++)
        {
            float count = Counts[i / ColumnCount];
            means[i] = count > 0 ? Sums[i] / count : 1;
        }
        return means;
    }
}
