using System.Diagnostics;
using Decant.Core.Errors;
using Decant.Core.Files;
using Microsoft.Win32.SafeHandles;

namespace Decant.Compression.Pipeline.Estimates;

/// <summary>Times writing, waiting for the disk, reading a mapping, and hashing, on small files that are deleted at once.</summary>
/// <param name="WriteSecondsPerByte">Processor time of writing into the system's cache.</param>
/// <param name="SynchronizeSeconds">What waiting for the disk takes at least, however little there is to write.</param>
/// <param name="SynchronizeSecondsPerByte">From the cache to the disk.</param>
/// <param name="ReadSecondsPerByte">Touching cached pages of a new mapping.</param>
/// <param name="HashSecondsPerByte">Processor time of SHA-256, reading included.</param>
internal sealed record DiskTrial(
    double WriteSecondsPerByte, double SynchronizeSeconds, double SynchronizeSecondsPerByte, double ReadSecondsPerByte, double HashSecondsPerByte)
{
    private const int SmallByteCount = 2 << 20;
    private const int LargeByteCount = 32 << 20;
    private const int PieceByteCount = 1 << 18;
    private const int PageByteCount = 4096;
    private const string HiddenPrefix = ".decant-trial-";

    /// <summary>Runs the trial; where the folder cannot be written, ordinary figures stand in.</summary>
    public static DiskTrial Run(string folder)
    {
        string path = Path.Combine(folder, $"{HiddenPrefix}{Environment.ProcessId}");
        try
        {
            RemoveAbandoned(folder);
            return Run(path, new byte[PieceByteCount]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException or BadFileException)
        {
            // ArgumentOutOfRangeException is the runtime's word for a file larger than the file system or the user's limits allow.
            // Half a gigabyte a second to cache and disk, what a plain solid-state disk does.
            return new DiskTrial(5e-10, 0.01, 2e-9, 1e-10, 1e-9);
        }
        finally
        {
            if (Directory.Exists(folder))
                File.Delete(path);
        }
    }

    /// <summary>Deletes what processes left that were killed during a trial, which takes a fraction of a second.</summary>
    private static void RemoveAbandoned(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, $"{HiddenPrefix}*", new EnumerationOptions { AttributesToSkip = 0 }))
        {
            if (File.GetLastWriteTimeUtc(file) < DateTime.UtcNow - TimeSpan.FromMinutes(1))
                File.Delete(file);
        }
    }

    private static DiskTrial Run(string path, byte[] piece)
    {
        new Random(1).NextBytes(piece);
        (_, double least) = WriteFile(path, piece, SmallByteCount);
        // The first hash of a process loads a library and compiles code: it is not timed.
        FileFingerprint.Of([path], null, CancellationToken.None);
        (double write, double synchronize) = WriteFile(path, piece, LargeByteCount);
        double read;
        using (MappedFile file = MappedFile.Open(path))
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            int sum = 0;
            for (int offset = 0; offset < LargeByteCount; offset += PageByteCount)
                sum += file.Slice(offset, 1)[0];
            read = ProcessorSeconds(before) + (sum < 0 ? 1 : 0);
        }
        TimeSpan hashing = Environment.CpuUsage.TotalTime;
        FileFingerprint.Of([path], null, CancellationToken.None);
        double hash = ProcessorSeconds(hashing);
        double perByte = Math.Max(0, synchronize - least) / (LargeByteCount - SmallByteCount);
        return new DiskTrial(write / LargeByteCount, least, perByte, read / LargeByteCount, hash / LargeByteCount);
    }

    /// <summary>Processor seconds of writing, and seconds of waiting for the disk.</summary>
    private static (double Write, double Synchronize) WriteFile(string path, byte[] piece, int byteCount)
    {
        using SafeFileHandle handle = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        for (int offset = 0; offset < byteCount; offset += PieceByteCount)
            RandomAccess.Write(handle, piece, offset);
        double write = ProcessorSeconds(before);
        long started = Stopwatch.GetTimestamp();
        RandomAccess.FlushToDisk(handle);
        return (write, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private static double ProcessorSeconds(TimeSpan before) => (Environment.CpuUsage.TotalTime - before).TotalSeconds;
}
