namespace Decant.Core.Tokenizers.Unicode;

/// <summary>
/// General categories of Unicode 8.0, which the BERT and accent normalizers of the reference tokenizers go by; a newer table would treat newer characters
/// otherwise.
/// </summary>
internal static class OlderCategories
{
    private const string Resource = "categories-8.0.txt";

    private static readonly Lazy<Dictionary<string, CodePointSet>> sections = new(() => UnicodeResource.ReadSections(Resource));

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

    private static bool Contains(string section, int codePoint) => sections.Value[section].Contains(codePoint);
}
