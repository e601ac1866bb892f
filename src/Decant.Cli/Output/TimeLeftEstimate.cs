using Decant.Core.Measurement;

namespace Decant.Cli.Output;

/// <summary>Time left of a stage, from the share done since it began, where the worker gives none itself.</summary>
internal sealed class TimeLeftEstimate(TimeProvider clock)
{
    // Before this, start-up costs would dominate the estimate.
    private static readonly TimeSpan leastElapsed = TimeSpan.FromSeconds(1);

    private string? stage;
    private long begun;
    private double doneAtBegin;

    /// <summary>The estimate after a report, or null while there is nothing to estimate from.</summary>
    public TimeSpan? Update(WorkProgress value)
    {
        if (value.Stage != stage)
            (stage, begun, doneAtBegin) = (value.Stage, clock.GetTimestamp(), value.Done);
        if (value.TimeLeft is { } given)
            return given;
        TimeSpan elapsed = clock.GetElapsedTime(begun);
        double done = value.Done - doneAtBegin;
        if (value.Total <= 0 || done <= 0 || elapsed < leastElapsed)
            return null;
        return elapsed * (Math.Max(0, value.Total - value.Done) / done);
    }
}
