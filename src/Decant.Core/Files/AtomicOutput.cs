using System.Globalization;
using System.Security.Cryptography;
using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>
/// A file or folder that gets its name only when it is whole: it is written under <c>.NAME.partial-xxxx</c> in the same folder, flushed
/// to the disk and renamed. If it is disposed before <see cref="Commit"/>, what was written is deleted, so a failure, a cancelled
/// job or a full disk leaves nothing of that name behind, and a file that was there before stays as it was.
/// </summary>
public sealed class AtomicOutput : IDisposable
{
    private const int BufferByteCount = 1 << 20;
    private const int SuffixLength = 8;
    private const string HiddenInfix = ".partial-";

    /// <summary>What a killed process left is deleted by the next job of the same name, once nothing can be at work on it any more.</summary>
    private static readonly TimeSpan abandonedAge = TimeSpan.FromDays(1);

    private readonly bool isFolder;
    private readonly bool overwrite;
    private readonly List<OutputStream> streams = [];
    private bool isSynchronized;
    private bool isCommitted;

    private AtomicOutput(string path, bool isFolder, bool overwrite)
    {
        FinalPath = path;
        this.isFolder = isFolder;
        this.overwrite = overwrite;
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        Parent = Path.GetDirectoryName(full) ?? throw new UsageException($"{path}: this cannot be an output; name a file or folder in it.");
        RemoveAbandoned(Parent, Path.GetFileName(full));
        string suffix = RandomNumberGenerator.GetHexString(SuffixLength, lowercase: true);
        TemporaryPath = Path.Combine(Parent, $".{Path.GetFileName(full)}{HiddenInfix}{suffix}");
    }

    /// <summary>The path the output gets at the end, as given.</summary>
    public string FinalPath { get; }

    /// <summary>Where it lies until then: a file or a folder. Checks of the finished output read it from here.</summary>
    public string TemporaryPath { get; }

    private string Parent { get; }

    /// <summary>Prepares to write a file.</summary>
    /// <param name="path">The final path.</param>
    /// <param name="overwrite">Whether an existing file may be replaced (<c>--force</c>).</param>
    /// <param name="inputs">Files and folders that are read; the output may be none of them.</param>
    /// <param name="byteCount">The size if it is known, to be checked against the room on the disk; else 0.</param>
    /// <exception cref="UsageException">The output exists, or is an input.</exception>
    /// <exception cref="BadFileException">The folder is missing or not writable, or the disk has no room.</exception>
    public static AtomicOutput ForFile(string path, bool overwrite, IEnumerable<string> inputs, long byteCount = 0)
    {
        CheckFile(path, overwrite, inputs);
        var output = new AtomicOutput(path, isFolder: false, overwrite);
        CheckRoom(path, output.Parent, byteCount);
        output.Guard(() => output.Create(output.TemporaryPath));
        return output;
    }

    /// <summary>Prepares to write a folder. An empty folder of the name may exist; with <paramref name="overwrite"/> a model folder too.</summary>
    /// <param name="path">The final path.</param>
    /// <param name="overwrite">Whether an existing model folder (one with a config.json and no folders inside) may be replaced.</param>
    /// <param name="inputs">Files and folders that are read; they may not lie in the output, nor the output be one of them.</param>
    /// <param name="byteCount">The size if it is known, to be checked against the room on the disk; else 0.</param>
    /// <exception cref="UsageException">The output exists and may not be replaced, or holds an input.</exception>
    /// <exception cref="BadFileException">The parent folder is missing or not writable, or the disk has no room.</exception>
    public static AtomicOutput ForFolder(string path, bool overwrite, IEnumerable<string> inputs, long byteCount = 0)
    {
        var output = new AtomicOutput(path, isFolder: true, overwrite);
        if (File.Exists(path))
            throw new UsageException($"{path}: the output should be a folder, but a file has this name.");
        foreach (string input in inputs)
        {
            if (RealPath.IsWithin(input, path))
                throw new UsageException($"{path}: the output folder is or holds the input {input}. Choose another output; the source is never changed.");
        }
        output.CheckReplaceable();
        CheckRoom(path, output.Parent, byteCount);
        output.Guard(() => Directory.CreateDirectory(output.TemporaryPath));
        return output;
    }

    /// <summary>The stream of the file, or of a new file of a folder. It may be disposed early; <see cref="Commit"/> does what is left.</summary>
    /// <param name="name">The name in the folder; null for the file itself.</param>
    /// <exception cref="BadFileException">The file cannot be made.</exception>
    public Stream OpenFile(string? name = null)
    {
        if (isFolder != (name is not null))
            throw new ArgumentException(isFolder ? "A file in a folder needs a name." : "An output file has no files in it.", nameof(name));
        if (name is null)
            return streams[0];
        if (name != Path.GetFileName(name) || name is "" or "." or "..")
            throw new ArgumentException($"\"{name}\" is no plain file name.", nameof(name));
        Guard(() => Create(Path.Combine(TemporaryPath, name)));
        return streams[^1];
    }

    /// <summary>Closes the files and waits until their content is on the disk; part of <see cref="Commit"/>, apart so that it can be timed.</summary>
    /// <exception cref="BadFileException">The disk is full or fails.</exception>
    public void Synchronize()
    {
        if (isSynchronized)
            return;
        Guard(() =>
        {
            foreach (OutputStream stream in streams)
                stream.Dispose();
            foreach (string file in isFolder ? Directory.EnumerateFiles(TemporaryPath) : [TemporaryPath])
            {
                using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
                stream.Flush(flushToDisk: true);
            }
            if (isFolder)
                FolderSync.Synchronize(TemporaryPath);
        });
        isSynchronized = true;
    }

    /// <summary>Gives the output its name. Nothing more can be written.</summary>
    /// <exception cref="UsageException">Something of this name has appeared meanwhile.</exception>
    /// <exception cref="BadFileException">The disk is full or fails, or the folder is not writable any more.</exception>
    public void Commit()
    {
        Synchronize();
        if (!isFolder && !overwrite && File.Exists(FinalPath))
            throw new UsageException($"{FinalPath}: a file of this name appeared while the output was written; it is left alone.");
        if (isFolder)
            CheckReplaceable();
        Guard(() =>
        {
            if (isFolder)
                ReplaceFolder();
            else
                File.Move(TemporaryPath, FinalPath, overwrite);
            FolderSync.Synchronize(Parent);
        });
        isCommitted = true;
    }

    /// <summary>Deletes what was written, unless it was committed.</summary>
    public void Dispose()
    {
        if (isCommitted)
            return;
        isCommitted = true;
        foreach (OutputStream stream in streams)
            stream.Abandon();
        try
        {
            if (isFolder && Directory.Exists(TemporaryPath))
                Directory.Delete(TemporaryPath, recursive: true);
            else
                File.Delete(TemporaryPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here matters more; the hidden name says what the rest is.
        }
    }

    private void Create(string path) => streams.Add(new OutputStream(
        new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, BufferByteCount), FinalPath));

    private static void RemoveAbandoned(string parent, string name)
    {
        string prefix = $".{name}{HiddenInfix}";
        try
        {
            foreach (FileSystemInfo entry in new DirectoryInfo(parent).EnumerateFileSystemInfos())
            {
                // Of that very form: a replaced folder waiting under a longer name is the user's.
                if (!entry.Name.StartsWith(prefix, StringComparison.Ordinal) || entry.Name.Length != prefix.Length + SuffixLength)
                    continue;
                if (NewestWrite(entry) > DateTime.UtcNow - abandonedAge)
                    continue;
                if (entry is DirectoryInfo folder)
                    folder.Delete(recursive: true);
                else
                    entry.Delete();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Tidying up is no reason to fail; a missing folder is reported when the output is made.
        }
    }

    private static DateTime NewestWrite(FileSystemInfo entry) =>
        entry is DirectoryInfo { LinkTarget: null } folder
            ? folder.EnumerateFileSystemInfos().Select(e => e.LastWriteTimeUtc).Append(entry.LastWriteTimeUtc).Max()
            : entry.LastWriteTimeUtc;

    /// <summary>Refuses a path that is a folder, an input, or an existing file that may not be replaced.</summary>
    internal static void CheckFile(string path, bool overwrite, IEnumerable<string> inputs)
    {
        if (Directory.Exists(path))
            throw new UsageException($"{path}: the output should be a file, but a folder has this name.");
        foreach (string input in inputs)
        {
            if (RealPath.AreEqual(path, input))
                throw new UsageException($"{path}: output and input are the same file. Choose another output name; the source is never changed.");
        }
        if (!overwrite && File.Exists(path))
            throw new UsageException($"{path}: the file exists already. Choose another name, or replace it with --force.");
    }

    /// <summary>Refuses a folder that is missing or, as far as the system says, has no room for the output.</summary>
    internal static void CheckRoom(string path, string folder, long byteCount)
    {
        if (!Directory.Exists(folder))
            throw new BadFileException($"{path}: there is no folder {folder}. Create it first.");
        if (byteCount <= 0)
            return;
        long room;
        try
        {
            room = new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Some mounts do not say; writing will tell.
            return;
        }
        if (room < byteCount)
        {
            throw new BadFileException(string.Create(CultureInfo.InvariantCulture,
                $"{path}: the output needs {byteCount / 1e6:0.0} MB, the disk has {room / 1e6:0.0} MB free. Free some space or choose another folder."));
        }
    }

    private void CheckReplaceable()
    {
        if (!Directory.Exists(FinalPath))
            return;
        string? obstacle = null;
        Guard(() =>
        {
            bool isEmpty = !Directory.EnumerateFileSystemEntries(FinalPath).Any();
            bool isModel = File.Exists(Path.Combine(FinalPath, "config.json")) && !Directory.EnumerateDirectories(FinalPath).Any();
            obstacle = isEmpty ? null
                : !overwrite ? "the folder exists already. Choose another name, or replace it with --force."
                : !isModel ? "the folder is no plain model folder (a config.json, no folders inside), so --force does not delete it. Choose another name."
                : null;
        });
        if (obstacle is not null)
            throw new UsageException($"{FinalPath}: {obstacle}");
    }

    private void ReplaceFolder()
    {
        if (!Directory.Exists(FinalPath))
        {
            Directory.Move(TemporaryPath, FinalPath);
            return;
        }
        string aside = TemporaryPath + "-old";
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

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{FinalPath}: the output cannot be written: {e.Message}", e);
        }
    }
}
