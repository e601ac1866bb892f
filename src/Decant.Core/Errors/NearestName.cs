namespace Decant.Core.Errors;

/// <summary>Finds which known name a mistyped one probably meant, for messages.</summary>
public static class NearestName
{
    // What is typed is short; the cap keeps a hostile argument from costing time.
    private const int LongestTyped = 64;

    /// <summary>
    /// The candidate nearest to what was typed: case and separators (<c>q4-k-m</c>, <c>q4km</c>) weigh less than letters; of equals the first.
    /// </summary>
    /// <param name="typed">What was typed.</param>
    /// <param name="candidates">At least one name.</param>
    public static string Of(string typed, IEnumerable<string> candidates) => Ranked(typed, candidates).Name;

    /// <summary>The candidate nearest to what was typed, or null if none is near: about a third of the letters may be wrong.</summary>
    public static string? Find(string typed, IEnumerable<string> candidates)
    {
        (string name, int distance) = Ranked(typed, candidates);
        return distance <= Math.Max(1, Plain(typed).Length / 3) && typed.Length > 0 ? name : null;
    }

    /// <summary>A sentence to append to a message, with a blank before it, or nothing if no candidate is near.</summary>
    public static string Hint(string typed, IEnumerable<string> candidates) => Find(typed, candidates) is { } nearest ? $" Did you mean '{nearest}'?" : "";

    private static (string Name, int Distance) Ranked(string typed, IEnumerable<string> candidates)
    {
        string plain = Plain(typed);
        return candidates
            .Select((name, index) => (Name: name, Letters: Distance(plain, Plain(name)), Exact: Distance(typed.ToUpperInvariant(), name.ToUpperInvariant()), index))
            .OrderBy(c => c.Letters).ThenBy(c => c.Exact).ThenBy(c => c.index)
            .Select(c => (c.Name, c.Letters))
            .First();
    }

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToUpperInvariant();

    /// <summary>Insertions, deletions, replacements and swaps of neighbours (optimal string alignment, Damerau 1964).</summary>
    internal static int Distance(string a, string b)
    {
        a = a.Length > LongestTyped ? a[..LongestTyped] : a;
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            cost[i, 0] = i;
        for (int j = 0; j <= b.Length; j++)
            cost[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int substitution = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(substitution, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }
        return cost[a.Length, b.Length];
    }
}
