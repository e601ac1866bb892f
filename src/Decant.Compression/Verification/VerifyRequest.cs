using Decant.Core.Files;
using Decant.Core.Measurement;

namespace Decant.Compression.Verification;

/// <summary>What is verified against what.</summary>
public sealed record VerifyRequest
{
    /// <summary>The model before.</summary>
    public required IModelSource Reference { get; init; }

    /// <summary>The model after, opened by the ordinary reader.</summary>
    public required IModelSource Candidate { get; init; }

    /// <summary>What the output was planned to hold, or null if it comes from elsewhere: then tensor types may be any.</summary>
    internal Expectation? Expected { get; init; }

    /// <summary>The name in messages; the candidate may still have a temporary one.</summary>
    public required string CandidateName { get; init; }

    /// <summary>The report that may lie beside the output and says what was written, or null to look for none.</summary>
    public string? ReportPath { get; init; }

    /// <summary>False if the method may change weights at will: then values need only be finite.</summary>
    public bool CompareWeights { get; init; } = true;

    /// <summary>Largest mean KL divergence in nats, or null for the default limit of quantized types.</summary>
    public double? MaximumDivergence { get; init; }

    /// <summary>Measures perplexity and divergence; null leaves the logits out.</summary>
    public IQualityProbe? QualityProbe { get; init; }

    /// <summary>Threads, 0 for all cores.</summary>
    public int ThreadCount { get; init; }
}
