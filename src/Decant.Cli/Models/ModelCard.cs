namespace Decant.Cli.Models;

/// <summary>The README of a Hugging Face model, whose YAML front matter names the licence.</summary>
internal static class ModelCard
{
    // Front matter is short; a README need not be read to its end.
    private const int MostLines = 200;

    /// <summary>The value of <c>license:</c> in the front matter, several with commas between, or null.</summary>
    public static string? FindLicense(string? path)
    {
        if (path is null)
            return null;
        try
        {
            string[] lines = [.. File.ReadLines(path).Take(MostLines).Select(line => line.TrimEnd())];
            if (lines is not ["---", ..])
                return null;
            string[] frontMatter = [.. lines.Skip(1).TakeWhile(line => line != "---")];
            string? license = Find(frontMatter, "license");
            // Licences without an identifier of their own are named in a second key.
            return license == "other" && Find(frontMatter, "license_name") is { } name ? $"{license} ({name})" : license;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // A value on the key's line, or a list on it or below it.
    private static string? Find(string[] lines, string key)
    {
        int index = Array.FindIndex(lines, line => line.StartsWith(key + ":", StringComparison.Ordinal));
        if (index < 0)
            return null;
        string value = lines[index][(key.Length + 1)..].Trim();
        IEnumerable<string> values = value.Length > 0 ? value.Trim('[', ']').Split(',')
            : lines.Skip(index + 1).Select(line => line.Trim()).TakeWhile(line => line.StartsWith("- ", StringComparison.Ordinal)).Select(line => line[2..]);
        string stated = string.Join(", ", values.Select(each => each.Trim().Trim('"', '\'')).Where(each => each.Length > 0));
        return stated.Length == 0 ? null : stated;
    }
}
