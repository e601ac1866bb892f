using System.Diagnostics;
using Decant.Compression.Reports;
using Decant.Compression.Verification;
using Decant.Core.Devices;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Carries out a <see cref="CompressionPlan"/>: encodes tensor by tensor into a hidden file or folder, checks it, and only then gives it and its report
/// their names. A job that is cancelled or killed leaves what is hidden and a journal; the same job goes on from the finished tensors and
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
        string identity = JobIdentity.Of(plan, source);
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

        string[] inputs = plan.Request.Importance is { } importance ? [.. files, importance.Location] : [.. files];
        result = result with { Times = times };
        plan.Output.Target.Check(options.OutputPath, options.Overwrite, inputs);
        var builder = new OutputBuilder(plan.Output.Target, options.OutputPath)
        {
            Overwrite = options.Overwrite,
            Restart = options.Restart,
            ThreadCount = options.ThreadCount,
            // Estimated tensor by tensor of a file; a folder's tensors are others.
            SecondsOf = plan.Request.Container == OutputContainer.Gguf && options.Estimate is { } estimate ? i => estimate.TensorSeconds[i] : null,
            Progress = progress,
            Notify = Notify,
        };
        return builder.Build(
            identity,
            output =>
            {
                CompressResult written = result with
                {
                    OutputByteCount = output.ByteCount,
                    ResumedTensorCount = builder.ResumedTensorCount,
                    Times = result.Times with { Encode = builder.EncodeTime, Synchronize = builder.SynchronizeTime },
                };
                return Finish(written, output.TemporaryPath, source, identity, memory);
            },
            cancellationToken);
    }

    /// <summary>
    /// Verifies, and writes the report. The report comes before the output gets its name: if the process ends between the two, the next run finds the
    /// journal and goes on from there.
    /// </summary>
    private CompressResult Finish(
        CompressResult result, string temporaryPath, IReadOnlyList<FileFingerprint> source, string identity, PeakMemoryMonitor memory)
    {
        if (options.Verify)
        {
            VerifyReport verification = Verify(temporaryPath);
            result = result with { Verification = verification, Times = result.Times with { Verify = verification.Duration } };
            verification.ThrowIfFailed();
        }
        result = result with { Notices = notices, PeakMemoryByteCount = memory.PeakByteCount };
        long started = Stopwatch.GetTimestamp();
        IReadOnlyList<FileFingerprint> written = FileFingerprint.OfOutput(temporaryPath, options.OutputPath, progress, cancellationToken);
        result = result with { Times = result.Times with { Hash = result.Times.Hash + Stopwatch.GetElapsedTime(started) } };
        CompressReport.Write(plan, options, result, source, written, identity);
        return result;
    }

    private VerifyReport Verify(string temporaryPath)
    {
        using IModelSource candidate = ModelSources.Open(temporaryPath);
        VerifyReport report = VerifyJob.Run(
            new VerifyRequest
            {
                Reference = plan.Source,
                Candidate = candidate,
                Expected = plan.Output.Expected,
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

    /// <summary>True if the output is there, its report says that this very job made it, and its content is still what was written then.</summary>
    private bool IsDone(string identity)
    {
        bool isThere = plan.Request.Container == OutputContainer.Gguf ? File.Exists(options.OutputPath) : Directory.Exists(options.OutputPath);
        if (!isThere || CompressReport.ReadFinished(CompressReport.PathFor(options.OutputPath)) is not { } finished || finished.Identity != identity)
            return false;
        if (finished.Files.SequenceEqual(FileFingerprint.OfOutput(options.OutputPath, options.OutputPath, progress, cancellationToken)))
            return true;
        Notify($"{options.OutputPath} is not what this job wrote any more: its content differs from the SHA-256 in its report.");
        return false;
    }

    private void Notify(string notice)
    {
        notices.Add(notice);
        onNotice?.Invoke(notice);
    }
}
