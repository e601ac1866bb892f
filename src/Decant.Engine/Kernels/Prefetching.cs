using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels;

/// <summary>
/// Requests for memory that will be read some microseconds later. A loop that reads many short rows far apart is met by no hardware prefetcher: it waits
/// for each of them. Does nothing where .NET has no such instruction (Arm).
/// </summary>
internal static unsafe class Prefetching
{
    private const int LineByteCount = 64;

    /// <summary>
    /// How far ahead of its use a stream of rows is asked for: the processor's own prefetching stops at the ends of pages, which are 4 KB in a mapped file. With
    /// no request at all the 135M model in Q8_0 writes 42 tokens a second on one thread, with 2 KB 61, with 8 KB 68; more gives no more.
    /// </summary>
    public const int StreamDistance = 8192;

    /// <summary>Asks for a range in the second-level cache. The addresses need not be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Request(void* start, long byteCount)
    {
        if (!Sse.IsSupported)
            return;
        for (long offset = 0; offset < byteCount; offset += LineByteCount)
            RequestLine((byte*)start + offset);
    }

    /// <summary>Asks for the line that holds an address, which need not be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RequestLine(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(address);
    }

    /// <summary>The size of a share, in whole lines, when a loop spreads its requests for a range over so many passes.</summary>
    public static long Share(long byteCount, int passCount) => (byteCount / passCount + LineByteCount - 1) / LineByteCount * LineByteCount;
}
