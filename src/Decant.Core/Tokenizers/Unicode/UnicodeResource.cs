using System.Globalization;
using System.Reflection;

namespace Decant.Core.Tokenizers.Unicode;

/// <summary>Reads the tables of older Unicode versions that lie in the assembly.</summary>
internal static class UnicodeResource
{
    /// <summary>The lines of a table but for comments.</summary>
    public static IEnumerable<string> ReadLines(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The resource {name} is missing from the assembly.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#'))
                yield return line;
        }
    }

    /// <summary>The ranges of a table of sections: a line in lower case begins one, ranges in upper-case hexadecimal follow.</summary>
    public static Dictionary<string, CodePointSet> ReadSections(string name)
    {
        var sections = new Dictionary<string, List<(int, int)>>(StringComparer.Ordinal);
        List<(int, int)> current = [];
        foreach (string line in ReadLines(name))
        {
            if (char.IsAsciiLetterLower(line[0]))
            {
                sections.Add(line, current = []);
                continue;
            }
            foreach (string item in line.Split(' '))
            {
                int dash = item.IndexOf('-', StringComparison.Ordinal);
                int first = Hexadecimal(dash < 0 ? item : item.AsSpan(0, dash));
                current.Add((first, dash < 0 ? first : Hexadecimal(item.AsSpan(dash + 1))));
            }
        }
        return sections.ToDictionary(pair => pair.Key, pair => CodePointSet.Of(pair.Value), StringComparer.Ordinal);
    }

    /// <summary>A code point in hexadecimal.</summary>
    public static int Hexadecimal(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
