using System.Text.Json.Nodes;

namespace Decant.Bench;

/// <summary>The NativeAOT program beside the one that is compiled while it runs, in turns: prefill, decode, and the first prompt of a process.</summary>
internal static class NativeComparison
{
    public static void Run(Sides sides, Tool native, string[] models, int prompt, int generate, int repetitions, int threads)
    {
        sides.Results.Document(
            $"NativeAOT against JIT: prefill {prompt}, decode {generate}, {sides.Turns} turns of {repetitions} repetitions, medians", sides, [threads], models, () => sides.Results.Table(
            "| model | prefill: native | JIT | ratio | decode: native | JIT | ratio | first prompt, s: native | JIT |",
            models.Select(model => Row(sides, native, model, prompt, generate, repetitions, threads))));
    }

    private static string Row(Sides sides, Tool native, string model, int prompt, int generate, int repetitions, int threads)
    {
        string[] arguments = ["bench", model, "-p", $"{prompt}", "-n", $"{generate}", "-r", $"{repetitions}", "--threads", $"{threads}", "--json", "--quiet"];
        var turns = new List<(JsonObject Native, JsonObject Jit)>();
        for (int turn = 0; turn < sides.Turns; turn++)
            turns.Add((native.Run(arguments), sides.Decant.Run(arguments)));
        string Columns(string part)
        {
            static double Rate(JsonObject run, string part) => (double)run[part]!["tokens_per_second"]!;
            return $"{Statistics.Median(turns.Select(t => Rate(t.Native, part))):F1} | {Statistics.Median(turns.Select(t => Rate(t.Jit, part))):F1} | {Statistics.Median(turns.Select(t => Rate(t.Native, part) / Rate(t.Jit, part))):F2}";
        }
        static double First(JsonObject run) => (double)run["first_prefill_seconds"]!;
        return $"| {Path.GetFileNameWithoutExtension(model)} | {Columns("prefill")} | {Columns("decode")} | {Statistics.Median(turns.Select(t => First(t.Native))):F2} | {Statistics.Median(turns.Select(t => First(t.Jit))):F2} |";
    }
}
