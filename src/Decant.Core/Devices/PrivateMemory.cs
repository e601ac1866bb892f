using System.Buffers.Text;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Decant.Core.Devices;

/// <summary>
/// The memory that belongs to this process alone: heap, stacks, compiled code, buffers. Pages of mapped model files do not count, for the
/// system drops them whenever it wants the room. On Linux this is <c>RssAnon</c> plus <c>VmSwap</c> of <c>/proc/self/status</c>; elsewhere
/// the private bytes that the runtime reports, which include memory reserved but not yet touched.
/// </summary>
public static class PrivateMemory
{
    private const string StatusPath = "/proc/self/status";

    // The lines looked for stand within the first 1,500 bytes.
    private const int LongestStatus = 4096;

    // Kept open and read into a stack's memory: whoever measures allocations while memory is watched must not find those of the watcher.
    private static readonly Lazy<SafeFileHandle> status = new(() => File.OpenHandle(StatusPath));

    /// <summary>Private bytes now.</summary>
    public static long ReadByteCount()
    {
        if (OperatingSystem.IsLinux() && TryReadLinux(out long byteCount))
            return byteCount;
        using Process process = Process.GetCurrentProcess();
        return process.PrivateMemorySize64;
    }

    private static bool TryReadLinux(out long byteCount)
    {
        byteCount = 0;
        Span<byte> text = stackalloc byte[LongestStatus];
        try
        {
            text = text[..RandomAccess.Read(status.Value, text, 0)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        bool found = false;
        foreach (Range range in text.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = text[range];
            if (!line.StartsWith("RssAnon:"u8) && !line.StartsWith("VmSwap:"u8))
                continue;
            if (Utf8Parser.TryParse(line[(line.IndexOf((byte)':') + 1)..].TrimStart(" \t"u8), out long kibibytes, out _))
            {
                byteCount += kibibytes * 1024;
                found = true;
            }
        }
        return found;
    }
}
