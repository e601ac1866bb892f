using System.Diagnostics;
using System.Globalization;

namespace Decant.Core.Devices;

/// <summary>
/// The memory that belongs to this process alone: heap, stacks, compiled code, buffers. Pages of mapped model files do not count, for the
/// system drops them whenever it wants the room. On Linux this is <c>RssAnon</c> plus <c>VmSwap</c> of <c>/proc/self/status</c>; elsewhere
/// the private bytes that the runtime reports, which include memory reserved but not yet touched.
/// </summary>
public static class PrivateMemory
{
    private const string StatusPath = "/proc/self/status";

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
        bool found = false;
        try
        {
            foreach (string line in File.ReadLines(StatusPath))
            {
                if (!line.StartsWith("RssAnon:", StringComparison.Ordinal) && !line.StartsWith("VmSwap:", StringComparison.Ordinal))
                    continue;
                ReadOnlySpan<char> value = line.AsSpan(line.IndexOf(':') + 1).Trim();
                int end = value.IndexOf(' ');
                if (long.TryParse(end < 0 ? value : value[..end], NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes))
                {
                    byteCount += kibibytes * 1024;
                    found = true;
                }
            }
        }
        catch (IOException)
        {
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        return found;
    }
}
