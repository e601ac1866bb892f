using System.Diagnostics;
using Decant.Compression.Reports;
using Decant.Compression.Verification;
using Decant.Core.Devices;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Carries out a <see cref="CompressionPlan"/>: encodes tensor by tensor into a hidden file, checks it, and only then gives it and its report
/// their names. A job that is cancelled or killed leaves the hidden file and a journal; the same job goes on from the finished tensors and
/// ends with the same bytes. Memory: some megabytes a thread for encoding, whatever the size of the model, and what verification needs to run
/// a few hundred tokens through both models from their mapped files.
/// </summary>
public sealed class CompressJob
{
    private readonly CompressionPlan plan;
    private readonly CompressOptions options;
    private readonly List<string> notices = [];
    private readonly Action<string>? onNotice;
    private readonly IProgress<WorkProgress>? progress;
    private readonly CancellationToken cancellationToken;

    private CompressJob(
        CompressionPlan plan, CompressOptions options, IProgress<WorkProgress>? progress, Action<string>? onNotice, CancellationToken cancellationToken)
    {
        this.plan = plan;
        this.options = options;
        this.progress = progress;
        this.onNotice = onNotice;
        this.cancellationToken = cancellationToken;
    }

    /// <summary>Runs a job.</summary>
    /// <param name="plan">What to do.</param>
    /// <param name="options">How and where.</param>
    /// <param name="progress">Told about the stages <c>hash</c>, <c>encode</c> and <c>verify</c>.</param>
    /// <param name="onNotice">Told at once what the result lists too.</param>
    /// <param name="cancellationToken">Stops the job; what is finished is kept for the next run.</param>
    /// <exception cref="UsageException">The output exists, is an input, or is being written by another process.</exception>
    /// <exception cref="BadFileException">The output cannot be written, or the source cannot be read.</exception>
    /// <exception cref="NumericalException">A weight is not finite, or too large for its format.</exception>
    /// <exception cref="LimitNotMetException">The output did not pass verification or <c>--max-kld</c>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static CompressResult Run(
        CompressionPlan plan, CompressOptions options, IProgress<WorkProgress>? progress = null, Action<string>? onNotice = null, CancellationToken cancellationToken = default) =>
        new CompressJob(plan, options, progress, onNotice, cancellationToken).Run();

    private CompressResult Run()
    {
        using var memory = new PeakMemoryMonitor();
        IReadOnlyList<string> files = FileFingerprint.FilesOf(plan.Source);
        foreach (string notice in plan.Notices)
            Notify(notice);

        long started = Stopwatch.GetTimestamp();
        IReadOnlyList<FileFingerprint> source = FileFingerprint.Of(files, progress, cancellationToken);
        string identity = JobIdentity.Of(plan.Layout.Header.Span, source, plan.Request.Importance);
        var times = new CompressTimes { Hash = Stopwatch.GetElapsedTime(started) };
        var result = new CompressResult
        {
            OutputPath = options.OutputPath,
            ReportPath = CompressReport.PathFor(options.OutputPath),
            SourceByteCount = source.Sum(f => f.ByteCount),
            OutputByteCount = plan.OutputByteCount,
            BitsPerWeight = plan.BitsPerWeight,
        };
        if (!options.Restart && IsDone(identity))
            return result with { AlreadyDone = true, Notices = notices, Times = times, PeakMemoryByteCount = memory.PeakByteCount };

        IEnumerable<string> inputs = plan.Request.Importance is { } importance ? [.. files, importance.Location] : files;
        using ResumableOutput output = ResumableOutput.Open(options.OutputPath, plan.OutputByteCount, options.Overwrite, inputs);
        using ConversionJournal journal =
            ConversionJournal.Open(output.TemporaryPath, options.OutputPath, JobIdentity.Version, identity, options.Restart);
        try
        {
            (int resumedCount, TimeSpan encode) = Encode(output, journal);
            started = Stopwatch.GetTimestamp();
            output.Synchronize();
            times = times with { Encode = encode, Synchronize = Stopwatch.GetElapsedTime(started) };

            VerifyReport? verification = null;
            if (options.Verify)
            {
                verification = Verify(output.TemporaryPath);
                times = times with { Verify = verification.Duration };
                verification.ThrowIfFailed();
            }
            result = result with
            {
                ResumedTensorCount = resumedCount,
                Times = times,
                Verification = verification,
                Notices = notices,
                PeakMemoryByteCount = memory.PeakByteCount,
            };
            // The report first: if the process ends between the two, the next run finds the journal and goes on from there.
            CompressReport.Write(plan, options, result, source, identity);
            output.Commit();
            journal.Discard();
            return result;
        }
        catch (OperationCanceledException)
        {
            throw;
        }
        catch
        {
            output.Discard();
            journal.Discard();
            throw;
        }
    }

    private (int ResumedCount, TimeSpan Duration) Encode(ResumableOutput output, ConversionJournal journal)
    {
        if (journal.Notice is { } notice)
            Notify(notice);
        long started = Stopwatch.GetTimestamp();
        IReadOnlyList<TensorConversion> conversions = plan.Conversions();
        var sink = new GgufOutputSink(output, plan.Layout, journal);
        bool[] finished = sink.FindFinished(conversions, cancellationToken);
        int resumedCount = finished.Count(isFinished => isFinished);
        if (resumedCount > 0)
            Notify($"{options.OutputPath}: going on from an interrupted run: {resumedCount} of {finished.Length} tensors are finished");
        sink.WriteHeader();
        new ConversionRunner(conversions, sink, options.ThreadCount).Run(i => finished[i], progress, cancellationToken);
        return (resumedCount, Stopwatch.GetElapsedTime(started));
    }

    private VerifyReport Verify(string temporaryPath)
    {
        using IModelSource candidate = ModelSources.Open(temporaryPath);
        VerifyReport report = VerifyJob.Run(
            new VerifyRequest
            {
                Reference = plan.Source,
                Candidate = candidate,
                Plan = plan,
                CandidateName = options.OutputPath,
                MaximumDivergence = options.MaximumDivergence,
                QualityProbe = options.QualityProbe,
                ThreadCount = options.ThreadCount,
            },
            progress,
            cancellationToken);
        foreach (string notice in report.Notices)
            Notify(notice);
        return report;
    }

    /// <summary>True if the output is there and its report says that this very job made it.</summary>
    private bool IsDone(string identity) =>
        File.Exists(options.OutputPath)
        && new FileInfo(options.OutputPath).Length == plan.OutputByteCount
        && CompressReport.ReadIdentity(CompressReport.PathFor(options.OutputPath)) == identity;

    private void Notify(string notice)
    {
        notices.Add(notice);
        onNotice?.Invoke(notice);
    }
}
