namespace Decant.Evaluation.Scoring;

/// <summary>One continuation behind its context.</summary>
/// <param name="Set">Index of the set.</param>
/// <param name="Choice">Index of the continuation in its set.</param>
/// <param name="Ids">Context and continuation.</param>
/// <param name="ContextLength">Ids of the context.</param>
internal sealed record ContinuationText(int Set, int Choice, int[] Ids, int ContextLength) : IComparable<ContinuationText>
{
    /// <summary>What the model reads: all but the last id, which is only predicted.</summary>
    public ReadOnlySpan<int> Input => Ids.AsSpan(0, Ids.Length - 1);

    /// <summary>The first position whose logits are wanted: they predict the continuation's first id.</summary>
    public int FirstWanted => ContextLength - 1;

    /// <summary>Orders by what the model reads, so that texts with a common beginning lie together, a text before those that go on from it.</summary>
    public int CompareTo(ContinuationText? other)
    {
        if (other is null)
            return 1;
        int order = Input.SequenceCompareTo(other.Input);
        return order != 0 ? order : (Set, Choice).CompareTo((other.Set, other.Choice));
    }
}
