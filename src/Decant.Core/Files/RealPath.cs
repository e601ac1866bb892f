namespace Decant.Core.Files;

/// <summary>Compares paths by what they name: relative parts and symbolic links are followed.</summary>
internal static class RealPath
{
    private static readonly StringComparison comparison =
        OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    /// <summary>True if both paths name the same file or folder (which need not exist).</summary>
    public static bool AreEqual(string first, string second) => string.Equals(Resolve(first), Resolve(second), comparison);

    /// <summary>True if <paramref name="path"/> is <paramref name="folder"/> or lies in it.</summary>
    public static bool IsWithin(string path, string folder)
    {
        string inner = Resolve(path);
        string outer = Resolve(folder);
        return string.Equals(inner, outer, comparison) || inner.StartsWith(outer.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, comparison);
    }

    /// <summary>The absolute path with every symbolic link followed, as far as the path exists.</summary>
    public static string Resolve(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(full) is not { } parent)
            return full;
        string here = Path.Combine(Resolve(parent), Path.GetFileName(full));
        try
        {
            FileSystemInfo? target = File.ResolveLinkTarget(here, returnFinalTarget: true);
            return target is null ? here : Path.TrimEndingDirectorySeparator(target.FullName);
        }
        catch (IOException)
        {
            // A cycle of links, or a path that does not exist: it stands for itself.
            return here;
        }
    }
}
