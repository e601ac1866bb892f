namespace Decant.Cli.Models;

/// <summary>The README of a Hugging Face model, whose YAML front matter names the licence.</summary>
internal static class ModelCard
{
    // Front matter is short; a README need not be read to its end.
    private const int MostLines = 200;

    /// <summary>The value of <c>license:</c> in the front matter, or null.</summary>
    public static string? FindLicense(string? path)
    {
        if (path is null)
            return null;
        try
        {
            string[] lines = [.. File.ReadLines(path).Take(MostLines)];
            if (lines is not ["---", ..])
                return null;
            string? line = lines.Skip(1).TakeWhile(l => l != "---").FirstOrDefault(l => l.StartsWith("license:", StringComparison.Ordinal));
            string? value = line?["license:".Length..].Trim().Trim('"', '\'');
            return string.IsNullOrEmpty(value) ? null : value;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
