using Decant.Core.Text;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers.Patterns;

/// <summary>Which code points differ in case only (simple folding: one code point for one), for <c>(?i:…)</c>.</summary>
internal static class CaseFolding
{
    // Three and more code points of one letter; the simple mappings know the first two.
    private static readonly int[][] furtherForms = [['s', 'S', 0x17F], ['k', 'K', 0x212A], [0xE5, 0xC5, 0x212B], [0xDF, 0x1E9E], [0x3C9, 0x3A9, 0x2126], [0x3C3, 0x3A3, 0x3C2], [0xB5, 0x3BC, 0x39C]];

    private static readonly Lazy<Dictionary<int, int[]>> others = new(FindOthers);

    /// <summary>The set with everything that differs from its members in case only.</summary>
    public static CodePointSet Close(CodePointSet set)
    {
        var added = new List<(int, int)>();
        foreach ((int codePoint, int[] forms) in others.Value)
        {
            if (set.Contains(codePoint))
                added.AddRange(forms.Select(f => (f, f)));
        }
        return added.Count == 0 ? set : set.Union(CodePointSet.Of(added));
    }

    private static Dictionary<int, int[]> FindOthers()
    {
        var groups = new Dictionary<int, HashSet<int>>();
        for (int codePoint = 0; codePoint <= CodePointSet.MaxCodePoint; codePoint++)
        {
            if (codePoint == 0xD800)
                codePoint = 0xE000;
            Join(codePoint, SimpleCase.Lower(codePoint));
            Join(codePoint, SimpleCase.Lower(SimpleCase.Upper(codePoint)));
        }
        foreach (int[] forms in furtherForms)
        {
            foreach (int form in forms)
                Join(forms[0], form);
        }
        return groups.ToDictionary(pair => pair.Key, pair => pair.Value.Where(f => f != pair.Key).ToArray());

        void Join(int one, int other)
        {
            if (one == other)
                return;
            HashSet<int> joined = [one, other, .. groups.GetValueOrDefault(one) ?? [], .. groups.GetValueOrDefault(other) ?? []];
            foreach (int form in joined)
                groups[form] = joined;
        }
    }
}
