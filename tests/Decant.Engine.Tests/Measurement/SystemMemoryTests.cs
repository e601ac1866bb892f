using Decant.Core.Errors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Tests.Measurement;

public sealed class SystemMemoryTests
{
    private const string Machine = "MemTotal:       24684096 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB\nBuffers:           21012 kB\n";
    private const long Total = 24_684_096L * 1024;
    private const long Available = 20_000_000L * 1024;

    private static (long Total, long Available)? Parse(params (string Path, string Text)[] files) =>
        SystemMemory.Parse(path => files.FirstOrDefault(file => file.Path == path).Text);

    [Fact]
    public void Without_groups_the_machine_decides() => Assert.Equal((Total, Available), Parse(("/proc/meminfo", Machine)));

    [Fact]
    public void A_group_of_version_2_limits_and_file_pages_count_as_free()
    {
        Assert.Equal((4_000_000_000, 3_400_000_000), Parse(
            ("/proc/meminfo", Machine),
            ("/proc/self/cgroup", "0::/user.slice/run.scope\n"),
            ("/sys/fs/cgroup/user.slice/run.scope/memory.max", "4000000000\n"),
            ("/sys/fs/cgroup/user.slice/run.scope/memory.current", "3000000000\n"),
            ("/sys/fs/cgroup/user.slice/run.scope/memory.stat", "anon 600000000\nfile 2400000000\ninactive_file 400000000\nactive_file 2000000000\n")));
    }

    [Fact]
    public void Groups_above_limit_too_and_max_is_no_limit()
    {
        Assert.Equal((2_000_000_000, 500_000_000), Parse(
            ("/proc/meminfo", Machine),
            ("/proc/self/cgroup", "0::/a/b\n"),
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/memory.max", "2000000000\n"),
            ("/sys/fs/cgroup/a/memory.current", "1500000000\n")));
    }

    [Fact]
    public void A_group_of_version_1_limits_at_the_root_if_its_path_is_the_hosts()
    {
        Assert.Equal((1_000_000_000, 300_000_000), Parse(
            ("/proc/meminfo", Machine),
            ("/proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/docker/0123\n0::/\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000000\n"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "900000000\n"),
            ("/sys/fs/cgroup/memory/memory.stat", "active_file 1\ntotal_active_file 150000000\ntotal_inactive_file 50000000\n")));
    }

    [Theory]
    [InlineData("3000000000", "2500000", 3_000_000_000, 440_000_000)]
    [InlineData("3000000000", "4000000", 3_000_000_000, 0)]
    [InlineData("90000000000000", "4000000", Total, Available)]
    [InlineData("unlimited", "4000000", Total, Available)]
    public void A_limit_of_the_address_space_counts_what_is_mapped_already(string limit, string used, long total, long available)
    {
        Assert.Equal((total, available), Parse(
            ("/proc/meminfo", Machine),
            ("/proc/self/limits", $"Limit                     Soft Limit           Hard Limit           Units     \nMax address space         {limit,-20} unlimited            bytes     \nMax file locks            unlimited            unlimited            locks     \n"),
            ("/proc/self/status", $"Name:\tdecant\nVmPeak:\t 5000000 kB\nVmSize:\t {used} kB\n")));
    }

    [Theory]
    [InlineData("9223372036854771712")]
    [InlineData("18446744073709551615")]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("many")]
    public void A_limit_that_is_none_changes_nothing(string limit)
    {
        Assert.Equal((Total, Available), Parse(
            ("/proc/meminfo", Machine),
            ("/proc/self/cgroup", "4:memory:/\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", limit),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "5000")));
    }

    [Fact]
    public void More_usage_than_the_limit_leaves_nothing()
    {
        Assert.Equal((1000, 0), Parse(
            ("/proc/meminfo", Machine),
            ("/proc/self/cgroup", "0::/\n"),
            ("/sys/fs/cgroup/memory.max", "1000"),
            ("/sys/fs/cgroup/memory.current", "18446744073709551615")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("MemTotal:")]
    [InlineData("MemTotal: kB")]
    [InlineData("MemTotal: -5 kB")]
    [InlineData("MemTotal: 99999999999999999999999 kB")]
    [InlineData("MemAvailable: 5 kB")]
    [InlineData("\0\0\0")]
    public void Without_a_total_nothing_is_known(string text)
    {
        Assert.Null(Parse(("/proc/meminfo", text)));
        Assert.Null(Parse());
    }

    [Theory]
    [InlineData("MemTotal: 1000 kB\n")]
    [InlineData("MemTotal: 1000 kB\nMemAvailable: some kB\n")]
    [InlineData("MemTotal: 1000 kB\nMemAvailable: 2000 kB\n")]
    [InlineData("MemTotal: 1000 kB\nMemAvailable: 9223372036854775807 kB\n")]
    public void Without_a_sensible_free_part_the_total_is_taken(string text) => Assert.Equal((1_024_000, 1_024_000), Parse(("/proc/meminfo", text)));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("0:\n::\n:memory\n4:memory\n")]
    [InlineData("0::/../../x\n4:memory:../..\n")]
    public void Groups_that_cannot_be_read_change_nothing(string groups) =>
        Assert.Equal((Total, Available), Parse(("/proc/meminfo", Machine), ("/proc/self/cgroup", groups)));

    [Fact]
    public void This_machine_has_memory()
    {
        Assert.InRange(SystemMemory.TotalByteCount, 64L << 20, 1L << 50);
        Assert.InRange(SystemMemory.AvailableByteCount, 1, SystemMemory.TotalByteCount);
    }

    [Fact]
    public void A_buffer_larger_than_what_is_free_is_refused_with_both_sizes()
    {
        // More than is free, by less than the total: nothing but the free part can be the reason.
        long needed = SystemMemory.TotalByteCount;
        string message = Assert.Throws<LimitNotMetException>(() => new AlignedBuffer(needed, "The test", "Try less.")).Message;
        Assert.Matches($@"^The test needs {needed / 1048576.0:0} MiB and \d+ MiB are available\. Try less\.$", message);
    }
}
