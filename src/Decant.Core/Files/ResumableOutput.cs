using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>
/// A file or folder that is written under the hidden name <c>.NAME.partial</c> beside its final path, and gets its name only when it is whole. Unlike
/// <see cref="AtomicOutput"/> it outlives an interrupted job, so that the next run can go on: whoever writes keeps a journal of what is done (and through it
/// keeps other processes out), and calls <see cref="Discard"/> if nothing of it is of use.
/// </summary>
public abstract class ResumableOutput : IDisposable
{
    private bool isSynchronized;

    /// <summary>Takes the open files of an output.</summary>
    /// <param name="path">The final path, as given.</param>
    /// <param name="files">Files of known length.</param>
    private protected ResumableOutput(string path, IReadOnlyList<ResumableFile> files)
    {
        FinalPath = path;
        TemporaryPath = PartialPath(path);
        Files = files;
    }

    /// <summary>The path the output gets at the end, as given.</summary>
    public string FinalPath { get; }

    /// <summary>Where it lies until then.</summary>
    public string TemporaryPath { get; }

    /// <summary>The files of known length, in the order in which they were asked for.</summary>
    public IReadOnlyList<ResumableFile> Files { get; }

    /// <summary>The length of all that has been written, in bytes; to be asked before <see cref="Commit"/>.</summary>
    public abstract long ByteCount { get; }

    /// <summary>The folder in which the output will lie.</summary>
    private protected string Parent => ParentOf(FinalPath);

    /// <summary>The hidden name under which an output of this path is written.</summary>
    /// <exception cref="UsageException">The path is a root.</exception>
    public static string PartialPath(string path) => Path.Combine(ParentOf(path), $".{Path.GetFileName(FullPath(path))}.partial");

    /// <summary>
    /// Closes the files and waits until their content is on the disk; part of <see cref="Commit"/>, apart so that it can be timed and the output be
    /// read and checked. Nothing more can be written.
    /// </summary>
    /// <exception cref="BadFileException">The disk is full or fails.</exception>
    public void Synchronize()
    {
        if (isSynchronized)
            return;
        foreach (ResumableFile file in Files)
            file.Synchronize();
        Guard(SynchronizeRest);
        isSynchronized = true;
    }

    /// <summary>Gives the output its name.</summary>
    /// <exception cref="UsageException">Something of this name has appeared meanwhile.</exception>
    /// <exception cref="BadFileException">The disk fails, or the folder is not writable any more.</exception>
    public void Commit()
    {
        Synchronize();
        CheckReplaceable();
        Guard(() =>
        {
            Rename();
            FolderSync.Synchronize(Parent);
        });
    }

    /// <summary>Closes and deletes what is unfinished; not to be called after <see cref="Commit"/>.</summary>
    public void Discard()
    {
        Dispose();
        try
        {
            Delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here matters more; the hidden name says what the rest is.
        }
    }

    /// <summary>Closes the files and leaves what was written.</summary>
    public void Dispose()
    {
        foreach (ResumableFile file in Files)
            file.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The path's folder.</summary>
    private protected static string ParentOf(string path) =>
        Path.GetDirectoryName(FullPath(path)) ?? throw new UsageException($"{path}: this cannot be an output; name a file or folder in it.");

    /// <summary>Puts what is not in <see cref="Files"/> on the disk.</summary>
    private protected abstract void SynchronizeRest();

    /// <summary>Refuses to replace what appeared under the final name.</summary>
    private protected abstract void CheckReplaceable();

    /// <summary>Moves the output to its final name.</summary>
    private protected abstract void Rename();

    /// <summary>Deletes the hidden file or folder.</summary>
    private protected abstract void Delete();

    /// <summary>Does something with the disk whose failures are errors of this output.</summary>
    private protected void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ResumableFile.Failed(FinalPath, e);
        }
    }

    private static string FullPath(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
}
