using Decant.Core.Errors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Measurement;

/// <summary>
/// What this machine's memory and arithmetic can do with some threads and instructions: the two roofs of a roofline (Williams, Waterman and Patterson
/// 2009) that a model's speed is compared with. Measured, not looked up; neighbours on the machine lower it.
/// </summary>
/// <param name="MemoryBytesPerSecond">Bytes read per second from a buffer far larger than the caches, each thread its own half, median of the passes.</param>
/// <param name="SingleOperationsPerSecond">Single-precision operations per second of fused multiply–adds in registers; a multiply–add is two.</param>
/// <param name="ByteOperationsPerSecond">
/// Operations per second of the whole-number products that kernels are made of, in registers; a multiply–add is two. Zero where a level has none.
/// </param>
public sealed record MachineLimits(double MemoryBytesPerSecond, double SingleOperationsPerSecond, double ByteOperationsPerSecond)
{
    // Far beyond any cache, and a small part of any memory that holds a model.
    private const long LargestBufferByteCount = 512L << 20;
    private const long SmallestBufferByteCount = 64L << 20;
    private const int MemoryPassCount = 7;
    private const int ArithmeticPassCount = 9;

    /// <summary>Measures for about a second.</summary>
    /// <param name="threadCount">Threads, or 0 for all processors.</param>
    /// <param name="level">Null for the best instruction set, or its name.</param>
    /// <param name="cancellationToken">Stops between passes.</param>
    /// <exception cref="UsageException">There is no such level, or the processor lacks it.</exception>
    /// <exception cref="LimitNotMetException">There is no memory for the smallest buffer.</exception>
    public static MachineLimits Measure(int threadCount, string? level = null, CancellationToken cancellationToken = default)
    {
        InstructionSet instructions = InstructionSet.Find(level);
        using var pool = new WorkerPool(threadCount);
        return new MachineLimits(
            MeasureMemory(pool, cancellationToken),
            Best(pool, instructions.Probe.SingleOperationCount, instructions.Probe.RunSingles, cancellationToken),
            Best(pool, instructions.Probe.ByteOperationCount, instructions.Probe.RunBytes, cancellationToken));
    }

    private static double MeasureMemory(WorkerPool pool, CancellationToken cancellationToken)
    {
        long byteCount = Math.Clamp(SystemMemory.AvailableByteCount / 4, SmallestBufferByteCount, LargestBufferByteCount);
        using var buffer = new AlignedBuffer(byteCount, "The buffer that memory is measured with", "Close other programs.", clear: true);
        var seconds = new List<double>();
        for (int pass = 0; pass < MemoryPassCount; pass++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long start = TimeProvider.System.GetTimestamp();
            pool.Run(pool.ThreadCount, new ReadWork(buffer, pool.ThreadCount));
            seconds.Add(TimeProvider.System.GetElapsedTime(start).TotalSeconds);
        }
        seconds.Sort();
        return byteCount / seconds[seconds.Count / 2];
    }

    /// <summary>Operations per second of all threads together: the best of some passes, because arithmetic is only ever disturbed downwards.</summary>
    private static double Best(WorkerPool pool, double operationCount, Action work, CancellationToken cancellationToken)
    {
        if (operationCount == 0)
            return 0;
        double best = double.MaxValue;
        for (int pass = 0; pass < ArithmeticPassCount; pass++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long start = TimeProvider.System.GetTimestamp();
            pool.Run(pool.ThreadCount, new ArithmeticWork(work));
            best = Math.Min(best, TimeProvider.System.GetElapsedTime(start).TotalSeconds);
        }
        return pool.ThreadCount * operationCount / best;
    }

    private readonly struct ReadWork(AlignedBuffer buffer, int parts) : IParallelWork
    {
        public unsafe void Run(int part)
        {
            const int Unit = 4096;
            long units = buffer.ByteCount / Unit;
            long first = units * part / parts * Unit, end = units * (part + 1) / parts * Unit;
            MachineProbe.Read(buffer.Pointer + first, end - first);
        }
    }

    private readonly struct ArithmeticWork(Action work) : IParallelWork
    {
        public void Run(int part) => work();
    }
}
