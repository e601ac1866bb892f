using Decant.Compression.Pipeline.Estimates;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>How a compression is carried out; nothing here changes the bytes of the output.</summary>
public sealed record CompressOptions
{
    /// <summary>Where the output goes.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Whether an existing file may be replaced (<c>--force</c>).</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether to use nothing of an unfinished or finished earlier run (<c>--restart</c>).</summary>
    public bool Restart { get; init; }

    /// <summary>Whether the output is checked before it gets its name.</summary>
    public bool Verify { get; init; } = true;

    /// <summary>Largest mean KL divergence from the source, in nats (<c>--max-kld</c>), or null for the type's own limit.</summary>
    public double? MaximumDivergence { get; init; }

    /// <summary>Threads, 0 for all cores.</summary>
    public int ThreadCount { get; init; }

    /// <summary>Measures perplexity and divergence; without it verification looks at files and weights alone.</summary>
    public IQualityProbe? QualityProbe { get; init; }

    /// <summary>What the job was estimated to cost, for the time left and the report; null if nobody asked.</summary>
    public PlanEstimate? Estimate { get; init; }

    /// <summary>The command as the user gave it, for the report.</summary>
    public string Command { get; init; } = "";
}
