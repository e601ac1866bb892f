namespace Decant.Evaluation.Scoring;

/// <summary>One run of the model from an empty cache, and which of its ids count.</summary>
/// <param name="Ids">What the model reads, the last id excepted, which is only predicted.</param>
/// <param name="FirstTarget">Ids from this index on are scored; at least 1, for nothing predicts the first id.</param>
public readonly record struct TokenWindow(ReadOnlyMemory<int> Ids, int FirstTarget)
{
    /// <summary>How many ids are scored.</summary>
    public int TargetCount => Ids.Length - FirstTarget;
}
