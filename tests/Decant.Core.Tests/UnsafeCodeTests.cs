using System.Text.RegularExpressions;
using Decant.Testing;

namespace Decant.Core.Tests;

public sealed partial class UnsafeCodeTests
{
    [Fact]
    public void Unsafe_code_is_in_the_engine_and_the_mapped_file_alone()
    {
        string source = Path.Combine(SharedFiles.RepositoryRoot, "src");
        string[] files = [.. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(source, f).Replace('\\', '/'))];
        Assert.True(files.Length > 50);
        string[] found = [.. files
            .Where(f => !f.StartsWith("Decant.Engine/", StringComparison.Ordinal))
            .Where(f => File.ReadLines(Path.Combine(source, f)).Any(l => UnsafeKeyword().IsMatch(l)))];
        Assert.Equal(["Decant.Core/Files/MappedFile.cs"], found);
    }

    /// <summary>The keyword as a modifier or before a block, not the word in a comment or a text.</summary>
    [GeneratedRegex(@"^\s*unsafe\b|\b(public|internal|private|protected|static|sealed|readonly|virtual|override)\s+unsafe\b|\bunsafe\s*\{")]
    private static partial Regex UnsafeKeyword();
}
