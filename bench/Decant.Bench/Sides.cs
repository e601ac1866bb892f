namespace Decant.Bench;

/// <summary>The two programs, how often each takes its turn, and where results go.</summary>
internal sealed record Sides(Tool Decant, Tool Peer, Machine Machine, int Turns, ResultFile Results);

/// <summary>A Markdown file of results that is also printed.</summary>
internal sealed class ResultFile(string folder, string title)
{
    private readonly string path = Create(Path.Combine(folder, Machine.CpuName, title + ".md"));

    /// <summary>Adds a line at once: what is measured stays if a long comparison is cut short.</summary>
    public void Line(string line = "")
    {
        Console.WriteLine(line);
        File.AppendAllText(path, line + "\n");
    }

    /// <summary>A table between the machine's limits before and after it; its rows are measured as they are asked for.</summary>
    public void Table(string title, Machine machine, int threads, string header, IEnumerable<string> rows)
    {
        Line($"# {title} ({Machine.CpuName})");
        Line();
        State(machine, [threads], "Before");
        Line();
        Line(header);
        Line("|---|" + string.Concat(Enumerable.Repeat("---:|", header.Count(letter => letter == '|') - 2)));
        foreach (string row in rows)
            Line(row);
        Line();
        State(machine, [threads], "After");
    }

    /// <summary>States the machine's limits at this moment.</summary>
    public void State(Machine machine, IEnumerable<int> threads, string when)
    {
        foreach (int count in threads.Distinct())
        {
            (double gflops, double gops) = machine.Peak(count);
            Line($"{when}, {count} thread{(count == 1 ? "" : "s")}: memory read {machine.MemoryBandwidth(count):F1} GB/s, multiply-add {gflops:F0} GFLOP/s, 8-bit dot {gops:F0} GOP/s.  ");
        }
    }

    private static string Create(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "");
        return path;
    }
}
