using System.Diagnostics;
using Decant.Core.Files;
using Microsoft.Win32.SafeHandles;

namespace Decant.Compression.Pipeline.Estimates;

/// <summary>Times writing, waiting for the disk, reading a mapping, and hashing, on a small file that is deleted at once.</summary>
/// <param name="WriteSecondsPerByte">Writing into the system's cache.</param>
/// <param name="SynchronizeSecondsPerByte">From the cache to the disk.</param>
/// <param name="ReadSecondsPerByte">Touching cached pages of a new mapping.</param>
/// <param name="HashSecondsPerByte">SHA-256, reading included.</param>
internal sealed record DiskTrial(double WriteSecondsPerByte, double SynchronizeSecondsPerByte, double ReadSecondsPerByte, double HashSecondsPerByte)
{
    private const int ByteCount = 16 << 20;
    private const int PieceByteCount = 1 << 18;
    private const int PageByteCount = 4096;

    /// <summary>Runs the trial; where the folder cannot be written, ordinary figures stand in.</summary>
    public static DiskTrial Run(string folder)
    {
        string path = Path.Combine(folder, $".decant-trial-{Environment.ProcessId}");
        try
        {
            return Run(path, new byte[PieceByteCount]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            // The last is the runtime's word for a file larger than the file system or the user's limits allow.
            // Half a gigabyte a second to cache and disk, what a plain solid-state disk does.
            return new DiskTrial(5e-10, 2e-9, 1e-10, 1e-9);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static DiskTrial Run(string path, byte[] piece)
    {
        new Random(1).NextBytes(piece);
        double write, synchronize;
        using (SafeFileHandle handle = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
        {
            long started = Stopwatch.GetTimestamp();
            for (int offset = 0; offset < ByteCount; offset += PieceByteCount)
                RandomAccess.Write(handle, piece, offset);
            write = Seconds(started);
            started = Stopwatch.GetTimestamp();
            RandomAccess.FlushToDisk(handle);
            synchronize = Seconds(started);
        }
        double read;
        using (MappedFile file = MappedFile.Open(path))
        {
            long started = Stopwatch.GetTimestamp();
            int sum = 0;
            for (int offset = 0; offset < ByteCount; offset += PageByteCount)
                sum += file.Slice(offset, 1)[0];
            read = Seconds(started) + (sum < 0 ? 1 : 0);
        }
        long hashing = Stopwatch.GetTimestamp();
        FileFingerprint.Of([path], null, CancellationToken.None);
        double hash = Seconds(hashing);
        return new DiskTrial(write / ByteCount, synchronize / ByteCount, read / ByteCount, hash / ByteCount);
    }

    private static double Seconds(long started) => Stopwatch.GetElapsedTime(started).TotalSeconds;
}
