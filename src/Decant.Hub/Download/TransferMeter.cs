using Decant.Core.Measurement;

namespace Decant.Hub.Download;

/// <summary>Reports how far a download is, a few times a second, with the pace of the last seconds. Several transfers may report to one meter.</summary>
internal sealed class TransferMeter(IProgress<WorkProgress>? progress, long totalByteCount, TimeProvider clock)
{
    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan window = TimeSpan.FromSeconds(4);

    private readonly Lock gate = new();
    private readonly Queue<(long Time, long ByteCount)> recent = [];
    private long lastReport = clock.GetTimestamp() - clock.TimestampFrequency;

    /// <summary>Bytes that are there: those of earlier runs too.</summary>
    public long ByteCount { get; private set; }

    /// <summary>Bytes that came over the network.</summary>
    public long ReceivedByteCount { get; private set; }

    /// <summary>Bytes that need no transfer, or must be transferred again (negative).</summary>
    public void Skip(long byteCount)
    {
        lock (gate)
            ByteCount += byteCount;
    }

    /// <summary>Bytes that have arrived.</summary>
    public void Add(string file, int byteCount)
    {
        lock (gate)
            AddAlone(file, byteCount);
    }

    private void AddAlone(string file, int byteCount)
    {
        ByteCount += byteCount;
        ReceivedByteCount += byteCount;
        if (progress is null || (clock.GetElapsedTime(lastReport) < interval && ByteCount < totalByteCount))
            return;
        lastReport = clock.GetTimestamp();
        recent.Enqueue((lastReport, ReceivedByteCount));
        while (recent.Count > 2 && clock.GetElapsedTime(recent.Peek().Time, lastReport) > window)
            recent.Dequeue();
        double seconds = clock.GetElapsedTime(recent.Peek().Time, lastReport).TotalSeconds;
        double? rate = seconds > 0 ? (ReceivedByteCount - recent.Peek().ByteCount) / seconds : null;
        TimeSpan? left = rate > 0 ? TimeSpan.FromSeconds(Math.Min((totalByteCount - ByteCount) / rate.Value, TimeSpan.FromDays(99).TotalSeconds)) : null;
        progress.Report(new WorkProgress("download", ByteCount, totalByteCount, "bytes", file, left, rate));
    }
}
