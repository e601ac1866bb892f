using Decant.Compression.Calibration;
using Decant.Compression.Methods.Mixtures;

namespace Decant.Compression.Pipeline;

/// <summary>What <c>--to T</c> and its options ask for.</summary>
public sealed record CompressionRequest
{
    /// <summary>The file type.</summary>
    public required FileType Type { get; init; }

    /// <summary>The user's exceptions, first match wins.</summary>
    public IReadOnlyList<TypeOverride> Overrides { get; init; } = [];

    /// <summary>Importance values, or null.</summary>
    public ImportanceMatrix? Importance { get; init; }
}
