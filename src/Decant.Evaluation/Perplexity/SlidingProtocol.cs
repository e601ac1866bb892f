using Decant.Core.Errors;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Perplexity;

/// <summary>
/// Hugging Face's strided windows ("Perplexity of fixed-length models"): windows begin every <c>stride</c> tokens and each scores only the tokens that no
/// window scored before, the rest is context; the last window ends with the text. Losses are summed exactly over tokens: the guide's own snippet weights
/// each window by one token too few, which changes the result by about 1e-5.
/// </summary>
public sealed class SlidingProtocol : PerplexityProtocol
{
    /// <inheritdoc/>
    public override string Name => "sliding";

    /// <inheritdoc/>
    public override string Description => "overlapping windows, each scoring what is new in it: Hugging Face's stride method (--stride, default context/2)";

    /// <inheritdoc/>
    public override bool AddsSpecialTokens => true;

    /// <inheritdoc/>
    public override bool UsesStride => true;

    /// <inheritdoc/>
    protected override int LeastTokenCount(WindowOptions options) => 2;

    /// <inheritdoc/>
    protected override IEnumerable<TokenWindow> Lay(ReadOnlyMemory<int> ids, WindowOptions options)
    {
        int stride = options.Stride ?? options.Context / 2;
        if (stride < 1 || stride > options.Context)
            throw new UsageException($"A stride of {stride} makes no sense with a context of {options.Context}: between 1 and {options.Context}.");
        return LayEvery(stride, ids, options.Context);
    }

    private static IEnumerable<TokenWindow> LayEvery(int stride, ReadOnlyMemory<int> ids, int context)
    {
        int scored = 1;
        for (int begin = 0, end = 0; end < ids.Length; begin += stride)
        {
            end = Math.Min(begin + context, ids.Length);
            // With stride = context the first token of a window is new but nothing in the window predicts it.
            int firstTarget = Math.Max(scored - begin, 1);
            if (end - begin > firstTarget)
                yield return new TokenWindow(ids[begin..end], firstTarget);
            scored = end;
        }
    }
}
