namespace Decant.Core.Devices;

/// <summary>
/// Watches <see cref="PrivateMemory"/> from a background thread and remembers the highest value: the <c>peak_memory_bytes</c> of every report.
/// The kernel keeps a high-water mark of all resident pages (<c>VmHWM</c>), but that one counts mapped files too; private memory must be sampled,
/// so a peak shorter than the interval can be missed.
/// </summary>
public sealed class PeakMemoryMonitor : IDisposable
{
    private static readonly TimeSpan defaultInterval = TimeSpan.FromMilliseconds(25);

    private readonly Lock gate = new();
    private readonly ManualResetEvent stopped = new(false);
    private readonly Thread thread;
    private long peakByteCount;

    /// <summary>Starts watching.</summary>
    /// <param name="interval">Between samples; 25 ms unless given.</param>
    public PeakMemoryMonitor(TimeSpan? interval = null)
    {
        Sample();
        // A thread of its own: those of the thread pool spin after every piece of work, on a processor that a kernel may need.
        thread = new Thread(period => Watch((TimeSpan)period!), 256 << 10) { IsBackground = true, Name = "Decant memory" };
        thread.Start(interval ?? defaultInterval);
    }

    /// <summary>The highest private memory seen so far, in bytes; takes a sample itself.</summary>
    public long PeakByteCount
    {
        get
        {
            Sample();
            lock (gate)
                return peakByteCount;
        }
    }

    /// <summary>Stops watching.</summary>
    public void Dispose()
    {
        stopped.Set();
        thread.Join();
        stopped.Dispose();
    }

    private void Watch(TimeSpan period)
    {
        while (!stopped.WaitOne(period))
            Sample();
    }

    private void Sample()
    {
        long now = PrivateMemory.ReadByteCount();
        lock (gate)
            peakByteCount = Math.Max(peakByteCount, now);
    }
}
