using System.Diagnostics;

namespace Decant.Compression.Pipeline.Estimates;

/// <summary>
/// Times trials by the processor time they take, and by how much longer they lasted: a trial is so short that one interruption would spoil its wall
/// time, while over all trials together the share of the processors that the work itself and other programs leave idle shows well enough. One clock serves
/// trials of one kind of work.
/// </summary>
internal sealed class TrialClock(int threadCount)
{
    private double processorSeconds;
    private double threadSeconds;

    /// <summary>Runs a trial that keeps all threads busy; returns its processor time in seconds.</summary>
    public double Run(Action trial)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long started = Stopwatch.GetTimestamp();
        trial();
        double wall = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double processor = Math.Max((Environment.CpuUsage.TotalTime - before).TotalSeconds, 1e-6);
        processorSeconds += processor;
        threadSeconds += wall * threadCount;
        return processor;
    }

    /// <summary>How long work of so much processor time will last on all threads.</summary>
    public double WallSeconds(double processorTime) => processorTime / threadCount * Contention;

    /// <summary>How long work of so much processor time will last on one thread.</summary>
    public double SingleThreadWallSeconds(double processorTime) => processorTime * Contention;

    /// <summary>1 if the trials had every thread busy throughout; 2 if half of the processors was idle or with other programs.</summary>
    private double Contention => processorSeconds == 0 ? 1 : Math.Max(1, threadSeconds / processorSeconds);
}
