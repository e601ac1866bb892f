using System.Globalization;
using System.Text;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers.Patterns;

/// <summary>
/// The letters a regular expression can tell apart: code points that are in the same of its sets are one letter, written as one UTF-16 unit. So an engine that works on
/// UTF-16 and has classes of another Unicode version matches code points by Oniguruma's.
/// </summary>
internal sealed class CodePointAlphabet
{
    private const int PageBits = 8;
    private const int MostLetters = 0xD800;

    private readonly char[][] pages = new char[(CodePointSet.MaxCodePoint + 1) >> PageBits][];
    private readonly List<int> examples = [];

    /// <summary>Finds the letters.</summary>
    /// <param name="sets">The sets of the expression.</param>
    /// <exception cref="FormatException">There are too many letters.</exception>
    public CodePointAlphabet(IReadOnlyList<CodePointSet> sets)
    {
        var starts = new SortedSet<int> { 0 };
        foreach (CodePointSet set in sets)
        {
            foreach ((int first, int last) in set.Ranges)
            {
                starts.Add(first);
                if (last < CodePointSet.MaxCodePoint)
                    starts.Add(last + 1);
            }
        }
        int[] ordered = [.. starts];
        var letters = new Dictionary<string, char>(StringComparer.Ordinal);
        char[] membership = new char[sets.Count];
        for (int i = 0; i < ordered.Length; i++)
        {
            for (int set = 0; set < membership.Length; set++)
                membership[set] = sets[set].Contains(ordered[i]) ? '1' : '0';
            string key = new(membership);
            if (!letters.TryGetValue(key, out char letter))
            {
                if (examples.Count == MostLetters)
                    throw new FormatException($"sets that tell more than {MostLetters} kinds of characters apart");
                letters.Add(key, letter = (char)examples.Count);
                examples.Add(ordered[i]);
            }
            Fill(ordered[i], i + 1 < ordered.Length ? ordered[i + 1] : CodePointSet.MaxCodePoint + 1, letter);
        }
    }

    /// <summary>The letter of a code point.</summary>
    public char LetterOf(int codePoint) => pages[codePoint >> PageBits][codePoint & (1 << PageBits) - 1];

    /// <summary>One of the sets as .NET's regular expressions write it.</summary>
    public string Write(CodePointSet set)
    {
        var text = new StringBuilder();
        int count = 0;
        for (int letter = 0; letter < examples.Count; letter++)
        {
            if (!set.Contains(examples[letter]))
                continue;
            text.Append(CultureInfo.InvariantCulture, $"\\u{letter:X4}");
            count++;
        }
        return count switch
        {
            0 => "(?!)",
            1 => text.ToString(),
            _ when count == examples.Count => @"[\s\S]",
            _ => $"[{text}]",
        };
    }

    private void Fill(int start, int end, char letter)
    {
        char[]? whole = null;
        while (start < end)
        {
            int page = start >> PageBits, pageEnd = (page + 1) << PageBits;
            if (start == page << PageBits && end >= pageEnd)
            {
                if (whole is null)
                    Array.Fill(whole = new char[1 << PageBits], letter);
                pages[page] = whole;
                start = pageEnd;
                continue;
            }
            // A page that starts with another letter has been begun already.
            pages[page] ??= new char[1 << PageBits];
            int last = Math.Min(end, pageEnd);
            Array.Fill(pages[page], letter, start - (page << PageBits), last - start);
            start = last;
        }
    }
}
