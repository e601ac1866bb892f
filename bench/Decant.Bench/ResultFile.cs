namespace Decant.Bench;

/// <summary>A Markdown document of results: always printed, and written to a file where that is asked for.</summary>
/// <param name="folder">Folder of all processors' results; null to print alone.</param>
/// <param name="title">Name of the file.</param>
internal sealed class ResultFile(string? folder, string title)
{
    private readonly string? path = folder is null ? null : Path.Combine(folder, Machine.CpuName, title + ".md");

    /// <summary>Adds a line at once: what is measured stays if a long comparison is cut short.</summary>
    public void Line(string line = "")
    {
        Console.WriteLine(line);
        if (path is not null)
            File.AppendAllText(path, line + "\n");
    }

    /// <summary>A whole document: its head, then what is measured between two looks at what the machine can do.</summary>
    /// <param name="heading">What it shows.</param>
    /// <param name="sides">Who is compared.</param>
    /// <param name="threadCounts">Thread counts; none if nothing is timed.</param>
    /// <param name="files">Models and texts.</param>
    /// <param name="measure">Adds the tables.</param>
    public void Document(string heading, Sides sides, IReadOnlyCollection<int> threadCounts, IEnumerable<string> files, Action measure)
    {
        string[] head = [.. ResultHead.Lines(sides.Command, sides, threadCounts, files)];
        if (path is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "");
        }
        Line($"# {heading} ({Machine.CpuName})");
        Line();
        Array.ForEach(head, Line);
        State(sides.Machine, threadCounts, "Before");
        measure();
        State(sides.Machine, threadCounts, "After");
    }

    /// <summary>A table; its rows are measured as they are asked for. What a column holds stands at its right but for the first.</summary>
    /// <param name="header">As in <c>| model | tokens/s |</c>.</param>
    /// <param name="rows">As the header.</param>
    public void Table(string header, IEnumerable<string> rows)
    {
        Line(header);
        Line("|---|" + string.Concat(Enumerable.Repeat("---:|", header.Count(letter => letter == '|') - 2)));
        foreach (string row in rows)
            Line(row);
        Line();
    }

    private void State(Machine machine, IReadOnlyCollection<int> threadCounts, string when)
    {
        foreach (int count in threadCounts.Distinct())
        {
            (double gflops, double gops, string program) = machine.Peak(count);
            Line($"{when}, {count} thread{(count == 1 ? "" : "s")}: memory read {machine.MemoryBandwidth(count):F1} GB/s (`membw`), multiply-add {gflops:F0} GFLOP/s, 8-bit products {gops:F0} GOP/s ({program}).  ");
        }
        if (threadCounts.Count > 0 && when == "Before")
            Line();
    }
}
