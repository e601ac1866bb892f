using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Perplexity;

/// <summary>
/// What llama.cpp's perplexity tool does by default: consecutive windows of n tokens; the logits of positions n/2 … n−2 are scored against the ids that
/// follow them (255 of 512); if the vocabulary wants a beginning-of-sequence token, it replaces the first id of every window. At least two windows of text.
/// </summary>
public sealed class LlamaCppProtocol : PerplexityProtocol
{
    /// <inheritdoc/>
    public override string Name => "llama.cpp";

    /// <inheritdoc/>
    public override string Description => "consecutive windows, the second half of each scored, as llama.cpp's perplexity tool does";

    /// <inheritdoc/>
    public override bool AddsSpecialTokens => true;

    /// <inheritdoc/>
    public override bool RecognisesSpecialTokens => false;

    /// <inheritdoc/>
    protected override int LeastContext => 3;

    /// <inheritdoc/>
    protected override int LeastTokenCount(WindowOptions options) => 2 * options.Context;

    /// <inheritdoc/>
    protected override IEnumerable<TokenWindow> Lay(ReadOnlyMemory<int> ids, WindowOptions options)
    {
        int firstTarget = options.Context / 2 + 1;
        for (int begin = 0; begin + options.Context <= ids.Length; begin += options.Context)
        {
            ReadOnlyMemory<int> window = ids.Slice(begin, options.Context);
            if (options.BeginToken is { } beginToken)
            {
                int[] changed = window.ToArray();
                changed[0] = beginToken;
                window = changed;
            }
            yield return new TokenWindow(window, firstTarget);
        }
    }
}
