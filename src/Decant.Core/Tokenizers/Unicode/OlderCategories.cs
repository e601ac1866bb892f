namespace Decant.Core.Tokenizers.Unicode;

/// <summary>
/// General categories of Unicode 8.0, which the BERT and accent normalizers of the reference tokenizers go by; a newer table would treat newer characters
/// otherwise.
/// </summary>
internal static class OlderCategories
{
    private const string Resource = "categories-8.0.txt";

    private static readonly Lazy<Dictionary<string, (int First, int Last)[]>> sections = new(Read);

    /// <summary>Punctuation, and the ASCII characters that are neither letters, digits, spaces nor controls.</summary>
    public static bool IsPunctuation(int codePoint) => codePoint < 0x80
        ? codePoint is >= 33 and <= 47 or >= 58 and <= 64 or >= 91 and <= 96 or >= 123 and <= 126
        : Contains("punctuation", codePoint);

    /// <summary>Marks of any kind.</summary>
    public static bool IsMark(int codePoint) => codePoint >= 0x300 && Contains("marks", codePoint);

    /// <summary>Non-spacing marks.</summary>
    public static bool IsNonSpacingMark(int codePoint) => codePoint >= 0x300 && Contains("nonspacing", codePoint);

    /// <summary>Controls, formats, private use and U+FFFD, without tab, line feed and carriage return.</summary>
    public static bool IsControl(int codePoint) => codePoint is < 0x20 or >= 0x7F && Contains("control", codePoint);

    private static bool Contains(string section, int codePoint)
    {
        (int First, int Last)[] ranges = sections.Value[section];
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

    private static Dictionary<string, (int First, int Last)[]> Read()
    {
        var ranges = new Dictionary<string, List<(int, int)>>(StringComparer.Ordinal);
        List<(int, int)> current = [];
        foreach (string line in UnicodeResource.ReadLines(Resource))
        {
            if (char.IsAsciiLetterLower(line[0]))
            {
                ranges.Add(line, current = []);
                continue;
            }
            foreach (string item in line.Split(' '))
            {
                int dash = item.IndexOf('-', StringComparison.Ordinal);
                int first = UnicodeResource.Hexadecimal(dash < 0 ? item : item.AsSpan(0, dash));
                current.Add((first, dash < 0 ? first : UnicodeResource.Hexadecimal(item.AsSpan(dash + 1))));
            }
        }
        return ranges.ToDictionary(pair => pair.Key, pair => pair.Value.ToArray(), StringComparer.Ordinal);
    }
}
