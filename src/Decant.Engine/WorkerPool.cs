using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Decant.Engine;

/// <summary>Work that is split into parts which may run at the same time. Implemented by small structs.</summary>
public interface IParallelWork
{
    /// <summary>Runs one part; called once for every part, on any thread of the pool.</summary>
    void Run(int part);
}

/// <summary>
/// A fork–join pool for work of microseconds. Workers spin for a moment after a job, then sleep. Parts are divided among threads in contiguous,
/// nearly equal ranges before the job starts, and each thread runs its own, so that a thread meets the same data again; only if a worker has not come
/// by the time the caller has finished (it sleeps, or the system gave its processor to another program) the caller runs that range too. What a
/// part computes must not depend on its thread; memory per part number is safe. Dispatching allocates nothing. One job runs at a time: a
/// second caller waits for the first, and work that dispatches again from inside a part runs its parts one after another on that thread.
/// </summary>
public sealed unsafe class WorkerPool : IDisposable
{
    /// <summary>The most threads a pool can have.</summary>
    public const int MaximumThreadCount = 64;

    // How long an idle worker spins before it sleeps: longer than the serial gaps between the products of one token, short
    // enough that an idle engine costs nothing noticeable.
    private const long SpinMicroseconds = 60;
    private const int SpinsPerClockReading = 64;

    [ThreadStatic]
    private static bool insidePart;

    private readonly Worker[] workers;
    private readonly SemaphoreSlim finished = new(0);
    private readonly Lock oneJobAtATime = new();
    private readonly Lock failureLock = new();
    private PaddedCounter generation;
    private PaddedCounter remaining;
    private PaddedCounter callerSleeps;
    private delegate*<void*, int, void> job;
    private void* jobState;
    private int jobPartCount;
    private int failedPart;
    private ExceptionDispatchInfo? failure;
    private bool stopping;

    /// <summary>Starts the pool; the calling thread of <see cref="Run"/> is one of its threads.</summary>
    /// <param name="threadCount">1 to <see cref="MaximumThreadCount"/>, or 0 for all processors.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is outside that range.</exception>
    public WorkerPool(int threadCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threadCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threadCount, MaximumThreadCount);
        ThreadCount = threadCount == 0 ? Math.Min(Environment.ProcessorCount, MaximumThreadCount) : threadCount;
        workers = new Worker[ThreadCount - 1];
        for (int i = 0; i < workers.Length; i++)
        {
            Worker worker = workers[i] = new Worker(i + 1);
            var thread = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"Decant worker {i + 1}" };
            thread.Start();
        }
    }

    /// <summary>Threads that run parts, the caller's included.</summary>
    public int ThreadCount { get; }

    /// <summary>Workers that have stopped spinning.</summary>
    internal int SleepingWorkerCount => workers.Count(worker => Volatile.Read(ref worker.Sleeps.Value) != 0);

    /// <summary>Wakes the caller of a job, who looks whether the job is done.</summary>
    internal void WakeCaller() => finished.Release();

    /// <summary>Runs all parts and returns when the last has finished.</summary>
    /// <param name="partCount">How many parts.</param>
    /// <param name="work">The work; copied, so shared state belongs behind references or pointers in it.</param>
    /// <exception cref="Exception">What the part of the lowest number threw; the other parts are run all the same.</exception>
    public void Run<TWork>(int partCount, TWork work)
        where TWork : struct, IParallelWork
    {
        if (partCount <= 0)
            return;
        if (workers.Length == 0 || partCount == 1 || insidePart)
        {
            for (int part = 0; part < partCount; part++)
                work.Run(part);
            return;
        }
        // The parameter lives in this frame, which outlasts the job; a job's state therefore never moves.
        Dispatch(&RunPart<TWork>, Unsafe.AsPointer(ref work), partCount);
    }

    /// <summary>The first item of a part when <paramref name="itemCount"/> items are split evenly in units of <paramref name="unit"/>.</summary>
    public static int Boundary(int itemCount, int unit, int part, int partCount)
    {
        long units = (itemCount + (long)unit - 1) / unit;
        return (int)Math.Min(itemCount, units * part / partCount * unit);
    }

    /// <summary>Stops the workers. No job may be running.</summary>
    public void Dispose()
    {
        lock (oneJobAtATime)
        {
            if (stopping)
                return;
            stopping = true;
            Interlocked.Increment(ref generation.Value);
            WakeSleepers();
        }
    }

    private static void RunPart<TWork>(void* state, int part)
        where TWork : struct, IParallelWork => Unsafe.AsRef<TWork>(state).Run(part);

    private void Dispatch(delegate*<void*, int, void> run, void* state, int partCount)
    {
        lock (oneJobAtATime)
        {
            ObjectDisposedException.ThrowIf(stopping, this);
            job = run;
            jobState = state;
            jobPartCount = partCount;
            failure = null;
            Volatile.Write(ref remaining.Value, workers.Length);
            int current = Interlocked.Increment(ref generation.Value);
            WakeSleepers();
            RunParts(0);
            foreach (Worker worker in workers)
            {
                if (worker.TryClaim(current))
                {
                    RunParts(worker.Index);
                    Interlocked.Decrement(ref remaining.Value);
                }
            }
            WaitForWorkers();
            failure?.Throw();
        }
    }

    private void WakeSleepers()
    {
        foreach (Worker worker in workers)
        {
            if (Volatile.Read(ref worker.Sleeps.Value) != 0 && Interlocked.Exchange(ref worker.Sleeps.Value, 0) != 0)
                worker.Wake.Release();
        }
    }

    private void RunParts(int thread)
    {
        int first = (int)((long)jobPartCount * thread / ThreadCount);
        int end = (int)((long)jobPartCount * (thread + 1) / ThreadCount);
        insidePart = true;
        for (int part = first; part < end; part++)
        {
            try
            {
                job(jobState, part);
            }
#pragma warning disable CA1031 // The exception is rethrown on the caller's thread.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                lock (failureLock)
                {
                    if (failure is null || part < failedPart)
                    {
                        failure = ExceptionDispatchInfo.Capture(exception);
                        failedPart = part;
                    }
                }
            }
        }
        insidePart = false;
    }

    private void WaitForWorkers()
    {
        long deadline = 0;
        while (true)
        {
            for (int i = 0; i < SpinsPerClockReading; i++)
            {
                if (Volatile.Read(ref remaining.Value) == 0)
                    return;
                Thread.SpinWait(1);
            }
            if (HasPassed(ref deadline))
                break;
        }
        while (Volatile.Read(ref remaining.Value) != 0)
        {
            Interlocked.Exchange(ref callerSleeps.Value, 1);
            if (Volatile.Read(ref remaining.Value) == 0 && Interlocked.Exchange(ref callerSleeps.Value, 0) == 1)
                return;
            // A worker that was displaced between ending an earlier job and looking at the flag may wake the caller for nothing.
            finished.Wait();
        }
    }

    private void Serve(Worker worker)
    {
        int seen = 0;
        while (true)
        {
            seen = WaitForJob(worker, seen);
            if (stopping)
                return;
            if (!worker.TryClaim(seen))
                continue;
            RunParts(worker.Index);
            if (Interlocked.Decrement(ref remaining.Value) == 0 && Interlocked.Exchange(ref callerSleeps.Value, 0) == 1)
                WakeCaller();
        }
    }

    private int WaitForJob(Worker worker, int seen)
    {
        long deadline = 0;
        while (true)
        {
            for (int i = 0; i < SpinsPerClockReading; i++)
            {
                int now = Volatile.Read(ref generation.Value);
                if (now != seen)
                    return now;
                Thread.SpinWait(1);
            }
            if (!HasPassed(ref deadline))
                continue;
            Interlocked.Exchange(ref worker.Sleeps.Value, 1);
            int current = Volatile.Read(ref generation.Value);
            // If the dispatcher cleared the flag first, it has released or is about to release the semaphore: that must be taken.
            if (current != seen && Interlocked.Exchange(ref worker.Sleeps.Value, 0) == 1)
                return current;
            worker.Wake.Wait();
            deadline = 0;
        }
    }

    private static bool HasPassed(ref long deadline)
    {
        long now = System.Diagnostics.Stopwatch.GetTimestamp();
        if (deadline == 0)
            deadline = now + SpinMicroseconds * System.Diagnostics.Stopwatch.Frequency / 1_000_000;
        return now >= deadline;
    }

    /// <summary>A counter with two cache lines to itself (neighbouring lines are fetched in pairs), so that threads polling it disturb no other.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct PaddedCounter
    {
        [FieldOffset(128)]
        public int Value;
    }

    private sealed class Worker(int index)
    {
        public PaddedCounter Sleeps;
        private PaddedCounter claimed;

        /// <summary>
        /// Takes the right to run this worker's range of a job, once. A worker that comes late, when the caller has run its range and perhaps begun
        /// another job, is refused the old one; a job whose range it holds cannot end before it is done.
        /// </summary>
        public bool TryClaim(int job)
        {
            int last = Volatile.Read(ref claimed.Value);
            // The difference, not the order, because counters may overflow.
            return job - last > 0 && Interlocked.CompareExchange(ref claimed.Value, job, last) == last;
        }

        public int Index { get; } = index;

        public SemaphoreSlim Wake { get; } = new(0);
    }
}
