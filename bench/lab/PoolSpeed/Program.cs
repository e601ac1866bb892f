using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Decant.Engine;

// What it costs to give a pool a job: microseconds, of empty jobs and of jobs with serial work between them as in a decoder.
// Arguments: [threads], [parts per thread], [number of busy-looping processes beside it].

if (args is ["burn"])
{
    while (true)
        Thread.SpinWait(1000);
}
int threads = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 2;
int partsPerThread = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1;
int burnerCount = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 0;

Process[] burners = [.. Enumerable.Range(0, burnerCount).Select(_ => Process.Start(Environment.ProcessPath!, "burn"))];
try
{
    using var pool = new WorkerPool(threads);
    int parts = threads * partsPerThread;
    Spin(100); // so that the clock's rate is known before anything is measured
    for (int round = 0; round < 200; round++)
        BackToBack(pool, parts, 100);
    Console.WriteLine($"threads {threads}, parts {parts}, {burnerCount} busy processes beside it");
    Console.WriteLine(FormattableString.Invariant($"back to back, empty parts: {Best(() => BackToBack(pool, parts, 2000)):0.000} us a job"));
    foreach (int gap in new[] { 2, 10, 50, 100, 300, 2000 })
        Gaps(pool, parts, gap, Math.Clamp(200_000 / gap, 200, 4000));
    foreach (int length in new[] { 5, 20, 100, 1000 })
        Work(pool, threads, parts, length);
}
finally
{
    foreach (Process burner in burners)
        burner.Kill();
}

static double Best(Func<double> measure) => Enumerable.Range(0, 20).Select(_ => measure()).Min();

static double BackToBack(WorkerPool pool, int parts, int count)
{
    long start = Stopwatch.GetTimestamp();
    for (int i = 0; i < count; i++)
        pool.Run(parts, new Empty());
    return Stopwatch.GetElapsedTime(start).TotalMicroseconds / count;
}

// The latency of a single job after serial work of the caller.
static void Gaps(WorkerPool pool, int parts, int gap, int count)
{
    double[] times = new double[count];
    for (int i = 0; i < count; i++)
    {
        Spin(gap);
        long start = Stopwatch.GetTimestamp();
        pool.Run(parts, new Empty());
        times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }
    Array.Sort(times);
    Console.WriteLine(FormattableString.Invariant(
        $"after {gap,4} us of serial work: median {times[count / 2],7:0.00}, p90 {times[count * 9 / 10],7:0.00}, p99 {times[count * 99 / 100],8:0.00}, most {times[^1],9:0.0} us"));
}

// Jobs that would take a given time on each thread, with 5 us of serial work between them: how long they take instead.
static void Work(WorkerPool pool, int threads, int parts, int length)
{
    const double GapMicroseconds = 5;
    int count = Math.Clamp(100_000 / length, 100, 4000);
    double[] times = new double[count];
    for (int i = 0; i < count; i++)
    {
        Spin(GapMicroseconds);
        long start = Stopwatch.GetTimestamp();
        pool.Run(parts, new Busy(length * (double)threads / parts));
        times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }
    Array.Sort(times);
    Console.WriteLine(FormattableString.Invariant(
        $"jobs of {length,4} us: mean {times.Average(),8:0.0}, median {times[count / 2],8:0.0}, p90 {times[count * 9 / 10],8:0.0}, p99 {times[count * 99 / 100],8:0.0}, most {times[^1],9:0.0} us"));
}

static void Spin(double microseconds) => Busy.For(microseconds);

internal readonly struct Empty : IParallelWork
{
    public void Run(int part)
    {
    }
}

/// <summary>A number of turns of a loop that takes the time asked for when nothing disturbs; a disturbed thread is late, as with real work.</summary>
internal readonly struct Busy(double microseconds) : IParallelWork
{
    private static readonly double turnsPerMicrosecond = Calibrate();

    public void Run(int part) => For(microseconds);

    public static void For(double microseconds) => Turn((long)(microseconds * turnsPerMicrosecond));

    private static double Calibrate()
    {
        const long Turns = 1_000_000;
        double best = double.MaxValue;
        for (int i = 0; i < 50; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Turn(Turns);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
        return Turns / best;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static uint Turn(long count)
    {
        uint x = 1;
        for (long i = 0; i < count; i++)
            x = x * 1664525 + 1013904223;
        return x;
    }
}
