using Decant.Core.Errors;
using Microsoft.Win32.SafeHandles;

namespace Decant.Core.Files;

/// <summary>
/// A file of known length that several threads fill at any position, under the hidden name <c>.NAME.partial</c> beside its final path, and
/// that gets its name only when it is whole. Unlike <see cref="AtomicOutput"/> it outlives an interrupted job, so that the next run can go on:
/// whoever writes keeps a journal of what is done (and through it keeps other processes out), and calls <see cref="Discard"/> if nothing of
/// the file is of use.
/// </summary>
public sealed class ResumableOutput : IDisposable
{
    private readonly SafeFileHandle handle;
    private readonly bool overwrite;
    private readonly string folder;
    private bool isClosed;

    private ResumableOutput(string path, bool overwrite, string folder, string temporaryPath, SafeFileHandle handle, bool isNew)
    {
        FinalPath = path;
        this.overwrite = overwrite;
        this.folder = folder;
        TemporaryPath = temporaryPath;
        this.handle = handle;
        IsNew = isNew;
    }

    /// <summary>The path the output gets at the end, as given.</summary>
    public string FinalPath { get; }

    /// <summary>Where it lies until then.</summary>
    public string TemporaryPath { get; }

    /// <summary>True if nothing was left by an earlier run, or what was left has another length.</summary>
    public bool IsNew { get; }

    /// <summary>The hidden name under which an output of this path is written.</summary>
    public static string PartialPath(string path)
    {
        string full = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(full) ?? throw new UsageException($"{path}: this cannot be an output; name a file in it.");
        return Path.Combine(folder, $".{Path.GetFileName(full)}.partial");
    }

    /// <summary>Opens what an earlier run left, or a new file.</summary>
    /// <param name="path">The final path.</param>
    /// <param name="byteCount">The exact length.</param>
    /// <param name="overwrite">Whether an existing file of the final name may be replaced (<c>--force</c>).</param>
    /// <param name="inputs">Files that are read; the output may be none of them.</param>
    /// <exception cref="UsageException">The output exists, is an input, or is being written by another process.</exception>
    /// <exception cref="BadFileException">The folder is missing or not writable, or the disk has no room.</exception>
    public static ResumableOutput Open(string path, long byteCount, bool overwrite, IEnumerable<string> inputs)
    {
        AtomicOutput.CheckFile(path, overwrite, inputs);
        string temporary = PartialPath(path);
        string folder = Path.GetDirectoryName(temporary)!;
        long there = File.Exists(temporary) ? new FileInfo(temporary).Length : 0;
        AtomicOutput.CheckRoom(path, folder, byteCount - there);
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(temporary, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
            if (there != byteCount)
            {
                RandomAccess.SetLength(handle, 0);
                RandomAccess.SetLength(handle, byteCount);
            }
            return new ResumableOutput(path, overwrite, folder, temporary, handle, there != byteCount);
        }
        catch (ArgumentOutOfRangeException e)
        {
            // The runtime's word for EFBIG: FAT32 ends at 4 GiB, and users may have limits.
            Remove(handle, temporary);
            throw new BadFileException($"{path}: the file system there cannot hold a file of {byteCount} bytes. Write to another disk.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(handle, temporary);
            throw Failed(path, e);
        }
    }

    /// <summary>Takes away a file that was opened but could not be given its length; what an earlier run left in it was cut off before.</summary>
    private static void Remove(SafeFileHandle? handle, string temporary)
    {
        if (handle is null)
            return;
        handle.Dispose();
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to tell.
        }
    }

    /// <summary>Writes bytes at a position; from any thread.</summary>
    /// <exception cref="BadFileException">The disk is full or fails.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(handle, bytes, offset);
        }
        catch (Exception e) when (IsFailure(e))
        {
            throw Failed(FinalPath, e);
        }
    }

    /// <summary>Reads bytes back, to check what an earlier run left.</summary>
    /// <exception cref="BadFileException">The file cannot be read.</exception>
    public void Read(long offset, Span<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                int count = RandomAccess.Read(handle, bytes, offset);
                if (count == 0)
                    throw new EndOfStreamException($"{TemporaryPath} is shorter than it was.");
                bytes = bytes[count..];
                offset += count;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(FinalPath, e);
        }
    }

    /// <summary>
    /// Closes the file and waits until its content is on the disk; part of <see cref="Commit"/>, apart so that it can be timed and the file be
    /// read and checked. Nothing more can be written.
    /// </summary>
    /// <exception cref="BadFileException">The disk is full or fails.</exception>
    public void Synchronize()
    {
        if (isClosed)
            return;
        try
        {
            RandomAccess.FlushToDisk(handle);
            Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(FinalPath, e);
        }
    }

    /// <summary>Gives the output its name.</summary>
    /// <exception cref="UsageException">Something of this name has appeared meanwhile.</exception>
    /// <exception cref="BadFileException">The disk fails, or the folder is not writable any more.</exception>
    public void Commit()
    {
        Synchronize();
        if (!overwrite && File.Exists(FinalPath))
            throw new UsageException($"{FinalPath}: a file of this name appeared while the output was written; it is left alone.");
        try
        {
            File.Move(TemporaryPath, FinalPath, overwrite);
            FolderSync.Synchronize(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(FinalPath, e);
        }
    }

    /// <summary>Closes and deletes the unfinished file; not to be called after <see cref="Commit"/>.</summary>
    public void Discard()
    {
        Dispose();
        try
        {
            File.Delete(TemporaryPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here matters more; the hidden name says what the rest is.
        }
    }

    /// <summary>Closes the file and leaves what was written.</summary>
    public void Dispose()
    {
        if (isClosed)
            return;
        isClosed = true;
        handle.Dispose();
    }

    /// <summary>A file longer than the file system can hold is reported by the runtime as a wrong argument.</summary>
    private static bool IsFailure(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException;

    private static BadFileException Failed(string path, Exception e) => new($"{path}: the output cannot be written: {e.Message}", e);
}
