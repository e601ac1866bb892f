namespace Decant.Core.Tokenizers.Unicode;

/// <summary>A set of code points as ranges: sorted, without overlap, with gaps between them. Immutable.</summary>
internal sealed class CodePointSet
{
    /// <summary>The largest code point.</summary>
    public const int MaxCodePoint = 0x10FFFF;

    private readonly (int First, int Last)[] ranges;

    private CodePointSet((int First, int Last)[] ranges) => this.ranges = ranges;

    /// <summary>No code point.</summary>
    public static CodePointSet Empty { get; } = new([]);

    /// <summary>Every code point.</summary>
    public static CodePointSet All { get; } = new([(0, MaxCodePoint)]);

    /// <summary>The ranges, both ends included.</summary>
    public ReadOnlySpan<(int First, int Last)> Ranges => ranges;

    /// <summary>A set of ranges in any order, which may overlap.</summary>
    public static CodePointSet Of(params IEnumerable<(int First, int Last)> ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach ((int first, int last) in ranges.Order())
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(last, merged[^1].Last));
            else
                merged.Add((first, last));
        }
        return new CodePointSet([.. merged]);
    }

    /// <summary>The set of one code point.</summary>
    public static CodePointSet Of(int codePoint) => new([(codePoint, codePoint)]);

    /// <summary>The code points that meet a condition, which is asked for each.</summary>
    public static CodePointSet Where(Func<int, bool> condition)
    {
        var found = new List<(int, int)>();
        int start = -1;
        for (int codePoint = 0; codePoint <= MaxCodePoint + 1; codePoint++)
        {
            bool isIn = codePoint <= MaxCodePoint && condition(codePoint);
            if (isIn && start < 0)
                start = codePoint;
            if (isIn || start < 0)
                continue;
            found.Add((start, codePoint - 1));
            start = -1;
        }
        return new CodePointSet([.. found]);
    }

    /// <summary>What is in either set.</summary>
    public CodePointSet Union(CodePointSet other) => Of([.. ranges, .. other.ranges]);

    /// <summary>What is in both sets.</summary>
    public CodePointSet Intersect(CodePointSet other)
    {
        var common = new List<(int, int)>();
        for (int i = 0, j = 0; i < ranges.Length && j < other.ranges.Length;)
        {
            int first = Math.Max(ranges[i].First, other.ranges[j].First), last = Math.Min(ranges[i].Last, other.ranges[j].Last);
            if (first <= last)
                common.Add((first, last));
            if (ranges[i].Last < other.ranges[j].Last)
                i++;
            else
                j++;
        }
        return new CodePointSet([.. common]);
    }

    /// <summary>What is not in the set.</summary>
    public CodePointSet Complement()
    {
        var gaps = new List<(int, int)>();
        int next = 0;
        foreach ((int first, int last) in ranges)
        {
            if (first > next)
                gaps.Add((next, first - 1));
            next = last + 1;
        }
        if (next <= MaxCodePoint)
            gaps.Add((next, MaxCodePoint));
        return new CodePointSet([.. gaps]);
    }

    /// <summary>True if the code point is in the set.</summary>
    public bool Contains(int codePoint)
    {
        int low = 0, high = ranges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (codePoint < ranges[middle].First)
                high = middle - 1;
            else if (codePoint > ranges[middle].Last)
                low = middle + 1;
            else
                return true;
        }
        return false;
    }
}
