namespace Decant.Compression.Pipeline.Estimates;

/// <summary>What a compression will cost on this machine, from short trials of the code that will do it.</summary>
public sealed record PlanEstimate
{
    /// <summary>Reading source and output once each to name their content.</summary>
    public required TimeSpan Hash { get; init; }

    /// <summary>Reading, encoding and writing.</summary>
    public required TimeSpan Encode { get; init; }

    /// <summary>Waiting for the disk.</summary>
    public required TimeSpan Synchronize { get; init; }

    /// <summary>Checking the output; zero if it is not asked for.</summary>
    public required TimeSpan Verify { get; init; }

    /// <summary>Highest private memory of the process. Pages of mapped files do not count.</summary>
    public required long PeakMemoryByteCount { get; init; }

    /// <summary>Encoding time of every tensor in the order of the plan, in seconds.</summary>
    public required IReadOnlyList<double> TensorSeconds { get; init; }

    /// <summary>All of it.</summary>
    public TimeSpan Total => Hash + Encode + Synchronize + Verify;
}
