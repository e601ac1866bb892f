using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using Decant.Core.Devices;

namespace Decant.Core.Tests.Devices;

/// <summary>Runs while no other test does: memory that another gives back would be missing from the peak.</summary>
[CollectionDefinition(nameof(PrivateMemoryTests), DisableParallelization = true)]
[Collection(nameof(PrivateMemoryTests))]
public sealed class PrivateMemoryTests
{
    private const int MebiByte = 1 << 20;

    [Fact]
    public void Touched_heap_counts()
    {
        using var monitor = new PeakMemoryMonitor();
        long before = PrivateMemory.ReadByteCount();
        Assert.True(before > MebiByte, $"{before}");
        TouchHeap(128 * MebiByte);
        Assert.True(monitor.PeakByteCount >= before + 100 * MebiByte, $"{before} -> {monitor.PeakByteCount}");
    }

    [Fact]
    public void Mapped_file_pages_do_not_count()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux tells file pages from private ones");
        string path = Path.Combine(Path.GetTempPath(), $"decant-{Guid.NewGuid():N}.map");
        try
        {
            using (FileStream file = File.Create(path))
            {
                byte[] block = new byte[MebiByte];
                for (int i = 0; i < 256; i++)
                    file.Write(block);
            }
            using var map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            using MemoryMappedViewAccessor view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            long before = PrivateMemory.ReadByteCount();
            long sum = 0;
            for (long at = 0; at < view.Capacity; at += 4096)
                sum += view.ReadByte(at);
            long after = PrivateMemory.ReadByteCount();
            Assert.Equal(0, sum);
            Assert.True(after < before + 200 * MebiByte, $"{before} -> {after}");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TouchHeap(int byteCount)
    {
        byte[] block = new byte[byteCount];
        for (int at = 0; at < block.Length; at += 4096)
            block[at] = 1;
        Thread.Sleep(60);
        GC.KeepAlive(block);
    }
}
