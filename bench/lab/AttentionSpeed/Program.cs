using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Engine.Inference;

// What attention costs: time per token at a long context beside that at an empty one, for every cache format and thread count asked for.
// Arguments: model, context, [comma-separated cache formats], [comma-separated thread counts], [kernel level or "best"].
// Each figure is the best of many single tokens, because other programs disturb medians; of one thread it is processor time.

string path = args[0];
int context = int.Parse(args[1], CultureInfo.InvariantCulture);
string[] formats = args.Length > 2 ? args[2].Split(',') : ["F32", "F16"];
int[] threadCounts = args.Length > 3 ? [.. args[3].Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture))] : [1, 2];
string? kernel = args.Length > 4 && args[4] != "best" ? args[4] : null;

using var source = ModelSources.Open(path);
DecoderModel model = ArchitectureRegistry.BindDecoder(source);
Console.WriteLine("threads  cache   empty ms  context ms  attention ms  cache MiB  GB/s  prefill s");
foreach (int threads in threadCounts)
{
    foreach (string format in formats)
    {
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { ThreadCount = threads, KeyValueFormat = format, Kernel = kernel });
        using DecoderSession session = decoder.StartSession(context + 8);
        int[] ids = [.. Enumerable.Range(0, context).Select(i => (i * 7919 + 11) % decoder.Spec.VocabularySize)];
        double empty = BestToken(session, ids[0], 60, threads);
        long start = Stopwatch.GetTimestamp();
        session.Append(ids.AsSpan(1));
        double prefill = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double full = BestToken(session, ids[0], 60, threads);
        double read = session.CacheByteCount * (context / (context + 8.0));
        double attention = full - empty;
        Console.WriteLine(FormattableString.Invariant(
            $"{threads,7}  {format,-5} {empty,10:0.000} {full,11:0.000} {attention,13:0.000} {read / 1048576,10:0.0} {read / attention / 1e6,5:0.0} {prefill,10:0.00}"));
    }
}

static double BestToken(DecoderSession session, int id, int count, int threads)
{
    Func<double> clock = threads == 1 && OperatingSystem.IsLinux() ? ThreadClock.Milliseconds : () => Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;

    double best = double.MaxValue;
    for (int i = 0; i < count; i++)
    {
        double start = clock();
        session.Append([id]);
        best = Math.Min(best, clock() - start);
        if (session.Length > 1)
            session.Truncate(session.Length - 1);
    }
    return best;
}

internal static unsafe partial class ThreadClock
{
    private const int ThreadProcessorTime = 3; // CLOCK_THREAD_CPUTIME_ID of Linux

    public static double Milliseconds()
    {
        long* time = stackalloc long[2];
        _ = Read(ThreadProcessorTime, time);
        return time[0] * 1e3 + time[1] * 1e-6;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int Read(int clock, long* time);
}
