using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Decant.Compression.Pipeline;
using Decant.Core.Formats;
using Decant.Core.Measurement;
using Decant.Core.Tensors;

namespace Decant.Compression.Verification;

/// <summary>
/// Reads every row of two versions of a model side by side and asks whether one can be the other, rounded: all values finite, equal bytes where the
/// format is equal, nearly equal values in plain types, no block further off than its format can be in the worst case, and the same direction of the
/// whole tensor. Zeroed or scrambled blocks, swapped or shifted tensors and wrongly ordered rows fail here even where the model's output would hide
/// them. What rounding may have done too is for the SHA-256 of the report to find. Memory: two batches of rows for each thread.
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

    /// <summary>Blocks of smaller numbers than this (root mean square) may lose their half-precision scale's digits; the tensor's sums judge them.</summary>
    private const double SmallestJudgedMagnitude = 1e-3;

    /// <summary>The same of NVFP4, whose 8-bit scales end at 2⁻⁹.</summary>
    private const double SmallestJudgedMagnitudeOfNvfp4 = 0.1;

    /// <summary>
    /// The furthest an honest block can be from its source, as a share of its length, by bits a weight: half a step in every element, beside the one
    /// that sets the scale, with room for scales that are rounded themselves. Below three bits a single large number can leave nothing of the others.
    /// A test tries each format on blocks of the worst kinds.
    /// </summary>
    private static readonly (double BitsPerWeight, double Error)[] worstBlockErrors = [(8, 0.04), (6.5, 0.15), (5.5, 0.3), (4, 0.6), (3, 0.85)];

    private const int PlainBlockLength = 256;
    private const int BatchElementCount = 1 << 14;

    private readonly IReadOnlyList<(TensorData Expected, TensorData Got)> pairs;
    private readonly Sums[] sums;
    private readonly WeightAgreementOptions options;
    private readonly Lock gate = new();

    private WeightAgreement(IReadOnlyList<(TensorData Expected, TensorData Got)> pairs, WeightAgreementOptions options)
    {
        this.pairs = pairs;
        this.options = options;
        sums = [.. pairs.Select(_ => new Sums())];
    }

    /// <summary>Compares tensors of equal shapes.</summary>
    /// <param name="pairs">The tensors.</param>
    /// <param name="options">What may differ.</param>
    /// <param name="threadCount">Threads, 0 for all cores.</param>
    /// <param name="progress">Told about tensors.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public static VerifyCheck Check(
        IReadOnlyList<(TensorData Expected, TensorData Got)> pairs, WeightAgreementOptions options, int threadCount, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var agreement = new WeightAgreement(pairs, options);
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
                    agreement.Add(reader, chunk, ref expected, ref got);
                };
            },
            cancellationToken);
        string? failure = Enumerable.Range(0, pairs.Count).Select(i => agreement.Failure(i)).FirstOrDefault(f => f is not null);
        return failure is not null
            ? new VerifyCheck("values", false, failure)
            : new VerifyCheck("values", true, $"{pairs.Sum(p => p.Got.Info.Shape.ElementCount)} values are finite"
                + (options.CompareWeights ? $"; least cosine to the source {agreement.LeastCosine():0.0000}" : ""));
    }

    private void Add(RowReader reader, RowChunk chunk, ref float[] expectedBuffer, ref float[] gotBuffer)
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
            if (!options.CompareWeights)
                continue;
            if (expected.Info.Format == got.Info.Format && HaveEqualBytes(expected, got, row, count))
            {
                part.AddEqual(values);
                continue;
            }
            Span<float> original = expectedBuffer.AsSpan(0, count * rowLength);
            reader.Read(expected, row, count, original);
            if (expected.Info.Format == got.Info.Format && !options.MayBeRounded)
                part.Note($"{got.Info.Name}, rows {row} to {row + count - 1}: stored as {got.Info.Format} in both, but the bytes differ");
            AddBlocks(got.Info, original, values, row, part);
        }
        lock (gate)
            sums[chunk.TensorIndex].Add(part);
    }

    /// <summary>Adds rows block by block, and notes the first block that is further off than its format explains.</summary>
    private void AddBlocks(TensorInfo info, ReadOnlySpan<float> original, ReadOnlySpan<float> values, long firstRow, Sums part)
    {
        double worst = options.IsPlainRounding && WorstError(info.Format) is { } known ? known : double.PositiveInfinity;
        int rowLength = (int)info.Shape.RowLength;
        int blockLength = info.Format.IsBlockFormat ? info.Format.BlockLength : PlainBlockLength;
        double smallest = info.Format == TensorFormats.NVFP4 ? SmallestJudgedMagnitudeOfNvfp4 : SmallestJudgedMagnitude;
        for (int start = 0, length; start < original.Length; start += length)
        {
            int column = start % rowLength;
            length = Math.Min(blockLength, rowLength - column);
            ReadOnlySpan<float> after = values.Slice(start, length);
            (double square, double difference) = part.Add(original.Slice(start, length), after);
            if (options.MayBeRounded || part.BlockFault is not null || square < length * smallest * smallest)
                continue;
            double error = Math.Sqrt(difference / square);
            bool isEmpty = options.IsPlainRounding && !after.ContainsAnyExcept(0f);
            if (error <= worst && !isEmpty)
                continue;
            string fault = isEmpty ? "all zeros, and the source is not" : $"{error:P0} off the source; {info.Format} is {worst:P0} off at worst";
            part.NoteBlock(string.Create(CultureInfo.InvariantCulture,
                $"{info.Name}, row {firstRow + start / rowLength}, columns {column} to {column + length - 1}: {fault}"));
        }
    }

    /// <summary>The furthest a block of a format can honestly be from its source, relative to its length, or null.</summary>
    internal static double? WorstError(TensorFormat format)
    {
        if (!format.IsBlockFormat)
            return MaximumPlainError;
        foreach ((double bits, double error) in worstBlockErrors)
        {
            if (format.BitsPerWeight >= bits)
                return error;
        }
        return null;
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

    private string? Failure(int index)
    {
        Sums sum = sums[index];
        if (sum.Fault is not null || !options.CompareWeights)
            return sum.Fault;
        TensorInfo info = pairs[index].Got.Info;
        if (sum.Expected == 0)
            return sum.Got == 0 ? null : $"{info.Name}: the source is all zeros, the output is not";
        if (!info.Format.IsBlockFormat && !options.MayBeRounded)
        {
            double error = Math.Sqrt(sum.Difference / sum.Expected);
            return error <= MaximumPlainError ? sum.BlockFault : $"{info.Name}: values as {info.Format} differ from the source by {error:P2}; the format should hold them within {MaximumPlainError:P1}";
        }
        return sum.Cosine >= MinimumCosine
            ? sum.BlockFault
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

        /// <summary>The first block found too far off, or null; what is said of the tensor as a whole goes before it.</summary>
        public string? BlockFault { get; private set; }

        public double Cosine => Expected == 0 || Got == 0 ? 0 : Product / Math.Sqrt(Expected * Got);

        public void Note(string fault) => Fault ??= fault;

        public void NoteBlock(string fault) => BlockFault ??= fault;

        public void Add(Sums other)
        {
            Expected += other.Expected;
            Got += other.Got;
            Product += other.Product;
            Difference += other.Difference;
            Fault ??= other.Fault;
            BlockFault ??= other.BlockFault;
        }

        public void AddEqual(ReadOnlySpan<float> values)
        {
            double square = Dot(values, values);
            Expected += square;
            Got += square;
            Product += square;
        }

        /// <summary>Adds elements; returns their Σx² and Σ(x−y)².</summary>
        public (double Square, double Difference) Add(ReadOnlySpan<float> expected, ReadOnlySpan<float> got)
        {
            double expectedSquare = Dot(expected, expected);
            double gotSquare = Dot(got, got);
            double product = Dot(expected, got);
            Expected += expectedSquare;
            Got += gotSquare;
            Product += product;
            double difference = SquaredDistance(expected, got);
            Difference += difference;
            return (expectedSquare, difference);
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
