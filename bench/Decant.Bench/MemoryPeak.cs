using System.Diagnostics;
using System.Globalization;

namespace Decant.Bench;

/// <summary>The most memory that a process had, read from Linux's <c>/proc/PID/status</c> ten times a second; zero elsewhere.</summary>
/// <param name="Private">Bytes of its own, no file's: copies of weights, caches, what it computes with.</param>
/// <param name="Resident">All bytes in memory, pages of mapped files among them.</param>
internal readonly record struct MemoryPeak(long Private, long Resident)
{
    /// <summary>Looks at it until it ends or is told that it has.</summary>
    public static async Task<MemoryPeak> WatchAsync(Process process, CancellationToken ended)
    {
        var peak = default(MemoryPeak);
        string path = $"/proc/{process.Id}/status";
        while (!ended.IsCancellationRequested && File.Exists(path))
        {
            try
            {
                foreach (string line in await File.ReadAllLinesAsync(path, ended))
                {
                    if (Bytes(line, "RssAnon:") is { } anonymous)
                        peak = peak with { Private = Math.Max(peak.Private, anonymous) };
                    else if (Bytes(line, "VmHWM:") is { } highest)
                        peak = peak with { Resident = Math.Max(peak.Resident, highest) };
                }

                await Task.Delay(100, ended);
            }
            catch (Exception error) when (error is IOException or OperationCanceledException)
            {
                break; // it has just ended
            }
        }

        return peak;
    }

    private static long? Bytes(string line, string key)
        => line.StartsWith(key, StringComparison.Ordinal) ? 1024 * long.Parse(line.AsSpan(key.Length).Trim().TrimEnd("kB").TrimEnd(), CultureInfo.InvariantCulture) : null;
}
