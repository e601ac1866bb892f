using System.Globalization;

namespace Decant.Engine.Measurement;

/// <summary>
/// How much memory this process may use, and how much of it is free now. On Linux from <c>/proc/meminfo</c> and the control groups the process is in
/// (versions 1 and 2), and less where its address space is limited (<c>ulimit -v</c>); elsewhere what the runtime knows. File pages count as free, because the system drops them when memory is needed: a mapped model does
/// not take memory away from itself. Asking takes some tens of microseconds and never fails.
/// </summary>
internal static class SystemMemory
{
    private const string MemoryFile = "/proc/meminfo";
    private const string LimitsFile = "/proc/self/limits";
    private const string StatusFile = "/proc/self/status";
    private const string GroupsFile = "/proc/self/cgroup";
    private const string GroupsFolder = "/sys/fs/cgroup";

    private static readonly GroupFiles Version1 = new(GroupsFolder + "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file", "total_inactive_file");
    private static readonly GroupFiles Version2 = new(GroupsFolder, "memory.max", "memory.current", "active_file", "inactive_file");

    /// <summary>Bytes of memory of the machine, or of the control group if that is less.</summary>
    public static long TotalByteCount => Read().Total;

    /// <summary>Bytes that can be touched now without swapping and without being stopped for it; the total if that is unknown.</summary>
    public static long AvailableByteCount => Read().Available;

    /// <summary>True if this process may not have as many addresses as it likes.</summary>
    public static bool AddressSpaceIsLimited => OperatingSystem.IsLinux() && AddressSpace(ReadFile) is not null;

    /// <summary>What Linux's files say; null if the total is not among it.</summary>
    /// <param name="read">The text of a file by its path, or null if there is no such file.</param>
    internal static (long Total, long Available)? Parse(Func<string, string?> read)
    {
        string? machine = read(MemoryFile);
        if (Value(machine, "MemTotal:") is not { } totalKilobytes)
            return null;
        long total = Kilobytes(totalKilobytes);
        long available = Math.Min(total, Value(machine, "MemAvailable:") is { } kilobytes ? Kilobytes(kilobytes) : total);
        foreach (string line in Lines(read(GroupsFile)))
        {
            // hierarchy:controllers:path; hierarchy 0 without controllers is version 2.
            string[] fields = line.Split(':', 3);
            if (fields.Length < 3)
                continue;
            GroupFiles files;
            if (fields[0] == "0" && fields[1].Length == 0)
                files = Version2;
            else if (fields[1].Split(',').Contains("memory"))
                files = Version1;
            else
                continue;
            foreach (string folder in Folders(files.Root, fields[2]))
            {
                // "max" in version 2 is no number: no limit.
                if (Number(read($"{folder}/{files.Limit}")) is not { } limit)
                    continue;
                total = Math.Min(total, limit);
                available = Math.Min(available, limit);
                if (Number(read($"{folder}/{files.Usage}")) is { } usage)
                {
                    string? statistics = read($"{folder}/memory.stat");
                    long droppable = Saturated(Value(statistics, files.ActiveFile) ?? 0, Value(statistics, files.InactiveFile) ?? 0);
                    available = Math.Min(available, limit - Math.Min(limit, Math.Max(0, usage - droppable)));
                }
            }
        }
        if (AddressSpace(read) is { } addresses)
        {
            total = Math.Min(total, addresses.Limit);
            available = Math.Min(available, addresses.Free);
        }
        return (total, available);
    }

    // The limit that the process feels, the first of the line's two, and what is left of it. Mappings count too, files included.
    private static (long Limit, long Free)? AddressSpace(Func<string, string?> read)
    {
        const string Name = "Max address space";
        string? line = Lines(read(LimitsFile)).FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
        if (line is null || Number(line[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault()) is not { } limit)
            return null;
        long used = Value(read(StatusFile), "VmSize:") is { } kilobytes ? Kilobytes(kilobytes) : 0;
        return (limit, Math.Max(0, limit - used));
    }

    private static (long Total, long Available) Read()
    {
        if (OperatingSystem.IsLinux() && Parse(ReadFile) is { } known)
            return known;
        GCMemoryInfo info = GC.GetGCMemoryInfo();
        return (info.TotalAvailableMemoryBytes, Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes));
    }

    private static string? ReadFile(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // From the process's own group up to the root: every one of them limits it. In a container the path may be the host's, and only the root is there.
    private static IEnumerable<string> Folders(string root, string path)
    {
        if (!path.Contains("..", StringComparison.Ordinal))
        {
            for (string rest = path.TrimEnd('/'); rest.Length > 0; rest = rest[..Math.Max(0, rest.LastIndexOf('/'))])
                yield return root + rest;
        }
        yield return root;
    }

    private static string[] Lines(string? text) => text?.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    // The first number after a word that begins a line.
    private static long? Value(string? text, string name)
    {
        foreach (string line in Lines(text))
        {
            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && words[0] == name)
                return Number(words[1]);
        }
        return null;
    }

    // Larger numbers than fit, as version 1 of the groups writes for "no limit" on some systems, are as good as the largest.
    private static long? Number(string? text) =>
        ulong.TryParse(text?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? (long)Math.Min(value, long.MaxValue) : null;

    private static long Kilobytes(long count) => count > long.MaxValue / 1024 ? long.MaxValue : count * 1024;

    private static long Saturated(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;

    private sealed record GroupFiles(string Root, string Limit, string Usage, string ActiveFile, string InactiveFile);
}
