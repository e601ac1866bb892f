using System.Numerics;
using System.Runtime.InteropServices;
using Decant.Compression.Pipeline;
using Decant.Core.Formats;
using Decant.Core.Measurement;
using Decant.Core.Tensors;

namespace Decant.Compression.Verification;

/// <summary>
/// Reads every row of two versions of a model side by side and asks whether one can be the other, rounded: all values finite, equal bytes where the
/// format is equal, nearly equal values in plain types, and the same direction in block formats. Scrambled codes, swapped or shifted tensors and
/// wrongly ordered rows fail here even where the model's output would hide them. Memory: two batches of rows for each thread.
/// </summary>
internal sealed class WeightAgreement
{
    /// <summary>
    /// Least cosine between a tensor and its rounded version. Ternary codes of normal numbers, the coarsest honest case, reach 0.74; unrelated
    /// tensors have 0.
    /// </summary>
    private const double MinimumCosine = 0.5;

    /// <summary>Largest relative error of a plain type: BF16 rounds to 8 bits, that is 2⁻⁹; a tensor of very small F16 numbers comes near 2⁻⁶.</summary>
    private const double MaximumPlainError = 1.0 / 64;

    private const int BatchElementCount = 1 << 14;

    private readonly IReadOnlyList<(TensorData Expected, TensorData Got)> pairs;
    private readonly Sums[] sums;
    private readonly Lock gate = new();

    private WeightAgreement(IReadOnlyList<(TensorData Expected, TensorData Got)> pairs)
    {
        this.pairs = pairs;
        sums = [.. pairs.Select(_ => new Sums())];
    }

    /// <summary>Compares tensors of equal shapes.</summary>
    /// <param name="pairs">The tensors.</param>
    /// <param name="compareWeights">False to ask only for finite values: the method that was used may change weights at will.</param>
    /// <param name="threadCount">Threads, 0 for all cores.</param>
    /// <param name="progress">Told about tensors.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public static VerifyCheck Check(
        IReadOnlyList<(TensorData Expected, TensorData Got)> pairs, bool compareWeights, int threadCount, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var agreement = new WeightAgreement(pairs);
        int started = -1;
        ChunkLoop.Run(
            [.. pairs.Select(p => p.Got.Info.Shape)], _ => false, threadCount,
            () =>
            {
                var reader = new RowReader();
                float[] expected = [];
                float[] got = [];
                return chunk =>
                {
                    if (progress is not null && InterlockedMaximum(ref started, chunk.TensorIndex))
                        progress.Report(new WorkProgress("verify weights", chunk.TensorIndex, pairs.Count, "tensors", pairs[chunk.TensorIndex].Got.Info.Name));
                    agreement.Add(reader, chunk, compareWeights, ref expected, ref got);
                };
            },
            cancellationToken);
        string? failure = Enumerable.Range(0, pairs.Count).Select(i => agreement.Failure(i, compareWeights)).FirstOrDefault(f => f is not null);
        return failure is not null
            ? new VerifyCheck("values", false, failure)
            : new VerifyCheck("values", true, $"{pairs.Sum(p => p.Got.Info.Shape.ElementCount)} values are finite"
                + (compareWeights ? $"; least cosine to the source {agreement.LeastCosine():0.0000}" : ""));
    }

    private void Add(RowReader reader, RowChunk chunk, bool compareWeights, ref float[] expectedBuffer, ref float[] gotBuffer)
    {
        (TensorData expected, TensorData got) = pairs[chunk.TensorIndex];
        int rowLength = checked((int)got.Info.Shape.RowLength);
        int batchRows = Math.Clamp(BatchElementCount / Math.Max(1, rowLength), 1, chunk.RowCount);
        if (gotBuffer.Length < batchRows * rowLength)
        {
            gotBuffer = new float[batchRows * rowLength];
            expectedBuffer = new float[batchRows * rowLength];
        }
        var part = new Sums();
        for (int done = 0; done < chunk.RowCount; done += batchRows)
        {
            int count = Math.Min(batchRows, chunk.RowCount - done);
            long row = chunk.FirstRow + done;
            Span<float> values = gotBuffer.AsSpan(0, count * rowLength);
            reader.Read(got, row, count, values);
            int bad = RowCheck.FirstNonFinite(values);
            if (bad >= 0)
            {
                part.Note($"{got.Info.Name}, row {row + bad / rowLength}, column {bad % rowLength}: the value is {values[bad]}");
                break;
            }
            if (!compareWeights)
                continue;
            if (expected.Info.Format == got.Info.Format && HaveEqualBytes(expected, got, row, count))
            {
                part.AddEqual(values);
                continue;
            }
            Span<float> original = expectedBuffer.AsSpan(0, count * rowLength);
            reader.Read(expected, row, count, original);
            if (expected.Info.Format == got.Info.Format)
                part.Note($"{got.Info.Name}, rows {row} to {row + count - 1}: stored as {got.Info.Format} in both, but the bytes differ");
            part.Add(original, values);
        }
        lock (gate)
            sums[chunk.TensorIndex].Add(part);
    }

    private static bool HaveEqualBytes(TensorData expected, TensorData got, long row, int count) =>
        expected.TryGetRows(row, count, out ReadOnlySpan<byte> left) && got.TryGetRows(row, count, out ReadOnlySpan<byte> right)
            ? left.SequenceEqual(right)
            : CopiesAreEqual(expected, got, row, count);

    private static bool CopiesAreEqual(TensorData expected, TensorData got, long row, int count)
    {
        byte[] left = new byte[count * expected.Info.RowByteCount];
        byte[] right = new byte[left.Length];
        expected.CopyRows(row, count, left);
        got.CopyRows(row, count, right);
        return left.AsSpan().SequenceEqual(right);
    }

    private string? Failure(int index, bool compareWeights)
    {
        Sums sum = sums[index];
        if (sum.Fault is not null || !compareWeights)
            return sum.Fault;
        TensorInfo info = pairs[index].Got.Info;
        if (sum.Expected == 0)
            return sum.Got == 0 ? null : $"{info.Name}: the source is all zeros, the output is not";
        if (!info.Format.IsBlockFormat)
        {
            double error = Math.Sqrt(sum.Difference / sum.Expected);
            return error <= MaximumPlainError ? null : $"{info.Name}: values as {info.Format} differ from the source by {error:P2}; the format should hold them within {MaximumPlainError:P1}";
        }
        return sum.Cosine >= MinimumCosine
            ? null
            : $"{info.Name}: the cosine between the {info.Format} values and the source is {sum.Cosine:0.000}, expected at least {MinimumCosine}; this is not the same tensor";
    }

    private double LeastCosine() => sums.Where(s => s.Expected > 0).Select(s => s.Cosine).DefaultIfEmpty(1).Min();

    /// <summary>Raises a shared value; true for the thread that did.</summary>
    private static bool InterlockedMaximum(ref int location, int value)
    {
        int seen = location;
        return value > seen && Interlocked.CompareExchange(ref location, value, seen) == seen;
    }

    /// <summary>Sums over a tensor's elements, x the source and y the output: Σx², Σy², Σxy, Σ(x−y)².</summary>
    private sealed class Sums
    {
        public double Expected { get; private set; }

        public double Got { get; private set; }

        public double Product { get; private set; }

        public double Difference { get; private set; }

        /// <summary>The first thing found wrong, or null.</summary>
        public string? Fault { get; private set; }

        public double Cosine => Expected == 0 || Got == 0 ? 0 : Product / Math.Sqrt(Expected * Got);

        public void Note(string fault) => Fault ??= fault;

        public void Add(Sums other)
        {
            Expected += other.Expected;
            Got += other.Got;
            Product += other.Product;
            Difference += other.Difference;
            Fault ??= other.Fault;
        }

        public void AddEqual(ReadOnlySpan<float> values)
        {
            double square = Dot(values, values);
            Expected += square;
            Got += square;
            Product += square;
        }

        public void Add(ReadOnlySpan<float> expected, ReadOnlySpan<float> got)
        {
            double expectedSquare = Dot(expected, expected);
            double gotSquare = Dot(got, got);
            double product = Dot(expected, got);
            Expected += expectedSquare;
            Got += gotSquare;
            Product += product;
            Difference += SquaredDistance(expected, got);
        }

        private static double Dot(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
        {
            ReadOnlySpan<Vector<float>> a = MemoryMarshal.Cast<float, Vector<float>>(left);
            ReadOnlySpan<Vector<float>> b = MemoryMarshal.Cast<float, Vector<float>>(right);
            Vector<double> sum = Vector<double>.Zero;
            for (int i = 0; i < a.Length; i++)
            {
                // Squares of large weights may leave single precision, so they are taken in double.
                Vector.Widen(a[i], out Vector<double> a0, out Vector<double> a1);
                Vector.Widen(b[i], out Vector<double> b0, out Vector<double> b1);
                sum += a0 * b0 + a1 * b1;
            }
            double total = Vector.Sum(sum);
            for (int i = a.Length * Vector<float>.Count; i < left.Length; i++)
                total += (double)left[i] * right[i];
            return total;
        }

        private static double SquaredDistance(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
        {
            ReadOnlySpan<Vector<float>> a = MemoryMarshal.Cast<float, Vector<float>>(left);
            ReadOnlySpan<Vector<float>> b = MemoryMarshal.Cast<float, Vector<float>>(right);
            Vector<double> sum = Vector<double>.Zero;
            for (int i = 0; i < a.Length; i++)
            {
                Vector.Widen(a[i], out Vector<double> a0, out Vector<double> a1);
                Vector.Widen(b[i], out Vector<double> b0, out Vector<double> b1);
                Vector<double> d0 = a0 - b0;
                Vector<double> d1 = a1 - b1;
                sum += d0 * d0 + d1 * d1;
            }
            double total = Vector.Sum(sum);
            for (int i = a.Length * Vector<float>.Count; i < left.Length; i++)
                total += ((double)left[i] - right[i]) * ((double)left[i] - right[i]);
            return total;
        }
    }
}
