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
    private readonly Timer timer;
    private long peakByteCount;

    /// <summary>Starts watching.</summary>
    /// <param name="interval">Between samples; 25 ms unless given.</param>
    public PeakMemoryMonitor(TimeSpan? interval = null)
    {
        Sample();
        TimeSpan period = interval ?? defaultInterval;
        timer = new Timer(_ => Sample(), null, period, period);
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
    public void Dispose() => timer.Dispose();

    private void Sample()
    {
        long now = PrivateMemory.ReadByteCount();
        lock (gate)
            peakByteCount = Math.Max(peakByteCount, now);
    }
}
