namespace Decant.Compression.Methods.Mixtures;

/// <summary>Finds the known name nearest to a misspelt one.</summary>
internal static class NameSuggestion
{
    /// <summary>The candidate of the smallest Levenshtein distance, ignoring case, hyphens and underscores at equal cost; the first wins.</summary>
    public static string Nearest(string typed, IEnumerable<string> candidates)
    {
        // A name typed with other separators (q4-k-m, q4km) is as near as if it had been typed right.
        string plain = Plain(typed);
        return candidates
            .Select((name, index) => (Name: name, Key: (Distance(plain, Plain(name)), Distance(typed.ToUpperInvariant(), name.ToUpperInvariant()), index)))
            .MinBy(candidate => candidate.Key)
            .Name;
    }

    private static string Plain(string name) =>
        string.Concat(name.Where(char.IsLetterOrDigit)).ToUpperInvariant();

    /// <summary>Levenshtein distance: insertions, deletions and replacements.</summary>
    internal static int Distance(string left, string right)
    {
        // What is typed on a command line is short; the cap keeps a hostile argument from costing time.
        left = left.Length > 64 ? left[..64] : left;
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
