using System.Runtime.InteropServices;

namespace Decant.Engine.Tests.Kernels;

/// <summary>Memory between two pages that no one may touch: reading one byte too far ends the process. Linux.</summary>
internal sealed unsafe partial class GuardedPages : IDisposable
{
    private const int ReadWrite = 3, PrivateAnonymous = 0x22;
    private readonly nuint pageByteCount = (nuint)Environment.SystemPageSize;
    private readonly byte* pages;
    private readonly nuint innerByteCount;

    public GuardedPages(int byteCount)
    {
        innerByteCount = ((nuint)byteCount + pageByteCount - 1) / pageByteCount * pageByteCount;
        pages = (byte*)Map(null, innerByteCount + 2 * pageByteCount, ReadWrite, PrivateAnonymous, -1, 0);
        if (pages == (byte*)-1 || Protect(pages, pageByteCount, 0) != 0 || Protect(pages + pageByteCount + innerByteCount, pageByteCount, 0) != 0)
            throw new InvalidOperationException("mmap failed");
    }

    /// <summary>The last bytes before the guard page.</summary>
    public byte* Last(int byteCount) => pages + pageByteCount + innerByteCount - byteCount;

    /// <summary>The first bytes after the guard page.</summary>
    public byte* First => pages + pageByteCount;

    public void Dispose() => _ = Unmap(pages, innerByteCount + 2 * pageByteCount);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
