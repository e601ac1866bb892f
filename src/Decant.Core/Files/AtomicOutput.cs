using System.Security.Cryptography;
using Decant.Core.Errors;
using Decant.Core.Measurement;

namespace Decant.Core.Files;

/// <summary>
/// A small file that gets its name only when it is whole: it is written under <c>.NAME.partial-xxxx</c> in the same folder, flushed
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

    private readonly bool overwrite;
    private OutputStream? stream;
    private bool isSynchronized;
    private bool isCommitted;

    private AtomicOutput(string path, bool overwrite)
    {
        FinalPath = path;
        this.overwrite = overwrite;
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        Parent = Path.GetDirectoryName(full) ?? throw new UsageException($"{path}: this cannot be an output; name a file in it.");
        RemoveAbandoned(Parent, Path.GetFileName(full));
        string suffix = RandomNumberGenerator.GetHexString(SuffixLength, lowercase: true);
        TemporaryPath = Path.Combine(Parent, $".{Path.GetFileName(full)}{HiddenInfix}{suffix}");
    }

    /// <summary>The path the output gets at the end, as given.</summary>
    public string FinalPath { get; }

    /// <summary>Where it lies until then. Checks of the finished output read it from here.</summary>
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
        var output = new AtomicOutput(path, overwrite);
        CheckRoom(path, output.Parent, byteCount);
        output.Guard(() => output.stream = new OutputStream(
            new FileStream(output.TemporaryPath, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, BufferByteCount), path));
        return output;
    }

    /// <summary>The file's stream. It may be disposed early; <see cref="Commit"/> does what is left.</summary>
    public Stream OpenFile() => stream!;

    /// <summary>Closes the file and waits until its content is on the disk; part of <see cref="Commit"/>, apart so that it can be timed.</summary>
    /// <exception cref="BadFileException">The disk is full or fails.</exception>
    public void Synchronize()
    {
        if (isSynchronized)
            return;
        Guard(() =>
        {
            stream!.Dispose();
            using var file = new FileStream(TemporaryPath, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
            file.Flush(flushToDisk: true);
        });
        isSynchronized = true;
    }

    /// <summary>Gives the output its name. Nothing more can be written.</summary>
    /// <exception cref="UsageException">Something of this name has appeared meanwhile.</exception>
    /// <exception cref="BadFileException">The disk is full or fails, or the folder is not writable any more.</exception>
    public void Commit()
    {
        Synchronize();
        if (!overwrite && File.Exists(FinalPath))
            throw new UsageException($"{FinalPath}: a file of this name appeared while the output was written; it is left alone.");
        Guard(() =>
        {
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
        stream?.Abandon();
        try
        {
            File.Delete(TemporaryPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here matters more; the hidden name says what the rest is.
        }
    }

    private static void RemoveAbandoned(string parent, string name)
    {
        string prefix = $".{name}{HiddenInfix}";
        try
        {
            foreach (FileInfo entry in new DirectoryInfo(parent).EnumerateFiles())
            {
                // Of that very form: whatever has a longer name is the user's.
                if (entry.Name.StartsWith(prefix, StringComparison.Ordinal) && entry.Name.Length == prefix.Length + SuffixLength && entry.LastWriteTimeUtc < DateTime.UtcNow - abandonedAge)
                    entry.Delete();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Tidying up is no reason to fail; a missing folder is reported when the output is made.
        }
    }

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
            var drive = new DriveInfo(folder);
            // Of what has no size, as /proc and /sys, room says nothing.
            if (drive.TotalSize == 0)
                return;
            room = drive.AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Some mounts do not say; writing will tell.
            return;
        }
        if (room < byteCount)
        {
            throw new BadFileException(
                $"{path}: the output needs {ByteCountText.Of(byteCount)}, the disk has {ByteCountText.Of(room)} free. Free some space or choose another folder.");
        }
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
