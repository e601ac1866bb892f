using System.Diagnostics;
using System.Globalization;
using Decant.Core.Formats;
using Decant.Engine;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Encoding;
using Decant.Engine.Measurement;

namespace Decant.Lab.KernelSpeed;

/// <summary>Products of made-up matrices.</summary>
internal sealed unsafe class Matrices(WorkerPool pool, string? level) : IDisposable
{
    private const long MemoryByteCount = 512L << 20;

    // Whole groups of rows side by side, whatever the width.
    private const int PatternRowCount = 64;
    private const int PrefillRowCount = 2048;
    private const int TokenCount = 512;

    /// <summary>A line of the table.</summary>
    /// <param name="format">What the weights are stored as.</param>
    /// <param name="columns">Weights of a row.</param>
    public string Row(TensorFormat format, int columns)
    {
        var kernels = new KernelSelection(level, DecoderArithmetic.Fast);
        long rowByteCount = format.RowByteCount(columns);
        int rows = (int)(MemoryByteCount / rowByteCount) / PatternRowCount * PatternRowCount;
        using var pattern = new AlignedBuffer(PatternRowCount * rowByteCount, "rows", "");
        EncodePattern(format, columns, pattern);
        using var weights = new AlignedBuffer(rows * rowByteCount, "weights", "");
        Repeat(pattern, weights);
        ProductKernel few = Choose(ProductShapes.FewTokens), many = Choose(ProductShapes.ManyTokens);
        ProductKernel Choose(ProductShapes shapes) => kernels.Choose(format, shapes)
            .ForRows(pattern.Pointer, rowByteCount, PatternRowCount, columns).ForArithmetic(DecoderArithmetic.Fast);
        double[] memory = Rates(7, 1, () => Multiply(few, weights, rowByteCount, rows, 1, columns)).Select(s => rows * rowByteCount / s / 1e9).ToArray();
        double[] reading = Rates(7, 1, () => pool.Run(pool.ThreadCount, new Reading((nint)weights.Pointer, rows * rowByteCount, pool.ThreadCount))).Select(s => rows * rowByteCount / s / 1e9).ToArray();
        int cached = (int)Math.Max(PatternRowCount, (256 << 10) / rowByteCount * pool.ThreadCount / PatternRowCount * PatternRowCount);
        double[] cache = Rates(40, 20, () => Multiply(few, weights, rowByteCount, cached, 1, columns)).Select(s => cached * rowByteCount / s / 1e9).ToArray();
        string side = "";
        double[] prefill = Rates(7, 1, () => Multiply(many, weights, rowByteCount, PrefillRowCount, TokenCount, columns))
            .Select(s => 2.0 * PrefillRowCount * columns * TokenCount / s / 1e9).ToArray();
        if (few is IInterleavedKernel { GroupRowCount: > 0 } interleaving && interleaving.ReplacesForMany(many))
        {
            using var groups = new AlignedBuffer(pattern.ByteCount, "rows side by side", "");
            if (!interleaving.TryInterleave(pattern.Pointer, rowByteCount, PatternRowCount, groups.Pointer))
                throw new InvalidOperationException("Rows that cannot lie side by side.");
            Repeat(groups, weights);
            double[] sideMemory = Rates(7, 1, () => MultiplyInterleaved(interleaving, weights, rowByteCount, rows, 1, columns));
            double[] sideCache = Rates(40, 20, () => MultiplyInterleaved(interleaving, weights, rowByteCount, cached, 1, columns));
            side = string.Create(CultureInfo.InvariantCulture, $"{rows * rowByteCount / sideMemory[sideMemory.Length / 2] / 1e9:F1}, {cached * rowByteCount / sideCache[^1] / 1e9:F1}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"| {few.Name} | {columns} | {memory[memory.Length / 2]:F1}, {memory[^1]:F1} | {reading[reading.Length / 2]:F1}, {reading[^1]:F1} | {cache[^1]:F1} | {side} | {prefill[prefill.Length / 2]:F0}, {prefill[^1]:F0} {(many == few ? "" : many.Name)} |");
    }

    // Normally distributed numbers, as weights are: random bytes would be denormal or undefined numbers here and there, which processors treat differently.
    private static void EncodePattern(TensorFormat format, int columns, AlignedBuffer target)
    {
        var random = new Random(1);
        float[] values = new float[PatternRowCount * columns];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(0.02 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        RowEncoder.For(format).EncodeRows(values, columns, default, new Span<byte>(target.Pointer, checked((int)target.ByteCount)));
    }

    private static void Repeat(AlignedBuffer pattern, AlignedBuffer target)
    {
        for (long done = 0; done < target.ByteCount; done += pattern.ByteCount)
            Buffer.MemoryCopy(pattern.Pointer, target.Pointer + done, target.ByteCount - done, pattern.ByteCount);
    }

    /// <summary>Seconds per run, slowest first.</summary>
    private static double[] Rates(int count, int runs, Action work)
    {
        work();
        var seconds = new double[count];
        for (int i = 0; i < count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int run = 0; run < runs; run++)
                work();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds / runs;
        }
        return [.. seconds.OrderDescending()];
    }

    private AlignedBuffer? activations;
    private AlignedBuffer? results;
    private readonly ProductInput input = new();
    private readonly Scratch[] scratch = [.. Enumerable.Range(0, pool.ThreadCount).Select(_ => new Scratch())];

    /// <inheritdoc/>
    public void Dispose()
    {
        input.Dispose();
        activations?.Dispose();
        results?.Dispose();
        foreach (Scratch own in scratch)
            own.Dispose();
    }

    private void Multiply(ProductKernel kernel, AlignedBuffer weights, long rowByteCount, int rows, int tokens, int columns)
    {
        SetInput(rows, tokens, columns);
        kernel.Prepare(input);
        pool.Run(pool.ThreadCount, new Product(this, kernel, (nint)weights.Pointer, rowByteCount, rows, tokens, pool.ThreadCount));
    }

    private void MultiplyInterleaved(IInterleavedKernel kernel, AlignedBuffer weights, long rowByteCount, int rows, int tokens, int columns)
    {
        SetInput(rows, tokens, columns);
        kernel.PrepareInterleaved(input);
        pool.Run(pool.ThreadCount, new InterleavedProduct(this, kernel, (nint)weights.Pointer, rowByteCount, rows, tokens, pool.ThreadCount));
    }

    private void SetInput(int rows, int tokens, int columns)
    {
        if (activations is null || activations.ByteCount < (long)tokens * columns * 4)
        {
            AlignedBuffer.Reserve(ref activations, (long)tokens * columns * 4);
            for (long i = 0; i < (long)tokens * columns; i++)
                activations!.Floats[i] = (i * 37 % 101 - 50) * 0.02f;
        }
        AlignedBuffer.Reserve(ref results, (long)tokens * rows * 4);
        input.Set(pool, activations!.Floats, tokens, columns);
    }

    private readonly struct InterleavedProduct(Matrices owner, IInterleavedKernel kernel, nint weights, long rowByteCount, int rows, int tokens, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int unit = kernel.InterleavedRowUnit(tokens), whole = rows / unit * unit;
            int first = WorkerPool.Boundary(whole, unit, part, parts), end = WorkerPool.Boundary(whole, unit, part + 1, parts);
            kernel.MultiplyInterleaved((byte*)weights + first * rowByteCount, rowByteCount, end - first, owner.input, owner.results!.Floats + first, rows, owner.scratch[part]);
        }
    }

    private readonly struct Product(Matrices owner, ProductKernel kernel, nint weights, long rowByteCount, int rows, int tokens, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int unit = kernel.RowUnit(tokens);
            int first = WorkerPool.Boundary(rows, unit, part, parts), end = WorkerPool.Boundary(rows, unit, part + 1, parts);
            kernel.Multiply((byte*)weights + first * rowByteCount, rowByteCount, end - first, owner.input, owner.results!.Floats + first, rows, owner.scratch[part]);
        }
    }

    private readonly struct Reading(nint start, long byteCount, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            long units = byteCount / 4096;
            MachineProbe.Read((byte*)start + units * part / parts * 4096, (units * (part + 1) / parts - units * part / parts) * 4096);
        }
    }
}
