using System.Numerics;
using System.Runtime.InteropServices;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Inference;

namespace Decant.Compression.Calibration;

/// <summary>
/// Sums the squares of every input column of the matrices inside the blocks while a model runs, under the names and by the rules of
/// llama.cpp: embedding and head are left out; a dense matrix counts only in batches of at least 16 tokens, an expert always. Sums are double.
/// </summary>
internal sealed class ImportanceCollector : IDecoderObserver
{
    /// <summary>llama.cpp ignores smaller batches of dense products.</summary>
    private const int MinimumTokenCount = 16;

    private readonly IReadOnlyDictionary<TensorId, GgufPlace> places;
    private readonly Dictionary<string, Sums> sums = new(StringComparer.Ordinal);

    /// <summary>Prepares to observe a model.</summary>
    public ImportanceCollector(Model model) => places = GgufPlaces.Of(model);

    /// <inheritdoc/>
    public void HiddenState(int index, ReadOnlySpan<float> rows, int tokenCount)
    {
    }

    /// <inheritdoc/>
    public void LinearInput(TensorId weight, ReadOnlySpan<float> rows, int tokenCount)
    {
        if (weight.Layer is null || tokenCount == 0 || (weight.Expert is null && tokenCount < MinimumTokenCount) || !places.TryGetValue(weight, out GgufPlace place))
            return;
        int columnCount = rows.Length / tokenCount;
        if (!sums.TryGetValue(place.Name, out Sums? entry))
            sums.Add(place.Name, entry = new Sums(place.ColumnCount, place.MatrixCount));
        // Matrices whose rows one stored tensor fuses share their input; it is counted for the first of them.
        entry.FirstSeen ??= weight;
        if (place.MatrixCount == 1 && entry.FirstSeen != weight)
            return;
        entry.Counts[place.Matrix] += tokenCount;
        Span<double> target = entry.Values.AsSpan(place.Matrix * place.ColumnCount, columnCount);
        for (int token = 0; token < tokenCount; token++)
            AddSquares(rows.Slice(token * columnCount, columnCount), target);
    }

    /// <summary>What was seen, by name.</summary>
    /// <exception cref="NumericalException">An activation was not finite.</exception>
    public IReadOnlyList<ImportanceEntry> Entries()
    {
        List<ImportanceEntry> entries = [];
        foreach ((string name, Sums entry) in sums.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            float[] values = [.. entry.Values.Select(value => (float)value)];
            int bad = Array.FindIndex(values, value => !float.IsFinite(value));
            if (bad >= 0)
                throw new NumericalException($"{name}, input column {bad % entry.ColumnCount}: the sum of squares is {values[bad]}. The model's activations overflow on this text.");
            entries.Add(new ImportanceEntry(name, entry.ColumnCount, values, [.. entry.Counts.Select(count => (float)count)]));
        }
        return entries;
    }

    private static void AddSquares(ReadOnlySpan<float> row, Span<double> target)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(row);
        Span<Vector<double>> into = MemoryMarshal.Cast<double, Vector<double>>(target);
        for (int i = 0; i < vectors.Length; i++)
        {
            Vector.Widen(vectors[i], out Vector<double> low, out Vector<double> high);
            into[2 * i] += low * low;
            into[2 * i + 1] += high * high;
        }
        for (int i = vectors.Length * Vector<float>.Count; i < row.Length; i++)
            target[i] += (double)row[i] * row[i];
    }

    private sealed class Sums(int columnCount, int matrixCount)
    {
        public int ColumnCount { get; } = columnCount;

        public double[] Values { get; } = new double[columnCount * matrixCount];

        public long[] Counts { get; } = new long[matrixCount];

        public TensorId? FirstSeen { get; set; }
    }
}
