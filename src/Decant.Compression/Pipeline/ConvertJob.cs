using System.Diagnostics;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Verification;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Devices;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Measurement;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>What to convert to.</summary>
public sealed record ConvertOptions
{
    /// <summary>Where the output goes.</summary>
    public required string OutputPath { get; init; }

    /// <summary>What the output is.</summary>
    public required OutputContainer Container { get; init; }

    /// <summary>F32, F16 or BF16 for the matrices, or null to keep the source's types where the container has them.</summary>
    public TensorFormat? Format { get; init; }

    /// <summary>Whether an existing output may be replaced (<c>--force</c>).</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether nothing of an unfinished earlier run is used.</summary>
    public bool Restart { get; init; }

    /// <summary>The most tensor bytes in one file of a folder.</summary>
    public long MaximumShardByteCount { get; init; } = SafetensorsFolderLayout.DefaultShardByteCount;

    /// <summary>Whether the output is checked before it gets its name.</summary>
    public bool Verify { get; init; } = true;

    /// <summary>Threads, 0 for all cores.</summary>
    public int ThreadCount { get; init; }

    /// <summary>Measures whether predictions stay the same; without it verification looks at files and weights alone.</summary>
    public IQualityProbe? QualityProbe { get; init; }
}

/// <summary>What a conversion did.</summary>
public sealed record ConvertResult
{
    /// <summary>The output.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Length of the files the source's weights are in.</summary>
    public required long SourceByteCount { get; init; }

    /// <summary>Length of the output, side files included.</summary>
    public required long OutputByteCount { get; init; }

    /// <summary>Where the time went.</summary>
    public CompressTimes Times { get; init; } = new();

    /// <summary>Highest private memory of the process while the job ran.</summary>
    public long PeakMemoryByteCount { get; init; }

    /// <summary>Tensors taken over from an interrupted run.</summary>
    public int ResumedTensorCount { get; init; }

    /// <summary>What verification found, or null if it was not asked for.</summary>
    public VerifyReport? Verification { get; init; }

    /// <summary>Notices in the order they arose.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}

/// <summary>
/// Writes a model in the other container, or in the same with another plain type: names, row order and config are translated, weights are taken
/// over bit for bit where the type stays. Memory as in <see cref="CompressJob"/>. A job that was cancelled or killed is gone on with by the same command.
/// </summary>
public sealed class ConvertJob
{
    private readonly IModelSource source;
    private readonly ConvertOptions options;
    private readonly IProgress<WorkProgress>? progress;
    private readonly Action<string>? onNotice;
    private readonly CancellationToken cancellationToken;
    private readonly List<string> notices = [];
    private readonly IReadOnlyList<string> files;

    private ConvertJob(IModelSource source, ConvertOptions options, IProgress<WorkProgress>? progress, Action<string>? onNotice, CancellationToken cancellationToken)
    {
        this.source = source;
        this.options = options;
        this.progress = progress;
        this.onNotice = onNotice;
        this.cancellationToken = cancellationToken;
        files = FileFingerprint.FilesOf(source);
    }

    /// <summary>Converts.</summary>
    /// <param name="source">The model.</param>
    /// <param name="options">To what, and where.</param>
    /// <param name="progress">Told about the stages <c>hash</c>, <c>encode</c> and <c>verify</c>.</param>
    /// <param name="onNotice">Told at once what the result lists too.</param>
    /// <param name="cancellationToken">Stops the job; what is finished is kept for the next run.</param>
    /// <exception cref="UsageException">The output exists, or is an input.</exception>
    /// <exception cref="NotSupportedModelException">The container cannot hold the model.</exception>
    /// <exception cref="BadFileException">The source is damaged, or the output cannot be written.</exception>
    /// <exception cref="NumericalException">A weight is not finite, or too large for its format.</exception>
    /// <exception cref="LimitNotMetException">The output did not pass verification.</exception>
    public static ConvertResult Run(
        IModelSource source, ConvertOptions options, IProgress<WorkProgress>? progress = null, Action<string>? onNotice = null, CancellationToken cancellationToken = default)
    {
        var job = new ConvertJob(source, options, progress, onNotice, cancellationToken);
        using var memory = new PeakMemoryMonitor();
        ConvertResult result = options.Container == OutputContainer.Gguf ? job.ToFile() : job.ToFolder();
        return result with { Notices = job.notices, PeakMemoryByteCount = memory.PeakByteCount };
    }

    private ConvertResult ToFile()
    {
        GgufDescription description = GgufExport.Describe(ArchitectureRegistry.Bind(source), options.Format);
        Notify(description.Notices);
        if (source.Gguf is null || options.Format is not null)
        {
            description.Metadata.Set("general.quantization_version", GgufValue.From(2u));
            description.Metadata.Set("general.file_type", GgufValue.From((uint)FileTypeOf(description.Tensors).Number));
        }
        TensorInfo[] infos = [.. description.Tensors.Select(t => t.Info)];
        var layout = new GgufLayout(description.Metadata, infos);
        var content = new GgufContent(description.Metadata, description.Tensors, []);
        return Write(
            new FileTarget(layout, [.. description.Tensors.Select(t => new TensorConversion(t, t.Info.Name, t.Info.Format))]),
            Expectation.Of(content, [.. infos.Select(i => i.Format)]));
    }

    private ConvertResult ToFolder()
    {
        HuggingFaceContent content = HuggingFaceContent.Of(source, options.Format);
        Notify(content.Notices);
        return Write(new FolderTarget(source, content, options.MaximumShardByteCount), Expectation.Of(content));
    }

    private ConvertResult Write(ConversionTarget target, Expectation expected)
    {
        target.Check(options.OutputPath, options.Overwrite, files);
        long started = Stopwatch.GetTimestamp();
        string identity = JobIdentity.Of(target, FileFingerprint.Of(files, progress, cancellationToken));
        TimeSpan hash = Stopwatch.GetElapsedTime(started);
        var builder = new OutputBuilder(target, options.OutputPath)
        {
            Overwrite = options.Overwrite,
            Restart = options.Restart,
            ThreadCount = options.ThreadCount,
            Progress = progress,
            Notify = line => Notify([line]),
        };
        return builder.Build(
            identity,
            output =>
            {
                VerifyReport? verification = Verify(output.TemporaryPath, expected);
                return new ConvertResult
                {
                    OutputPath = options.OutputPath,
                    SourceByteCount = FileFingerprint.ByteCountOf(files),
                    OutputByteCount = output.ByteCount,
                    ResumedTensorCount = builder.ResumedTensorCount,
                    Times = new CompressTimes { Hash = hash, Encode = builder.EncodeTime, Synchronize = builder.SynchronizeTime, Verify = verification?.Duration ?? TimeSpan.Zero },
                    Verification = verification,
                };
            },
            cancellationToken);
    }

    private VerifyReport? Verify(string temporaryPath, Expectation expected)
    {
        if (!options.Verify)
            return null;
        using IModelSource candidate = ModelSources.Open(temporaryPath);
        VerifyReport report = VerifyJob.Run(
            new VerifyRequest
            {
                Reference = source,
                Candidate = candidate,
                Expected = expected,
                CandidateName = options.OutputPath,
                QualityProbe = options.QualityProbe,
                ThreadCount = options.ThreadCount,
            },
            progress,
            cancellationToken);
        Notify(report.Notices);
        report.ThrowIfFailed();
        return report;
    }

    /// <summary>The file type whose base format most weights have.</summary>
    private static FileType FileTypeOf(IReadOnlyList<TensorData> tensors)
    {
        TensorFormat most = tensors.Where(t => t.Info.Shape.Rank >= 2).GroupBy(t => t.Info.Format)
            .MaxBy(group => group.Sum(t => t.Info.Shape.ElementCount))?.Key ?? TensorFormats.F32;
        return FileTypes.All.FirstOrDefault(type => type.BaseFormat == most) ?? FileTypes.Get("F32");
    }

    private void Notify(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            notices.Add(line);
            onNotice?.Invoke(line);
        }
    }
}
