using System.Diagnostics;
using Decant.Core.Files;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>Fills a hidden GGUF file from conversions, going on from what an interrupted run finished.</summary>
internal sealed class GgufFileBuilder
{
    private readonly ResumableOutput output;
    private readonly ConversionJournal journal;
    private readonly GgufLayout layout;
    private readonly IReadOnlyList<TensorConversion> conversions;

    public GgufFileBuilder(ResumableOutput output, ConversionJournal journal, GgufLayout layout, IReadOnlyList<TensorConversion> conversions)
    {
        this.output = output;
        this.journal = journal;
        this.layout = layout;
        this.conversions = conversions;
    }

    /// <summary>Tensors taken over from an interrupted run.</summary>
    public int ResumedTensorCount { get; private set; }

    /// <summary>Time spent reading, encoding and writing.</summary>
    public TimeSpan EncodeTime { get; private set; }

    /// <summary>Time spent waiting for the disk.</summary>
    public TimeSpan SynchronizeTime { get; private set; }

    /// <summary>Builds the file and closes it; it still has its hidden name.</summary>
    /// <param name="threadCount">Threads, 0 for all cores.</param>
    /// <param name="secondsOf">Planned time of each tensor, or null.</param>
    /// <param name="progress">Told about the stage <c>encode</c>.</param>
    /// <param name="notify">Told what the user should know.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public void Build(int threadCount, Func<int, double>? secondsOf, IProgress<WorkProgress>? progress, Action<string> notify, CancellationToken cancellationToken)
    {
        if (journal.Notice is { } notice)
            notify(notice);
        long started = Stopwatch.GetTimestamp();
        var sink = new GgufOutputSink(output, layout, journal);
        bool[] finished = sink.FindFinished(conversions, cancellationToken);
        ResumedTensorCount = finished.Count(isFinished => isFinished);
        if (ResumedTensorCount > 0)
            notify($"{output.FinalPath}: going on from an interrupted run: {ResumedTensorCount} of {finished.Length} tensors are finished");
        sink.WriteHeader();
        new ConversionRunner(conversions, sink, threadCount, secondsOf).Run(i => finished[i], progress, cancellationToken);
        EncodeTime = Stopwatch.GetElapsedTime(started);

        started = Stopwatch.GetTimestamp();
        progress?.Report(new WorkProgress("sync", 0, 0, "bytes"));
        output.Synchronize();
        SynchronizeTime = Stopwatch.GetElapsedTime(started);
    }
}
