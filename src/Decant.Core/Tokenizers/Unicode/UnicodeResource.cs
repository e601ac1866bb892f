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

    /// <summary>A code point in hexadecimal.</summary>
    public static int Hexadecimal(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
