using System.Diagnostics;
using System.Globalization;
using Decant.Core.Formats;
using Decant.Engine;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Lab.KernelSpeed;

/// <summary>Products of made-up matrices.</summary>
internal sealed unsafe class Matrices(WorkerPool pool, string? level) : IDisposable
{
    private const long MemoryByteCount = 512L << 20;

    /// <summary>A line of the table.</summary>
    public string Row(TensorFormat format, int columns)
    {
        var kernels = new KernelSelection(level, DecoderArithmetic.Fast);
        long rowByteCount = format.RowByteCount(columns);
        int rows = (int)(MemoryByteCount / rowByteCount);
        using var weights = new AlignedBuffer(rows * rowByteCount, "weights", "");
        // Without bit 6 no half-precision number is infinite or undefined.
        new Random(1).NextBytes(new Span<byte>(weights.Pointer, 1 << 20));
        for (long i = 0; i < weights.ByteCount; i++)
            weights.Pointer[i] = (byte)(weights.Pointer[i & ((1 << 20) - 1)] & ~0x40);
        ProductKernel few = kernels.Choose(format, ProductShapes.FewTokens), many = kernels.Choose(format, ProductShapes.ManyTokens);
        double[] memory = Rates(7, 1, () => Multiply(few, weights, rowByteCount, rows, 1, columns)).Select(s => rows * rowByteCount / s / 1e9).ToArray();
        double[] reading = Rates(7, 1, () => pool.Run(pool.ThreadCount, new Reading((nint)weights.Pointer, rows * rowByteCount, pool.ThreadCount))).Select(s => rows * rowByteCount / s / 1e9).ToArray();
        int cached = (int)Math.Max(32, (256 << 10) / rowByteCount * pool.ThreadCount);
        double[] cache = Rates(40, 20, () => Multiply(few, weights, rowByteCount, cached, 1, columns)).Select(s => cached * rowByteCount / s / 1e9).ToArray();
        string side = "";
        // The bytes mean other numbers then, which takes as long.
        if (few is IInterleavedKernel { GroupRowCount: > 0 } interleaving && interleaving.ReplacesForMany(many))
        {
            double[] sideMemory = Rates(7, 1, () => MultiplyInterleaved(interleaving, weights, rowByteCount, rows, 1, columns));
            double[] sideCache = Rates(40, 20, () => MultiplyInterleaved(interleaving, weights, rowByteCount, cached, 1, columns));
            side = string.Create(CultureInfo.InvariantCulture, $"{rows * rowByteCount / sideMemory[sideMemory.Length / 2] / 1e9:F1}, {cached * rowByteCount / sideCache[^1] / 1e9:F1}");
        }
        const int Tokens = 512;
        int some = 2048;
        double[] prefill = Rates(7, 1, () => Multiply(many, weights, rowByteCount, some, Tokens, columns)).Select(s => 2.0 * some * columns * Tokens / s / 1e9).ToArray();
        return string.Create(CultureInfo.InvariantCulture, $"| {few.Name} | {columns} | {memory[memory.Length / 2]:F1}, {memory[^1]:F1} | {reading[reading.Length / 2]:F1}, {reading[^1]:F1} | {cache[^1]:F1} | {side} | {prefill[prefill.Length / 2]:F0}, {prefill[^1]:F0} {(many == few ? "" : many.Name)} |");
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
