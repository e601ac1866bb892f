using System.Diagnostics;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>Counts converted source bytes and reports them, with the time left, at most ten times a second. Thread-safe.</summary>
internal sealed class ConversionMeter
{
    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(100);

    private readonly IReadOnlyList<TensorConversion> conversions;
    private readonly double[] secondsPerByte;
    private readonly IProgress<WorkProgress>? progress;
    private readonly long totalByteCount;
    private readonly double totalSeconds;
    private readonly long started = Stopwatch.GetTimestamp();
    private readonly Lock gate = new();
    private long lastReport;
    private long doneByteCount;
    private double doneSeconds;

    public ConversionMeter(
        IReadOnlyList<TensorConversion> conversions, Func<int, bool> isDone, Func<int, double>? secondsOf, IProgress<WorkProgress>? progress)
    {
        this.conversions = conversions;
        this.progress = progress;
        secondsPerByte = new double[conversions.Count];
        for (int i = 0; i < conversions.Count; i++)
        {
            long byteCount = conversions[i].Source.Info.ByteCount;
            secondsPerByte[i] = secondsOf is null ? 1 : byteCount == 0 ? 0 : secondsOf(i) / byteCount;
            totalByteCount += byteCount;
            if (isDone(i))
                doneByteCount += byteCount;
            else
                totalSeconds += byteCount * secondsPerByte[i];
        }
    }

    /// <summary>Notes a finished chunk.</summary>
    public void Add(RowChunk chunk)
    {
        if (progress is null)
            return;
        int tensorIndex = chunk.TensorIndex;
        long byteCount = chunk.RowCount * conversions[tensorIndex].Source.Info.RowByteCount;
        lock (gate)
        {
            doneByteCount += byteCount;
            doneSeconds += byteCount * secondsPerByte[tensorIndex];
            long now = Stopwatch.GetTimestamp();
            if (lastReport != 0 && Stopwatch.GetElapsedTime(lastReport, now) < interval)
                return;
            lastReport = now;
            progress.Report(new WorkProgress("encode", doneByteCount, totalByteCount, "bytes", conversions[tensorIndex].Name, TimeLeft(now)));
        }
    }

    /// <summary>Reports the end.</summary>
    public void Complete() => progress?.Report(new WorkProgress("encode", totalByteCount, totalByteCount, "bytes", null, TimeSpan.Zero));

    private TimeSpan? TimeLeft(long now) =>
        doneSeconds > 0 ? Stopwatch.GetElapsedTime(started, now) * ((totalSeconds - doneSeconds) / doneSeconds) : null;
}
