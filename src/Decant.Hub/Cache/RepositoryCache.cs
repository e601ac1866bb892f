using Decant.Core.Errors;

namespace Decant.Hub.Cache;

/// <summary>
/// The folder of one repository in the local cache, in the layout that huggingface_hub documents
/// (https://huggingface.co/docs/hub/local-cache): content under its hash in <c>blobs</c>, a commit's files as relative links to it in
/// <c>snapshots</c>, names of commits in <c>refs</c>, what a commit is known to lack in <c>.no_exist</c>. Python's tools find what is written here,
/// and what they wrote is found.
/// </summary>
internal sealed class RepositoryCache
{
    private readonly string cacheFolder;
    private readonly string folderName;

    public RepositoryCache(string cacheFolder, string repository)
    {
        this.cacheFolder = cacheFolder;
        folderName = "models--" + repository.Replace("/", "--", StringComparison.Ordinal);
    }

    /// <summary>The repository's folder.</summary>
    public string Folder => Path.Combine(cacheFolder, folderName);

    /// <summary>The folder of a commit's files.</summary>
    public string SnapshotFolder(string commit) => Path.Combine(Folder, "snapshots", commit);

    /// <summary>Where content of this hash lies when it is whole.</summary>
    public string BlobPath(string hash) => Path.Combine(Folder, "blobs", hash);

    /// <summary>Where it lies until then.</summary>
    public string PartPath(string hash) => BlobPath(hash) + ".incomplete";

    /// <summary>The file whose lock says who downloads.</summary>
    public string LockPath(string hash) => Path.Combine(cacheFolder, ".locks", folderName, hash + ".lock");

    /// <summary>The path of a commit's file if it is there and its content too, else null.</summary>
    public string? FindFile(string commit, string path)
    {
        string link = Path.Combine(SnapshotFolder(commit), path);
        return FindContent(link) is null ? null : link;
    }

    /// <summary>The size of a commit's file.</summary>
    public long ByteCountOf(string commit, string path) => FindContent(Path.Combine(SnapshotFolder(commit), path))?.Length ?? 0;

    /// <summary>Paths of all files of a commit that are there, with forward slashes.</summary>
    public IReadOnlyList<string> ListFiles(string commit)
    {
        string folder = SnapshotFolder(commit);
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(path => FindContent(path) is not null).Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))]
            : [];
    }

    /// <summary>True if the commit is known to lack the file.</summary>
    public bool IsKnownMissing(string commit, string path) => File.Exists(Path.Combine(Folder, ".no_exist", commit, path));

    /// <summary>The commit that a branch or tag stood for when it was last asked for, or null.</summary>
    public string? FindCommit(string revision)
    {
        if (HubReference.IsCommit(revision))
            return revision;
        string path = Path.Combine(Folder, "refs", revision);
        if (!File.Exists(path))
            return null;
        // A commit and perhaps a line's end; anything longer is no such file.
        string text = new FileInfo(path).Length > 64 ? "" : File.ReadAllText(path).Trim();
        return HubReference.IsCommit(text) ? text : null;
    }

    /// <summary>Notes the commit of a branch or tag.</summary>
    public void WriteReference(string revision, string commit)
    {
        if (!HubReference.IsCommit(revision) && FindCommit(revision) != commit)
            WriteWhole(Path.Combine(Folder, "refs", revision), commit);
    }

    /// <summary>Notes that a commit lacks a file.</summary>
    public void WriteMissing(string commit, string path)
    {
        if (!IsKnownMissing(commit, path))
            WriteWhole(Path.Combine(Folder, ".no_exist", commit, path), "");
    }

    /// <summary>Gives content its name in a commit: a relative link, or the content itself where the system allows no links.</summary>
    public void Link(string commit, string path, string hash)
    {
        string link = Path.Combine(SnapshotFolder(commit), path);
        string folder = Path.GetDirectoryName(link)!;
        Directory.CreateDirectory(folder);
        var existing = new FileInfo(link);
        string target = Path.GetRelativePath(folder, BlobPath(hash));
        if (existing.LinkTarget == target || (existing.Exists && existing.LinkTarget is null && !File.Exists(BlobPath(hash))))
            return;
        // Made beside and renamed: another process may be making the same.
        string temporary = $"{link}.{Path.GetRandomFileName()}";
        try
        {
            File.CreateSymbolicLink(temporary, target);
            File.Move(temporary, link, overwrite: true);
        }
        catch (Exception e) when (OperatingSystem.IsWindows() && e is IOException or UnauthorizedAccessException)
        {
            File.Move(BlobPath(hash), link, overwrite: true);
        }
    }

    /// <summary>Makes the folders that a download writes to.</summary>
    /// <exception cref="BadFileException">They cannot be made.</exception>
    public void Create()
    {
        try
        {
            foreach (string folder in (string[])["blobs", "refs", "snapshots"])
                Directory.CreateDirectory(Path.Combine(Folder, folder));
            Directory.CreateDirectory(Path.Combine(cacheFolder, ".locks", folderName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{Folder}: the cache cannot be written: {e.Message} HF_HUB_CACHE names another folder.", e);
        }
    }

    // A link is a file for the runtime, with its own length, whether it leads somewhere or not.
    private static FileSystemInfo? Follow(FileInfo file) => file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true);

    private static FileInfo? FindContent(string path) => Follow(new FileInfo(path)) is FileInfo { Exists: true } content ? content : null;

    private static void WriteWhole(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string temporary = $"{path}.{Path.GetRandomFileName()}";
        File.WriteAllText(temporary, text);
        File.Move(temporary, path, overwrite: true);
    }
}
