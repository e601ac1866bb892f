using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Perplexity;

/// <summary>
/// Consecutive windows that do not overlap, every token but the first of each scored; the tail that fills no window is dropped. The form in which
/// GPTQ and SparseGPT report perplexity.
/// </summary>
public sealed class ChunksProtocol : PerplexityProtocol
{
    /// <inheritdoc/>
    public override string Name => "chunks";

    /// <inheritdoc/>
    public override string Description => "consecutive windows, every token but the first of each scored; no special tokens";

    /// <inheritdoc/>
    public override bool AddsSpecialTokens => false;

    /// <inheritdoc/>
    protected override IEnumerable<TokenWindow> Lay(ReadOnlyMemory<int> ids, WindowOptions options)
    {
        for (int begin = 0; begin + options.Context <= ids.Length; begin += options.Context)
            yield return new TokenWindow(ids.Slice(begin, options.Context), 1);
    }
}
