namespace Decant.Engine.Tests;

public class WorkerPoolTests
{
    private readonly struct CountPart(int[] counts) : IParallelWork
    {
        public void Run(int part) => Interlocked.Increment(ref counts[part]);
    }

    /// <summary>The first part of every range waits until each has been begun, so no thread is free to take one of another.</summary>
    private readonly struct RecordThread(int[] threads, CountdownEvent begun) : IParallelWork
    {
        public void Run(int part)
        {
            if (part % 3 == 0)
            {
                begun.Signal();
                Assert.True(begun.Wait(60_000));
            }
            threads[part] = WorkerPool.CurrentThread;
        }
    }

    /// <summary>One part lasts until all others are done, as if its thread had lost its processor.</summary>
    private readonly struct HoldUp(int stuckPart, CountdownEvent others) : IParallelWork
    {
        public void Run(int part)
        {
            if (part == stuckPart)
                Assert.True(others.Wait(60_000), "The parts after a stuck one were left to its thread.");
            else
                others.Signal();
        }
    }

    private readonly struct SleepAndRecord(int[] threads) : IParallelWork
    {
        public void Run(int part)
        {
            Thread.Sleep(100);
            threads[part] = Environment.CurrentManagedThreadId;
        }
    }

    private readonly struct WakeThenFinish(WorkerPool pool, int[] done) : IParallelWork
    {
        public void Run(int part)
        {
            // The first part gives the worker time to begin the second; then the caller goes to sleep and is woken early.
            Thread.Sleep(part == 0 ? 20 : 60);
            if (part == 1)
            {
                pool.WakeCaller();
                Thread.Sleep(100);
            }
            Volatile.Write(ref done[part], 1);
        }
    }

    private readonly struct Uneven(int[] done, int round) : IParallelWork
    {
        public void Run(int part)
        {
            if ((part * 7 + round) % 11 == 0)
                Thread.Yield();
            if ((part * 5 + round) % 97 == 0)
                Thread.SpinWait(3000);
            Volatile.Write(ref done[part], 1);
        }
    }

    private readonly struct Fail(int[] failing, int[] counts) : IParallelWork
    {
        public void Run(int part)
        {
            Interlocked.Increment(ref counts[part]);
            if (failing.Contains(part))
                throw new InvalidOperationException($"part {part}");
        }
    }

    private readonly struct Nested(WorkerPool pool, int[] counts) : IParallelWork
    {
        public void Run(int part) => pool.Run(4, new CountPart(counts));
    }

    private readonly struct Sleep(int milliseconds) : IParallelWork
    {
        public void Run(int part) => Thread.Sleep(milliseconds);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(64)]
    public void Every_part_runs_exactly_once(int threads)
    {
        using var pool = new WorkerPool(threads);
        Assert.Equal(threads, pool.ThreadCount);
        foreach (int parts in new[] { 0, 1, 2, threads, threads + 1, 257 })
        {
            var counts = new int[Math.Max(parts, 1)];
            for (int round = 0; round < 20; round++)
                pool.Run(parts, new CountPart(counts));
            Assert.All(counts.Take(parts), count => Assert.Equal(20, count));
        }
    }

    [Fact]
    public void Every_thread_begins_with_a_range_of_its_own()
    {
        using var pool = new WorkerPool(4);
        for (int round = 0; round < 50; round++)
        {
            var threads = new int[12];
            using var begun = new CountdownEvent(4);
            pool.Run(12, new RecordThread(threads, begun));
            Assert.Equal([0, 1, 2, 3], new[] { threads[0], threads[3], threads[6], threads[9] });
        }
        Assert.Equal(0, WorkerPool.CurrentThread);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(7)]
    public void A_thread_that_is_held_up_holds_up_one_part(int stuckPart)
    {
        using var pool = new WorkerPool(2);
        for (int round = 0; round < 20; round++)
        {
            using var others = new CountdownEvent(7);
            pool.Run(8, new HoldUp(stuckPart, others));
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(19, 1)]
    [InlineData(20, 4)]
    [InlineData(79, 4)]
    [InlineData(80, 8)]
    [InlineData(long.MaxValue, 16)]
    public void Small_jobs_have_one_part_and_long_ones_several_for_each_thread(long work, int expected)
    {
        using var pool = new WorkerPool(4);
        Assert.Equal(expected, pool.PartCount(work, leastSharedWork: 20, leastPart: 10));
    }

    [Fact]
    public void Long_work_is_shared()
    {
        using var pool = new WorkerPool(4);
        var threads = new int[4];
        // Sleeping parts leave the processor to the workers, so that each comes for its own range, however busy the machine is.
        pool.Run(4, new SleepAndRecord(threads));
        Assert.True(threads.Distinct().Count() > 1);
    }

    [Fact]
    public void A_worker_that_comes_late_finds_nothing_to_do_twice()
    {
        using var pool = new WorkerPool(16);
        var counts = new int[16];
        for (int round = 0; round < 20_000; round++)
            pool.Run(16, new CountPart(counts));
        Assert.All(counts, count => Assert.Equal(20_000, count));
    }

    [Fact]
    public void The_exception_of_the_lowest_part_arrives_and_all_parts_have_run()
    {
        using var pool = new WorkerPool(4);
        for (int round = 0; round < 20; round++)
        {
            var counts = new int[9];
            var exception = Assert.Throws<InvalidOperationException>(() => pool.Run(9, new Fail([3, 8, 5], counts)));
            Assert.Equal("part 3", exception.Message);
            Assert.All(counts, count => Assert.Equal(1, count));
        }
        var after = new int[4];
        pool.Run(4, new CountPart(after));
        Assert.All(after, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Work_that_dispatches_again_runs_in_place()
    {
        using var pool = new WorkerPool(3);
        var counts = new int[4];
        pool.Run(6, new Nested(pool, counts));
        Assert.All(counts, count => Assert.Equal(6, count));
    }

    [Fact]
    public async Task Callers_on_several_threads_take_turns()
    {
        using var pool = new WorkerPool(3);
        var counts = new int[5];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int round = 0; round < 500; round++)
                pool.Run(5, new CountPart(counts));
        }, TestContext.Current.CancellationToken)));
        Assert.All(counts, count => Assert.Equal(2000, count));
    }

    [Fact]
    public void Workers_that_went_to_sleep_wake_up()
    {
        using var pool = new WorkerPool(4);
        var counts = new int[4];
        for (int round = 0; round < 30; round++)
        {
            Thread.Sleep(round % 3);
            pool.Run(4, new CountPart(counts));
        }
        Assert.All(counts, count => Assert.Equal(30, count));
        pool.Run(4, new Sleep(20));
    }

    [Fact]
    public void Dispatching_allocates_nothing()
    {
        using var pool = new WorkerPool(2);
        var counts = new int[2];
        pool.Run(2, new CountPart(counts));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 1000; round++)
            pool.Run(2, new CountPart(counts));
        // A sleep of the caller may allocate inside the semaphore; a dispatch that allocated would show a thousandfold.
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 8000);
    }

    [Fact]
    public void An_idle_pool_sleeps()
    {
        using var pool = new WorkerPool(4);
        for (int round = 0; round < 3; round++)
        {
            pool.Run(4, new CountPart(new int[4]));
            Assert.True(SpinWait.SpinUntil(() => pool.SleepingWorkerCount == 3, 10_000));
        }
    }

    /// <summary>What a worker does that the system displaced between the end of one job and its look at the caller of the next.</summary>
    [Fact]
    public void A_caller_that_is_woken_for_nothing_waits_on()
    {
        using var pool = new WorkerPool(2);
        var done = new int[2];
        pool.Run(2, new WakeThenFinish(pool, done));
        Assert.Equal([1, 1], done);
        pool.Run(2, new CountPart(done));
        Assert.Equal([2, 2], done);
    }

    /// <summary>More threads than processors and parts of very different length: workers are displaced at every point of the protocol.</summary>
    [Fact]
    public void A_job_never_ends_before_its_last_part()
    {
        using var pool = new WorkerPool(24);
        var done = new int[24];
        for (int round = 0; round < 3000; round++)
        {
            Array.Clear(done);
            pool.Run(24, new Uneven(done, round));
            Assert.Equal(24, done.Sum());
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(65)]
    public void Thread_counts_out_of_range_are_refused(int threads) => Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerPool(threads));

    [Fact]
    public void A_disposed_pool_refuses_work()
    {
        var pool = new WorkerPool(2);
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(2, new CountPart(new int[2])));
    }

    [Theory]
    [InlineData(100, 6, 3)]
    [InlineData(5, 6, 4)]
    [InlineData(0, 1, 2)]
    [InlineData(576, 6, 64)]
    public void Boundaries_cover_all_items_in_whole_units(int items, int unit, int parts)
    {
        Assert.Equal(0, WorkerPool.Boundary(items, unit, 0, parts));
        Assert.Equal(items, WorkerPool.Boundary(items, unit, parts, parts));
        for (int part = 1; part < parts; part++)
        {
            int boundary = WorkerPool.Boundary(items, unit, part, parts);
            Assert.True(boundary >= WorkerPool.Boundary(items, unit, part - 1, parts));
            Assert.True(boundary % unit == 0 || boundary == items);
        }
    }
}
