using Decant.Core.Files;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

public class MappedFileTests
{
    [Fact]
    public void Released_pages_leave_the_process_and_come_back_when_they_are_read()
    {
        const int Length = 8 << 20;
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "file.bin");
        byte[] content = new byte[Length];
        new Random(2).NextBytes(content);
        File.WriteAllBytes(path, content);
        using MappedFile file = MappedFile.Open(path);
        Assert.Equal(content, file.Slice(0, Length).ToArray());
        long before = ResidentByteCount(path);
        // Not whole pages: what they share with the rest stays.
        file.ReleasePages(100, Length - 200);
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(Length, before);
            Assert.InRange(ResidentByteCount(path), 0, 2L * Environment.SystemPageSize);
        }
        Assert.Equal(content, file.Slice(0, Length).ToArray());
    }

    [Theory]
    [InlineData(-1, 10)]
    [InlineData(0, 101)]
    [InlineData(100, 1)]
    public void A_range_outside_the_file_is_refused(long offset, long length)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "file.bin");
        File.WriteAllBytes(path, new byte[100]);
        using MappedFile file = MappedFile.Open(path);
        if (OperatingSystem.IsLinux())
            Assert.Throws<ArgumentOutOfRangeException>(() => file.ReleasePages(offset, length));
    }

    // Of all mappings of a file, in bytes; 0 where the system does not tell.
    private static long ResidentByteCount(string path)
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        long kilobytes = 0;
        bool isOurs = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.Contains('-') && !line.Contains("kB", StringComparison.Ordinal))
                isOurs = line.EndsWith(path, StringComparison.Ordinal);
            else if (isOurs && line.StartsWith("Rss:", StringComparison.Ordinal))
                kilobytes += long.Parse(line.AsSpan(4, line.Length - 6), System.Globalization.NumberStyles.AllowLeadingWhite | System.Globalization.NumberStyles.AllowTrailingWhite, System.Globalization.CultureInfo.InvariantCulture);
        }
        return kilobytes * 1024;
    }
}
