using System.Diagnostics;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Fills a hidden file or folder from conversions, going on from what an interrupted run finished, has it checked and gives it its name. A job that is cancelled or
/// killed leaves what is done and a journal; one that fails leaves nothing.
/// </summary>
internal sealed class OutputBuilder
{
    private readonly ConversionTarget target;
    private readonly string path;

    /// <summary>Describes the work.</summary>
    /// <param name="target">What to fill.</param>
    /// <param name="path">The final path.</param>
    public OutputBuilder(ConversionTarget target, string path)
    {
        this.target = target;
        this.path = path;
    }

    /// <summary>Whether an existing output may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether nothing of an unfinished earlier run is used.</summary>
    public bool Restart { get; init; }

    /// <summary>Threads, 0 for all cores.</summary>
    public int ThreadCount { get; init; }

    /// <summary>Planned time of each tensor, or null.</summary>
    public Func<int, double>? SecondsOf { get; init; }

    /// <summary>Told about the stage <c>encode</c>.</summary>
    public IProgress<WorkProgress>? Progress { get; init; }

    /// <summary>Told what the user should know.</summary>
    public required Action<string> Notify { get; init; }

    /// <summary>Tensors taken over from an interrupted run.</summary>
    public int ResumedTensorCount { get; private set; }

    /// <summary>Time spent reading, encoding and writing.</summary>
    public TimeSpan EncodeTime { get; private set; }

    /// <summary>Time spent waiting for the disk.</summary>
    public TimeSpan SynchronizeTime { get; private set; }

    /// <summary>Builds the output.</summary>
    /// <param name="identity">Names the job: equal identities give equal bytes.</param>
    /// <param name="finish">Looks at the output, closed and under its hidden name; what it throws keeps the output from its name.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    /// <exception cref="UsageException">Another process is writing this output, or something of its name appeared meanwhile.</exception>
    /// <exception cref="BadFileException">The disk is full or fails.</exception>
    public T Build<T>(string identity, Func<ResumableOutput, T> finish, CancellationToken cancellationToken)
    {
        using ConversionJournal journal = ConversionJournal.Open(ResumableOutput.PartialPath(path), path, JobIdentity.Version, identity, Restart);
        ResumableOutput? output = null;
        try
        {
            output = target.Open(path, Overwrite);
            Fill(output, journal, cancellationToken);
            T result = finish(output);
            output.Commit();
            journal.Discard();
            return result;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            output?.Discard();
            journal.Discard();
            throw;
        }
        finally
        {
            output?.Dispose();
        }
    }

    private void Fill(ResumableOutput output, ConversionJournal journal, CancellationToken cancellationToken)
    {
        if (journal.Notice is { } notice)
            Notify(notice);
        long started = Stopwatch.GetTimestamp();
        IReadOnlyList<TensorConversion> conversions = target.Conversions;
        var sink = new OutputSink(target.Places(output), journal);
        bool[] finished = sink.FindFinished(conversions, cancellationToken);
        ResumedTensorCount = finished.Count(isFinished => isFinished);
        if (ResumedTensorCount > 0)
            Notify($"{path}: going on from an interrupted run: {ResumedTensorCount} of {finished.Length} tensors are finished");
        target.WriteRest(output);
        new ConversionRunner(conversions, sink, ThreadCount, SecondsOf).Run(i => finished[i], Progress, cancellationToken);
        EncodeTime = Stopwatch.GetElapsedTime(started);

        started = Stopwatch.GetTimestamp();
        Progress?.Report(new WorkProgress("sync", 0, 0, "bytes"));
        output.Synchronize();
        SynchronizeTime = Stopwatch.GetElapsedTime(started);
    }
}
