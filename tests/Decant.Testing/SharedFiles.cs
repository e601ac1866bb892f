using Xunit;

namespace Decant.Testing;

/// <summary>
/// Where the reference fixtures, models and data live: <c>$DECANT_SHARED</c>, or the folder <c>shared</c> beside the checkout.
/// Without either, <c>tests/fixtures</c> of the checkout holds a choice of the fixtures. Tests whose files are in neither place skip
/// with a message; CI has all of them, so nothing is skipped there.
/// </summary>
public static class SharedFiles
{
    /// <summary>The root of the checkout.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    /// <summary>The shared folder, or null.</summary>
    public static string? Root { get; } = FindShared();

    /// <summary>The path of a shared file or folder; skips the running test if it is absent.</summary>
    public static string Require(params string[] parts)
    {
        string? path = Find(parts);
        Assert.SkipWhen(path is null, $"needs shared/{string.Join('/', parts)} (set DECANT_SHARED or put the folder beside the checkout)");
        return path!;
    }

    /// <summary>Skips the running test where only the checkout's choice of fixtures is there: for tests that count all of them.</summary>
    public static void RequireWholeSet() =>
        Assert.SkipWhen(Root is null, "needs the whole folder shared (set DECANT_SHARED or put it beside the checkout)");

    /// <summary>The path of a shared file or folder, or null if it is absent.</summary>
    public static string? Find(params string[] parts)
    {
        string path = Path.Combine([Root ?? Path.Combine(RepositoryRoot, "tests"), .. parts]);
        return File.Exists(path) || Directory.Exists(path) ? path : null;
    }

    /// <summary>Names of the sub-folders of a shared folder, for theory data; empty where it is absent.</summary>
    public static IEnumerable<string> Folders(params string[] parts)
    {
        string? path = Find(parts);
        return path is not null && Directory.Exists(path)
            ? Directory.GetDirectories(path).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal)
            : [];
    }

    private static string? FindShared()
    {
        string? fromEnvironment = Environment.GetEnvironmentVariable("DECANT_SHARED");
        if (!string.IsNullOrEmpty(fromEnvironment))
            return Directory.Exists(fromEnvironment) ? Path.GetFullPath(fromEnvironment) : null;
        string beside = Path.Combine(RepositoryRoot, "..", "shared");
        return Directory.Exists(beside) ? Path.GetFullPath(beside) : null;
    }

    private static string FindRepositoryRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Decant.slnx")))
                return folder;
        }
        throw new InvalidOperationException("The tests run from outside a checkout: no Decant.slnx above " + AppContext.BaseDirectory);
    }
}
