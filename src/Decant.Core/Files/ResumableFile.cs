using Decant.Core.Errors;
using Microsoft.Win32.SafeHandles;

namespace Decant.Core.Files;

/// <summary>
/// A file of known length that several threads fill at any position. It outlives an interrupted job, so that the next run can go on. While it is open no other
/// process can write it.
/// </summary>
public sealed class ResumableFile : IDisposable
{
    private readonly SafeFileHandle handle;
    private readonly string shownPath;
    private bool isClosed;

    private ResumableFile(string path, string shownPath, SafeFileHandle handle, bool isNew)
    {
        Path = path;
        this.shownPath = shownPath;
        this.handle = handle;
        IsNew = isNew;
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>True if nothing was left by an earlier run, or what was left had another length.</summary>
    public bool IsNew { get; }

    /// <summary>Opens what an earlier run left, or a new file of zeros.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="shownPath">The name it will get, for messages.</param>
    /// <param name="byteCount">The exact length.</param>
    /// <exception cref="BadFileException">The folder is not writable, another process writes the file, the file system cannot hold it, or a link has its name.</exception>
    public static ResumableFile Open(string path, string shownPath, long byteCount)
    {
        RefuseLink(path, shownPath);
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
            bool isNew = RandomAccess.GetLength(handle) != byteCount;
            if (isNew)
            {
                RandomAccess.SetLength(handle, 0);
                RandomAccess.SetLength(handle, byteCount);
            }
            return new ResumableFile(path, shownPath, handle, isNew);
        }
        catch (ArgumentOutOfRangeException e)
        {
            // The runtime's word for EFBIG: FAT32 ends at 4 GiB, and users may have limits.
            Remove(handle, path);
            throw new BadFileException($"{shownPath}: the file system there cannot hold a file of {byteCount} bytes. Write to another disk.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(handle, path);
            throw Failed(shownPath, e);
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
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            // A file longer than the file system can hold is reported by the runtime as a wrong argument.
            throw Failed(shownPath, e);
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
                    throw new EndOfStreamException($"{Path} is shorter than it was.");
                bytes = bytes[count..];
                offset += count;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(shownPath, e);
        }
    }

    /// <summary>Waits until the content is on the disk, and closes the file.</summary>
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
            throw Failed(shownPath, e);
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

    /// <summary>
    /// Hidden names can be guessed: whoever can write to the folder could lead an output astray to another file of the user.
    /// </summary>
    /// <exception cref="BadFileException">There is a link of this name.</exception>
    public static void RefuseLink(string path, string shownPath)
    {
        if (new FileInfo(path).LinkTarget is not null)
            throw new BadFileException($"{shownPath}: the output is written in {path}, and that is a link. Take it away or choose another output.");
    }

    /// <summary>What a failure to write an output is called.</summary>
    internal static BadFileException Failed(string path, Exception e) => new($"{path}: the output cannot be written: {e.Message}", e);

    /// <summary>Takes away a file that was opened but could not be given its length; what an earlier run left in it was cut off before.</summary>
    private static void Remove(SafeFileHandle? handle, string path)
    {
        if (handle is null)
            return;
        handle.Dispose();
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to tell.
        }
    }
}
