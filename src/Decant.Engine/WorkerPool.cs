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
/// nearly equal ranges before the job starts, and each thread takes its own one by one from the front, so that a thread meets the same data again and
/// no counter is shared. A thread that has finished takes parts from the back of other ranges: those of a worker that sleeps, is slower, or whose
/// processor the system gave to another program, which therefore holds up the job by one part at most. So give a job of any length several parts for
/// each thread (<see cref="PartCount"/>). What a part computes must not depend on its thread; memory per part number is safe, and within the engine
/// memory per thread. Dispatching allocates nothing. One job runs at a time: a
/// second caller waits for the first, and work that dispatches again from inside a part runs its parts one after another on that thread.
/// </summary>
public sealed unsafe class WorkerPool : IDisposable
{
    /// <summary>The most threads a pool can have.</summary>
    public const int MaximumThreadCount = 64;

    /// <summary>The most parts for each thread that <see cref="PartCount"/> gives.</summary>
    internal const int MostPartsPerThread = 4;

    // How long an idle worker spins before it sleeps: longer than the serial work within a token and between tokens (sampling, showing the text), for to
    // wake a thread costs the caller 5 to 50 µs, on virtual machines the more; short enough that an idle engine costs nothing noticeable.
    private const long WorkerSpinMicroseconds = 250;

    // The caller waits for workers that are at work or have lost their processor; the latter may need the caller's.
    private const long CallerSpinMicroseconds = 60;
    private const int SpinsPerClockReading = 64;

    // Ranges of others that a worker looks into before it leaves the rest to their owners and the caller.
    private const int NeighbourCount = 3;

    [ThreadStatic]
    private static bool insidePart;

    [ThreadStatic]
    private static int currentThread;

    private readonly Worker[] threads;
    private readonly SemaphoreSlim finished = new(0);
    private readonly Lock oneJobAtATime = new();
    private readonly Lock failureLock = new();
    private PaddedCounter callerSleeps;
    private delegate*<void*, int, void> job;
    private void* jobState;
    private long partsBegun;
    private int failedPart;
    private ExceptionDispatchInfo? failure;
    private volatile bool stopping;

    /// <summary>Starts the pool; the calling thread of <see cref="Run"/> is one of its threads.</summary>
    /// <param name="threadCount">1 to <see cref="MaximumThreadCount"/>, or 0 for all processors.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is outside that range.</exception>
    public WorkerPool(int threadCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threadCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threadCount, MaximumThreadCount);
        ThreadCount = threadCount == 0 ? Math.Min(Environment.ProcessorCount, MaximumThreadCount) : threadCount;
        threads = new Worker[ThreadCount];
        for (int i = 0; i < threads.Length; i++)
            threads[i] = new Worker(i);
        foreach (Worker worker in threads.AsSpan(1))
        {
            var thread = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"Decant worker {worker.Index}" };
            thread.Start();
        }
    }

    /// <summary>Threads that run parts, the caller's included.</summary>
    public int ThreadCount { get; }

    /// <summary>Which of its pool's threads runs the part that asks: 0 for the caller of a job, and for a thread of no pool.</summary>
    internal static int CurrentThread => currentThread;

    /// <summary>Workers that have stopped spinning.</summary>
    internal int SleepingWorkerCount => threads.Count(worker => Volatile.Read(ref worker.Sleeps.Value) != 0);

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
        if (threads.Length == 1 || partCount == 1 || insidePart)
        {
            for (int part = 0; part < partCount; part++)
                work.Run(part);
            return;
        }
        // The parameter lives in this frame, which outlasts the job; a job's state therefore never moves.
        Dispatch(&RunPart<TWork>, Unsafe.AsPointer(ref work), partCount);
    }

    /// <summary>
    /// Parts for a job: one if it is too small to share, otherwise up to four for each thread, so that a thread that falls behind can be relieved.
    /// </summary>
    /// <param name="work">The size of the job, in any unit.</param>
    /// <param name="leastSharedWork">The least work that is shared at all.</param>
    /// <param name="leastPart">The least work that is worth a part when a thread has several.</param>
    internal int PartCount(long work, long leastSharedWork, long leastPart) =>
        work < leastSharedWork ? 1 : ThreadCount * (int)Math.Clamp(work / ThreadCount / Math.Max(1, leastPart), 1, MostPartsPerThread);

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
            Interlocked.MemoryBarrier();
            WakeSleepers(threads.Length);
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
            failure = null;
            partsBegun += partCount;
            // A range is what tells its thread of the job, and from here on a thread that looks late at a range may take a part of this job.
            int active = Math.Min(partCount, threads.Length);
            for (int i = active - 1; i >= 0; i--)
                threads[i].Parts.Set((int)((long)partCount * i / active), (int)((long)partCount * (i + 1) / active));
            Interlocked.MemoryBarrier();
            WakeSleepers(active);
            RunParts(threads[0], threads.Length - 1);
            WaitForWorkers();
            failure?.Throw();
        }
    }

    private void WakeSleepers(int active)
    {
        foreach (Worker worker in threads.AsSpan(0, active))
        {
            if (Volatile.Read(ref worker.Sleeps.Value) != 0 && Interlocked.Exchange(ref worker.Sleeps.Value, 0) != 0)
                worker.Wake.Release();
        }
    }

    /// <summary>Runs a thread's own parts, then what some of the next threads have not begun.</summary>
    private void RunParts(Worker thread, int neighbourCount)
    {
        int count = 0;
        insidePart = true;
        while (thread.Parts.TakeFirst() is var part and >= 0)
        {
            RunPart(part);
            count++;
        }
        for (int i = 1; i <= neighbourCount && !(thread.Index == 0 && IsFinished(count)); i++)
        {
            Worker neighbour = threads[(thread.Index + i) % threads.Length];
            while (neighbour.Parts.TakeLast() is var part and >= 0)
            {
                RunPart(part);
                count++;
            }
        }
        insidePart = false;
        if (count > 0)
            Volatile.Write(ref thread.Finished.Value, thread.Finished.Value + count);
    }

    private void RunPart(int part)
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

    /// <summary>True if the threads have finished all parts that were ever begun, but for some that a thread has not yet told.</summary>
    private bool IsFinished(int untold)
    {
        long sum = untold;
        foreach (Worker thread in threads)
            sum += Volatile.Read(ref thread.Finished.Value);
        return sum == partsBegun;
    }

    private void WaitForWorkers()
    {
        long deadline = 0;
        while (true)
        {
            for (int i = 0; i < SpinsPerClockReading; i++)
            {
                if (IsFinished(0))
                    return;
                Thread.SpinWait(1);
            }
            if (HasPassed(ref deadline, CallerSpinMicroseconds))
                break;
        }
        while (!IsFinished(0))
        {
            Interlocked.Exchange(ref callerSleeps.Value, 1);
            if (IsFinished(0) && Interlocked.Exchange(ref callerSleeps.Value, 0) == 1)
                return;
            // Every worker that finishes while the caller sleeps wakes it; one that was displaced since an earlier job may do so for nothing.
            finished.Wait();
        }
    }

    private void Serve(Worker worker)
    {
        currentThread = worker.Index;
        while (WaitForParts(worker))
        {
            RunParts(worker, Math.Min(NeighbourCount, threads.Length - 1));
            // What was finished must be seen before the caller's flag is looked at.
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref callerSleeps.Value) == 1 && Interlocked.Exchange(ref callerSleeps.Value, 0) == 1)
                WakeCaller();
        }
    }

    /// <summary>Waits until the thread has parts to run; false when the pool stops.</summary>
    private bool WaitForParts(Worker worker)
    {
        long deadline = 0;
        while (true)
        {
            for (int i = 0; i < SpinsPerClockReading; i++)
            {
                if (!worker.Parts.IsEmpty)
                    return true;
                Thread.SpinWait(1);
            }
            if (stopping)
                return false;
            if (!HasPassed(ref deadline, WorkerSpinMicroseconds))
                continue;
            Interlocked.Exchange(ref worker.Sleeps.Value, 1);
            // If the dispatcher cleared the flag first, it has released or is about to release the semaphore: that must be taken.
            if ((stopping || !worker.Parts.IsEmpty) && Interlocked.Exchange(ref worker.Sleeps.Value, 0) == 1)
                continue;
            worker.Wake.Wait();
            deadline = 0;
        }
    }

    private static bool HasPassed(ref long deadline, long microseconds)
    {
        long now = System.Diagnostics.Stopwatch.GetTimestamp();
        if (deadline == 0)
            deadline = now + microseconds * System.Diagnostics.Stopwatch.Frequency / 1_000_000;
        return now >= deadline;
    }

    /// <summary>A number with two cache lines to itself (neighbouring lines are fetched in pairs), so that threads polling it disturb no other.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct PaddedCounter
    {
        [FieldOffset(128)]
        public long Value;
    }

    /// <summary>
    /// Parts of the current job that nobody has begun: the first in the lower half of a word, the end in the upper. Whoever takes a part takes one of the
    /// job that runs at that moment, even if it read the word during an earlier one, and the job cannot end before the part has.
    /// </summary>
    private struct PartRange
    {
        private PaddedCounter word;

        public bool IsEmpty
        {
            get
            {
                long seen = Volatile.Read(ref word.Value);
                return (int)seen >= (int)(seen >> 32);
            }
        }

        public void Set(int first, int end) => Volatile.Write(ref word.Value, (long)end << 32 | (uint)first);

        public int TakeFirst()
        {
            while (true)
            {
                long seen = Volatile.Read(ref word.Value);
                if ((int)seen >= (int)(seen >> 32))
                    return -1;
                if (Interlocked.CompareExchange(ref word.Value, seen + 1, seen) == seen)
                    return (int)seen;
            }
        }

        public int TakeLast()
        {
            while (true)
            {
                long seen = Volatile.Read(ref word.Value);
                int last = (int)(seen >> 32) - 1;
                if ((int)seen > last)
                    return -1;
                if (Interlocked.CompareExchange(ref word.Value, seen - (1L << 32), seen) == seen)
                    return last;
            }
        }
    }

    private sealed class Worker(int index)
    {
        public PartRange Parts;
        public PaddedCounter Sleeps;

        /// <summary>Parts this thread has finished since the pool began; only it writes here.</summary>
        public PaddedCounter Finished;

        public int Index { get; } = index;

        public SemaphoreSlim Wake { get; } = new(0);
    }
}
