namespace Decant.Evaluation.Scoring;

/// <summary>Consecutive windows that are read together.</summary>
/// <param name="First">Index of the first.</param>
/// <param name="Count">How many.</param>
public readonly record struct WindowBatch(int First, int Count)
{
    /// <summary>Divides windows into batches, in order; a window that exceeds a limit by itself is a batch of its own.</summary>
    /// <param name="windows">The windows.</param>
    /// <param name="mostIds">The most ids of a batch that are read.</param>
    /// <param name="mostTargets">The most ids of a batch that are scored.</param>
    internal static IEnumerable<WindowBatch> Divide(IReadOnlyList<TokenWindow> windows, int mostIds, int mostTargets)
    {
        for (int first = 0, end; first < windows.Count; first = end)
        {
            long ids = 0;
            long targets = 0;
            for (end = first; end < windows.Count; end++)
            {
                ids += windows[end].Ids.Length - 1;
                targets += windows[end].TargetCount;
                if (end > first && (ids > mostIds || targets > mostTargets))
                    break;
            }
            yield return new WindowBatch(first, end - first);
        }
    }
}
