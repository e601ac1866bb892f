using Decant.Compression.Verification;

namespace Decant.Compression.Pipeline;

/// <summary>What a compression did.</summary>
public sealed record CompressResult
{
    /// <summary>The output.</summary>
    public required string OutputPath { get; init; }

    /// <summary>The report beside it.</summary>
    public required string ReportPath { get; init; }

    /// <summary>Length of the source's files.</summary>
    public required long SourceByteCount { get; init; }

    /// <summary>Length of the output.</summary>
    public required long OutputByteCount { get; init; }

    /// <summary>Bits per weight of the output's tensors.</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>True if the same job was finished before: nothing was done.</summary>
    public bool AlreadyDone { get; init; }

    /// <summary>Tensors taken over from an interrupted run.</summary>
    public int ResumedTensorCount { get; init; }

    /// <summary>Where the time went.</summary>
    public CompressTimes Times { get; init; } = new();

    /// <summary>Highest private memory of the process while the job ran.</summary>
    public long PeakMemoryByteCount { get; init; }

    /// <summary>What verification found, or null if it was not asked for.</summary>
    public VerifyReport? Verification { get; init; }

    /// <summary>Notices in the order they arose.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}

/// <summary>Where the time of a compression went.</summary>
public sealed record CompressTimes
{
    /// <summary>Reading the source before and the output after the work, once each, to name their content by SHA-256.</summary>
    public TimeSpan Hash { get; init; }

    /// <summary>Reading, encoding and writing: what llama.cpp's own figure covers.</summary>
    public TimeSpan Encode { get; init; }

    /// <summary>Waiting for the disk.</summary>
    public TimeSpan Synchronize { get; init; }

    /// <summary>Checking the output.</summary>
    public TimeSpan Verify { get; init; }

    /// <summary>All of it.</summary>
    public TimeSpan Total => Hash + Encode + Synchronize + Verify;
}
