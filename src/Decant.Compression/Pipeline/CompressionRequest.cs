using Decant.Compression.Calibration;
using Decant.Compression.Methods.Mixtures;
using Decant.Core.Files;

namespace Decant.Compression.Pipeline;

/// <summary>What <c>--to T</c> and its options ask for.</summary>
public sealed record CompressionRequest
{
    /// <summary>The file type.</summary>
    public required FileType Type { get; init; }

    /// <summary>The user's exceptions, first match wins.</summary>
    public IReadOnlyList<TypeOverride> Overrides { get; init; } = [];

    /// <summary>What the output is. A folder holds the rounded weights as plain numbers.</summary>
    public OutputContainer Container { get; init; } = OutputContainer.Gguf;

    /// <summary>The most tensor bytes in one file of a folder.</summary>
    public long MaximumShardByteCount { get; init; } = SafetensorsFolderLayout.DefaultShardByteCount;

    /// <summary>Importance values, or null.</summary>
    public ImportanceMatrix? Importance { get; init; }
}
