namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>What becomes of the matches of a Split.</summary>
internal enum SplitBehavior
{
    /// <summary>They are left out.</summary>
    Removed,
    /// <summary>They are words of their own.</summary>
    Isolated,
    /// <summary>They belong to the word before them.</summary>
    MergedWithPrevious,
    /// <summary>They belong to the word behind them.</summary>
    MergedWithNext,
    /// <summary>Neighbours are one word.</summary>
    Contiguous,
}

/// <summary>Puts matches and what lies between them together.</summary>
/// <param name="behavior">What becomes of matches.</param>
/// <param name="pieces">Where the pieces go.</param>
internal ref struct MatchCutter(SplitBehavior behavior, List<Word> pieces)
{
    private readonly int first = pieces.Count;
    private bool wasMatch;
    private bool hasBefore;
    private bool hasEmpty;

    /// <summary>Takes the next stretch of a word, in bytes; an empty one separates what lies around it as any other does.</summary>
    public void Add(int start, int end, bool isMatch)
    {
        bool joins = hasBefore && behavior switch
        {
            SplitBehavior.MergedWithPrevious => isMatch && !wasMatch,
            SplitBehavior.MergedWithNext => wasMatch && !isMatch,
            SplitBehavior.Contiguous => isMatch == wasMatch,
            _ => false,
        };
        (wasMatch, hasBefore) = (isMatch, true);
        if (behavior == SplitBehavior.Removed && isMatch)
            return;
        if (joins)
            pieces[^1] = pieces[^1] with { Length = pieces[^1].Length + end - start };
        else
            pieces.Add(new Word(start, end - start));
        hasEmpty |= start == end;
    }

    /// <summary>Ends the word: pieces that stayed empty go.</summary>
    public readonly void Finish()
    {
        if (!hasEmpty)
            return;
        int kept = first;
        for (int i = first; i < pieces.Count; i++)
        {
            if (pieces[i].Length > 0)
                pieces[kept++] = pieces[i];
        }
        pieces.RemoveRange(kept, pieces.Count - kept);
    }
}
