namespace Decant.Evaluation.Perplexity;

/// <summary>Every perplexity protocol. A new one is one file and one line here.</summary>
public static class PerplexityProtocols
{
    /// <summary>The list; the first is the default.</summary>
    public static IReadOnlyList<PerplexityProtocol> All { get; } =
    [
        new ChunksProtocol(),
        new LlamaCppProtocol(),
        new SlidingProtocol(),
    ];

    /// <summary>The protocol of this name (any case), or null.</summary>
    public static PerplexityProtocol? Find(string name) => All.FirstOrDefault(protocol => protocol.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
