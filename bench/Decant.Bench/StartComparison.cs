using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Decant.Bench;

/// <summary>
/// How long it takes from nothing to the first token, the file in the page cache: the whole process, and what <c>decant run</c> counts from its own
/// first line on; and how much slower the first long prompt is than those after it.
/// </summary>
internal sealed class StartComparison(Sides sides, string model, int runs, int[] threadCounts, string? ahead)
{
    private const string Prompt = "Once upon a time";
    private const int PromptLength = 512;

    /// <summary>Measures both programs in turns.</summary>
    public void Run()
    {
        (string Name, Tool Tool)[] programs = ahead is null ? [("decant", sides.Decant)] : [("decant", sides.Decant), ("decant, NativeAOT", new Tool(ahead))];
        sides.Results.Document(
            $"From process start to the first token: {Path.GetFileName(model)}, {runs} runs after one that fills the page cache", sides, threadCounts, [model], () =>
            {
                sides.Results.Line("`decant run MODEL \"" + Prompt + "\" -n 1 --json`. Process: from before it is started until it has ended. To the token: `seconds` of its JSON, from the verb's first line on; load: `load_seconds`.");
                sides.Results.Line();
                sides.Results.Table("| program | process s, median | best | to the token s, median | best | load s, median | processor time s, median | best |", StartRows(programs));
                sides.Results.Table(
                    $"| program | first prompt of {PromptLength} tokens s | those after it s, median | times as long, median | range |",
                    programs.Select(program => $"| {program.Name} | {FirstPrompt(program.Tool)} |"));
            });
    }

    private IEnumerable<string> StartRows((string Name, Tool Tool)[] programs)
    {
        var starts = programs.ToDictionary(program => program.Name, _ => new List<Start>());
        // The first run of each fills the page cache and is not counted.
        for (int run = 0; run <= runs; run++)
        {
            foreach ((string name, Tool tool) in programs)
            {
                Start start = Measure(tool);
                if (run > 0)
                    starts[name].Add(start);
            }
        }
        return starts.Select(program => $"| {program.Key} | {Columns(program.Value)} |");

        static string Columns(List<Start> all) => $"{Both(all, start => start.Process)} | {Both(all, start => start.Token)} | {Median(all, start => start.Load)} | {Both(all, start => start.Processor)}";
        static string Both(List<Start> all, Func<Start, double> value) => $"{Median(all, value)} | {all.Min(value):F3}";
    }

    private Start Measure(Tool tool)
    {
        double before = ChildProcessorSeconds();
        var clock = Stopwatch.StartNew();
        JsonObject result = tool.Run("run", model, Prompt, "-n", "1", "--json", "--quiet");
        return new Start(clock.Elapsed.TotalSeconds, (double)result["seconds"]!, (double)result["load_seconds"]!, ChildProcessorSeconds() - before);
    }

    private string FirstPrompt(Tool tool)
    {
        var first = new List<double>();
        var later = new List<double>();
        for (int turn = 0; turn < sides.Turns; turn++)
        {
            JsonObject result = tool.Run("bench", model, "-p", $"{PromptLength}", "-n", "4", "-r", "5", "--json", "--quiet");
            first.Add((double)result["first_prefill_seconds"]!);
            later.Add(PromptLength / (double)result["prefill"]!["tokens_per_second"]!);
        }
        double[] ratios = [.. first.Zip(later, (a, b) => a / b)];
        return $"{Statistics.Median(first):F3} | {Statistics.Median(later):F3} | {Statistics.Median(ratios):F2} | {Statistics.Range(ratios, "F2")}";
    }

    private static string Median(List<Start> starts, Func<Start, double> value) => $"{Statistics.Median(starts.Select(value)):F3}";

    // User and system time of the children that have ended; .NET forgets a process's times when it ends.
    private static double ChildProcessorSeconds()
    {
        const int children = -1;
        if (!OperatingSystem.IsLinux())
            return double.NaN;
        long[] usage = new long[18];
        return GetResourceUsage(children, usage) == 0 ? usage[0] + usage[2] + (usage[1] + usage[3]) / 1e6 : double.NaN;
    }

    [DllImport("libc", EntryPoint = "getrusage")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetResourceUsage(int who, [Out] long[] usage);

    private readonly record struct Start(double Process, double Token, double Load, double Processor);
}
