using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline.Estimates;

/// <summary>How the planned job will run.</summary>
public sealed record EstimateOptions
{
    /// <summary>Threads, 0 for all cores.</summary>
    public int ThreadCount { get; init; }

    /// <summary>Whether the output will be verified.</summary>
    public bool Verify { get; init; } = true;

    /// <summary>What will measure perplexity and divergence, or null.</summary>
    public IQualityProbe? QualityProbe { get; init; }

    /// <summary>The folder the output will be in, for trying its disk; null for the temporary folder.</summary>
    public string? OutputFolder { get; init; }
}
