using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>A folder with files of known length that a later run can go on with, and small files that every run writes again.</summary>
public sealed class FolderOutput : ResumableOutput
{
    private const int BufferByteCount = 1 << 16;

    private readonly bool overwrite;

    private FolderOutput(string path, bool overwrite, IReadOnlyList<ResumableFile> files)
        : base(path, files)
    {
        this.overwrite = overwrite;
    }

    /// <inheritdoc/>
    public override long ByteCount => LengthOf(TemporaryPath);

    /// <summary>Says what is wrong with a path before anything is written. An empty folder of the name may exist; with <paramref name="overwrite"/> a model folder too.</summary>
    /// <param name="path">The final path.</param>
    /// <param name="byteCount">The length of the files of known length together.</param>
    /// <param name="overwrite">Whether an existing model folder may be replaced: one with a config.json and nothing that Decant does not write.</param>
    /// <param name="inputs">Files and folders that are read; they may not lie in the output, nor the output be one of them.</param>
    /// <exception cref="UsageException">The output exists and may not be replaced, or holds an input.</exception>
    /// <exception cref="BadFileException">The parent folder is missing, or the disk has no room.</exception>
    public static void Check(string path, long byteCount, bool overwrite, IEnumerable<string> inputs)
    {
        string parent = ParentOf(path), temporary = PartialPath(path);
        if (File.Exists(path))
            throw new UsageException($"{path}: the output should be a folder, but a file has this name.");
        foreach (string input in inputs)
        {
            if (RealPath.IsWithin(input, path))
                throw new UsageException($"{path}: the output folder is or holds the input {input}. Choose another output; the source is never changed.");
        }
        try
        {
            CheckReplaceable(path, overwrite);
            AtomicOutput.CheckRoom(path, parent, byteCount - (Directory.Exists(temporary) ? LengthOf(temporary) : 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ResumableFile.Failed(path, e);
        }
    }

    /// <summary>Opens what an earlier run left, or new files, after <see cref="Check"/>. Files of other names are taken away.</summary>
    /// <param name="path">The final path.</param>
    /// <param name="files">Plain names and exact lengths.</param>
    /// <param name="overwrite">Whether an existing model folder may be replaced.</param>
    /// <exception cref="UsageException">The output exists and may not be replaced.</exception>
    /// <exception cref="BadFileException">The parent folder is not writable, another process writes a file, or the file system cannot hold one.</exception>
    public static FolderOutput Open(string path, IReadOnlyList<(string Name, long ByteCount)> files, bool overwrite)
    {
        string temporary = PartialPath(path);
        BringBack(path);
        CheckReplaceable(path, overwrite);
        ResumableFile.RefuseLink(temporary, path);
        var opened = new List<ResumableFile>(files.Count);
        try
        {
            foreach (FileSystemInfo other in Directory.CreateDirectory(temporary).EnumerateFileSystemInfos().Where(entry => !files.Any(file => file.Name == entry.Name)).ToArray())
                Delete(other);
            foreach ((string name, long byteCount) in files)
                opened.Add(ResumableFile.Open(Path.Combine(temporary, name), Path.Combine(path, name), byteCount));
            return new FolderOutput(path, overwrite, opened);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or BadFileException)
        {
            // What cannot be opened as a whole is of no use.
            new FolderOutput(path, overwrite, opened).Discard();
            throw e as BadFileException ?? ResumableFile.Failed(path, e);
        }
    }

    /// <summary>A small file of the folder, written anew; to be disposed before <see cref="ResumableOutput.Synchronize"/>.</summary>
    /// <param name="name">A plain name.</param>
    /// <param name="folder">The plain name of a folder in this one, or null.</param>
    /// <exception cref="BadFileException">The file cannot be made.</exception>
    public Stream CreateFile(string name, string? folder = null)
    {
        RequirePlain(name, nameof(name));
        if (folder is not null)
            RequirePlain(folder, nameof(folder));
        Stream? stream = null;
        Guard(() =>
        {
            string inside = folder is null ? TemporaryPath : Directory.CreateDirectory(Path.Combine(TemporaryPath, folder)).FullName;
            stream = new OutputStream(new FileStream(Path.Combine(inside, name), FileMode.Create, FileAccess.ReadWrite, FileShare.Read, BufferByteCount), FinalPath);
        });
        return stream!;
    }

    /// <inheritdoc/>
    private protected override void SynchronizeRest()
    {
        foreach (string path in Directory.EnumerateFiles(TemporaryPath, "*", SearchOption.AllDirectories))
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
            stream.Flush(flushToDisk: true);
        }
        foreach (string folder in Directory.EnumerateDirectories(TemporaryPath))
            FolderSync.Synchronize(folder);
        FolderSync.Synchronize(TemporaryPath);
    }

    /// <inheritdoc/>
    private protected override void CheckReplaceable() => Guard(() => CheckReplaceable(FinalPath, overwrite));

    /// <inheritdoc/>
    private protected override void Rename()
    {
        if (!Directory.Exists(FinalPath))
        {
            Directory.Move(TemporaryPath, FinalPath);
            return;
        }
        string aside = AsidePath(FinalPath);
        Directory.Move(FinalPath, aside);
        try
        {
            Directory.Move(TemporaryPath, FinalPath);
        }
        catch
        {
            Directory.Move(aside, FinalPath);
            throw;
        }
        Directory.Delete(aside, recursive: true);
    }

    /// <inheritdoc/>
    private protected override void Delete() => Directory.Delete(TemporaryPath, recursive: true);

    private static void RequirePlain(string name, string parameter)
    {
        if (name != Path.GetFileName(name) || name is "" or "." or "..")
            throw new ArgumentException($"\"{name}\" is no plain file name.", parameter);
    }

    private static string AsidePath(string path) =>
        Path.Combine(ParentOf(path), $".{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))}.replaced");

    /// <summary>A run that ended between the two names of <see cref="Rename"/> left the folder it replaced under a hidden name.</summary>
    private static void BringBack(string path)
    {
        string aside = AsidePath(path);
        if (!Directory.Exists(aside))
            return;
        try
        {
            if (Directory.Exists(path))
                Directory.Delete(aside, recursive: true);
            else
                Directory.Move(aside, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ResumableFile.Failed(path, e);
        }
    }

    private static long LengthOf(string folder) => new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    private static void Delete(FileSystemInfo entry)
    {
        if (entry is DirectoryInfo { LinkTarget: null } folder)
            folder.Delete(recursive: true);
        else
            entry.Delete();
    }

    private static void CheckReplaceable(string path, bool overwrite)
    {
        if (!Directory.Exists(path))
            return;
        string[] entries = [.. new DirectoryInfo(path).EnumerateFileSystemInfos().Select(entry => entry is DirectoryInfo && entry.Name != ModelFolder.TemplateFolder ? entry.Name + "/" : entry.Name).Order(StringComparer.Ordinal)];
        if (entries.Length == 0)
            return;
        if (!overwrite)
            throw new UsageException($"{path}: the folder exists already. Choose another name, or replace it with --force.");
        if (!entries.Contains(ModelFolder.Config))
            throw new UsageException($"{path}: the folder holds no model (no config.json), so --force does not delete it. Choose another name.");
        string[] others = [.. entries.Where(name => !ModelFolder.IsWritten(name))];
        if (others.Length > 0)
        {
            throw new UsageException(
                $"{path}: --force would delete what Decant does not write ({string.Join(", ", others.Take(3))}{(others.Length > 3 ? ", ..." : "")}). Move it away, or choose another name.");
        }
    }
}
