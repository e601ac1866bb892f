using Decant.Core.Errors;
using Decant.Evaluation.Statistics;

namespace Decant.Evaluation.Scoring;

/// <summary>What scoring demands of windows and logits, with messages that name the model, window and position.</summary>
internal static class ScoringChecks
{
    public static void Windows(ILogitsSource model, IReadOnlyList<TokenWindow> windows)
    {
        if (windows.Count == 0)
            throw new UsageException("There is no window of tokens to score.");
        for (int index = 0; index < windows.Count; index++)
        {
            TokenWindow window = windows[index];
            if (window.FirstTarget < 1 || window.TargetCount < 1)
                throw new ArgumentException($"Window {index} of {window.Ids.Length} ids cannot be scored from id {window.FirstTarget}.", nameof(windows));
            if (window.Ids.Length - 1 > model.Capacity)
                throw new ArgumentException($"Window {index} has {window.Ids.Length} ids; {model.Name} has room for {model.Capacity}.", nameof(windows));
            foreach (int id in window.Ids.Span)
            {
                if ((uint)id >= (uint)model.VocabularySize)
                    throw new UsageException($"{model.Name}: token id {id} in window {index} is outside the vocabulary of {model.VocabularySize}.");
            }
        }
    }

    public static void Finite(LogNormaliser normaliser, ILogitsSource model, int window, int position)
    {
        if (!normaliser.IsFinite)
            throw new NumericalException($"{model.Name}: the logits of window {window}, position {position} hold NaN or infinity. 'decant verify FILE --against THE-ORIGINAL' finds the tensor.");
    }
}
