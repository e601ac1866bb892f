using System.Runtime.InteropServices;

namespace Decant.Engine.Kernels;

/// <summary>
/// Asks Linux for pages of 2 MiB in place of 4 KiB. Memory that is read from end to end is read through a table of pages; on virtual machines a miss in that
/// table costs two walks, and large pages read up to half as fast again. Elsewhere, or where the system says no, nothing happens.
/// </summary>
internal static unsafe partial class LargePages
{
    /// <summary>Bytes of a large page, and the alignment they need.</summary>
    public const int PageByteCount = 2 << 20;

    /// <summary>Smaller buffers gain nothing, for all but a rest of them must be whole pages.</summary>
    public const long WorthwhileByteCount = 2L * PageByteCount;

    // madvise(2).
    private const int AdviceHugePage = 14;

    /// <summary>Asks for large pages in all but the last, incomplete one.</summary>
    /// <param name="start">Aligned to <see cref="PageByteCount"/>.</param>
    /// <param name="byteCount">The length.</param>
    public static void AskFor(byte* start, long byteCount)
    {
        if (OperatingSystem.IsLinux())
            _ = Advise(start, (nuint)(byteCount / PageByteCount * PageByteCount), AdviceHugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint length, int advice);
}
