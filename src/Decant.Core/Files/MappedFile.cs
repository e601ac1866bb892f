using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>
/// A whole file mapped read-only into memory. Spans and addresses stay valid until <see cref="Dispose"/>; they do not keep the
/// mapping alive, so whoever holds one keeps a reference to this object too. A file that is never disposed stays mapped until the
/// process ends (it is never unmapped behind a span's back). Pages are shared with the system's cache and are no private memory.
/// Another program that shortens the file while it is mapped kills the process on access: no operating system offers a remedy,
/// which is why outputs are written under a temporary name and renamed.
/// </summary>
public sealed unsafe partial class MappedFile : IDisposable
{
    // madvise(2).
    private const int AdviceDoNotNeed = 4;

    // What the runtime puts into an exception: errno ENOMEM, and the result code of ERROR_NOT_ENOUGH_MEMORY.
    private const int OutOfAddressSpace = 12;
    private const int NotEnoughMemory = unchecked((int)0x80070008);

    private readonly MemoryMappedFile mapping;
    private readonly MemoryMappedViewAccessor view;
    private byte* start;

    private MappedFile(string path, long length, MemoryMappedFile mapping, MemoryMappedViewAccessor view)
    {
        Path = path;
        Length = length;
        this.mapping = mapping;
        this.view = view;
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        start = pointer + view.PointerOffset;
    }

    /// <summary>The path as given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>The length of the file in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <param name="path">The file; a symbolic link is followed.</param>
    /// <exception cref="BadFileException">The file is missing, empty, a folder, unreadable or a Git LFS pointer.</exception>
    /// <exception cref="LimitNotMetException">The address space has no room for the file.</exception>
    public static MappedFile Open(string path)
    {
        MappedFile file = Map(path);
        try
        {
            GitLfsPointer.Refuse(file);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The bytes [<paramref name="offset"/>, <paramref name="offset"/> + <paramref name="length"/>) without a copy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the file.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length) => new(Locate(offset, length), length);

    /// <summary>
    /// The address of byte <paramref name="offset"/>, with <paramref name="length"/> readable bytes behind it, for code that walks
    /// ranges longer than a span can hold. Not aligned: tensors start where their file puts them.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the file.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public nint Address(long offset, long length) => (nint)Locate(offset, length);

    /// <summary>
    /// Lets go of the pages that lie wholly within a range: the process no longer holds them, the system's cache may. They come back when they are read. Does
    /// nothing but on Linux.
    /// </summary>
    public void ReleasePages(long offset, long length)
    {
        if (!OperatingSystem.IsLinux())
            return;
        long page = Environment.SystemPageSize;
        long first = ((long)Locate(offset, length) + page - 1) / page * page;
        long end = (long)(start + offset + length) / page * page;
        if (end > first)
            _ = Advise((void*)first, (nuint)(end - first), AdviceDoNotNeed);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (start is null)
            return;
        start = null;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        mapping.Dispose();
    }

    private static MappedFile Map(string path)
    {
        if (Directory.Exists(path))
            throw BadFileException.Expected(path, "path", "a file", "a folder");
        FileStream? stream = null;
        MemoryMappedFile? mapping = null;
        long length = 0;
        try
        {
            // A pipe or device has no length, and opening one may wait for ever.
            if (new FileInfo(path) is { Exists: true, Length: 0 })
                throw BadFileException.Expected(path, "file", "content", "an empty file (0 bytes)", "Was a download or copy interrupted?");
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
            length = stream.Length;
            mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            stream = null;
            return new MappedFile(path, length, mapping, mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read));
        }
        catch (Exception e) when (e is OutOfMemoryException or IOException { HResult: OutOfAddressSpace or NotEnoughMemory })
        {
            mapping?.Dispose();
            throw new LimitNotMetException(FormattableString.Invariant(
                $"{path}: the file needs {length / 1048576.0:0} MiB of address space to be mapped, and the system gives this process less. Raise the limit (ulimit -v), or use a smaller model."), e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            mapping?.Dispose();
            throw e is FileNotFoundException or DirectoryNotFoundException
                ? new BadFileException($"{path}: there is no such file.", e)
                : new BadFileException($"{path}: the file cannot be read: {e.Message}", e);
        }
        finally
        {
            stream?.Dispose();
        }
    }

    private byte* Locate(long offset, long length)
    {
        byte* origin = start;
        ObjectDisposedException.ThrowIf(origin is null, this);
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{Path}: {length} bytes at {offset} leave the file of {Length} bytes.");
        return origin + offset;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint length, int advice);
}
