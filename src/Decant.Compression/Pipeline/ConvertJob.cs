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
    public long MaximumShardByteCount { get; init; } = SafetensorsFolderWriter.DefaultShardByteCount;

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
/// over bit for bit where the type stays. Memory as in <see cref="CompressJob"/>. A GGUF output that was cancelled or killed is gone on with by the same
/// command; an unfinished folder is deleted.
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
    /// <param name="cancellationToken">Stops the job; a GGUF output can be gone on with, of a folder nothing is left.</param>
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
        ConvertResult result = options.Container == OutputContainer.Gguf ? job.WriteFile() : job.WriteFolder();
        return result with { Notices = job.notices, PeakMemoryByteCount = memory.PeakByteCount };
    }

    private ConvertResult WriteFile()
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
        using ResumableOutput output = ResumableOutput.Open(options.OutputPath, layout.ByteCount, options.Overwrite, files);
        long started = Stopwatch.GetTimestamp();
        string identity = Identity(layout, output);
        TimeSpan hash = Stopwatch.GetElapsedTime(started);
        using ConversionJournal journal = ConversionJournal.Open(output.TemporaryPath, options.OutputPath, JobIdentity.Version, identity, options.Restart);
        try
        {
            var builder = new GgufFileBuilder(output, journal, layout, [.. description.Tensors.Select(t => new TensorConversion(t, t.Info.Name, t.Info.Format))]);
            builder.Build(options.ThreadCount, null, progress, line => Notify([line]), cancellationToken);
            var content = new GgufContent(description.Metadata, description.Tensors, []);
            VerifyReport? verification = Verify(output.TemporaryPath, Expectation.Of(content, [.. infos.Select(i => i.Format)]));
            output.Commit();
            journal.Discard();
            return Result(layout.ByteCount, hash, builder.EncodeTime, builder.SynchronizeTime, verification) with { ResumedTensorCount = builder.ResumedTensorCount };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            output.Discard();
            journal.Discard();
            throw;
        }
    }

    private string Identity(GgufLayout layout, ResumableOutput output)
    {
        try
        {
            return JobIdentity.Of(layout, FileFingerprint.Of(files, progress, cancellationToken));
        }
        catch when (output.IsNew)
        {
            output.Discard();
            throw;
        }
    }

    private ConvertResult WriteFolder()
    {
        HuggingFaceContent content = HuggingFaceContent.Of(source, options.Format);
        Notify(content.Notices);
        long byteCount = PlannedFolder.WeightFilesByteCount(content, options.MaximumShardByteCount);
        using AtomicOutput output = AtomicOutput.ForFolder(options.OutputPath, options.Overwrite, files, byteCount);
        long started = Stopwatch.GetTimestamp();
        new FolderWriter(output, source, content).Write(options.MaximumShardByteCount, options.ThreadCount, progress, cancellationToken);
        TimeSpan encode = Stopwatch.GetElapsedTime(started);
        started = Stopwatch.GetTimestamp();
        output.Synchronize();
        TimeSpan synchronize = Stopwatch.GetElapsedTime(started);
        long length = Directory.EnumerateFiles(output.TemporaryPath).Sum(file => new FileInfo(file).Length);
        VerifyReport? verification = Verify(output.TemporaryPath, Expectation.Of(content));
        output.Commit();
        return Result(length, TimeSpan.Zero, encode, synchronize, verification);
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

    private ConvertResult Result(long byteCount, TimeSpan hash, TimeSpan encode, TimeSpan synchronize, VerifyReport? verification) => new()
    {
        OutputPath = options.OutputPath,
        SourceByteCount = FileFingerprint.ByteCountOf(files),
        OutputByteCount = byteCount,
        Times = new CompressTimes { Hash = hash, Encode = encode, Synchronize = synchronize, Verify = verification?.Duration ?? TimeSpan.Zero },
        Verification = verification,
    };

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
