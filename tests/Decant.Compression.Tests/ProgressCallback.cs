using Decant.Core.Measurement;

namespace Decant.Compression.Tests;

/// <summary>Progress that is told at once, on the thread that reports it.</summary>
internal sealed class ProgressCallback(Action<WorkProgress> report) : IProgress<WorkProgress>
{
    /// <summary>Cancels as soon as a piece has been encoded.</summary>
    public static ProgressCallback CancelWhenEncoding(CancellationTokenSource stop) => new(progress =>
    {
        if (progress.Stage == "encode")
            stop.Cancel();
    });

    public void Report(WorkProgress value) => report(value);
}
