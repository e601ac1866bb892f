using System.Text.Json.Nodes;

namespace Decant.Bench;

/// <summary>Prefill and decode of the same files: Decant, llama.cpp, Decant, … each with its own warm-up and repetitions.</summary>
internal static class SpeedComparison
{
    public static void Run(Sides sides, string[] models, int[] threadCounts, int prompt, int generate, int repetitions)
    {
        ResultFile results = sides.Results;
        results.Line($"# Prefill {prompt} and decode {generate}, {sides.Turns} turns of {repetitions} repetitions, medians ({Machine.CpuName})");
        results.Line();
        results.State(sides.Machine, threadCounts, "Before");
        results.Line();
        results.Line("| model | threads | prefill Decant | llama.cpp | ratio | range | decode Decant | llama.cpp | ratio | range | kernel | private memory |");
        results.Line("|---|---:|---:|---:|---:|---|---:|---:|---:|---|---|---:|");
        foreach (string model in models)
        {
            foreach (int threads in threadCounts)
                Compare(sides, model, threads, prompt, generate, repetitions);
        }
        results.Line();
        results.State(sides.Machine, threadCounts, "After");
    }

    private static void Compare(Sides sides, string model, int threads, int prompt, int generate, int repetitions)
    {
        var ours = new List<(double Prefill, double Decode)>();
        var theirs = new List<(double Prefill, double Decode)>();
        string kernel = "";
        double memory = 0;
        for (int turn = 0; turn < sides.Turns; turn++)
        {
            JsonObject decant = sides.Decant.Run(
                "bench", model, "-p", $"{prompt}", "-n", $"{generate}", "-r", $"{repetitions}", "--threads", $"{threads}", "--json", "--quiet");
            ours.Add(((double)decant["prefill"]!["tokens_per_second"]!, (double)decant["decode"]!["tokens_per_second"]!));
            kernel = (string)decant["kernel"]!;
            memory = Math.Max(memory, (double)decant["peak_memory_bytes"]!);
            JsonObject peer = sides.Peer.Run("bench", model, $"{threads}", $"{prompt}", $"{generate}", $"{repetitions}");
            theirs.Add(((double)peer["pp_median"]!, (double)peer["tg_median"]!));
        }
        double prefill = Statistics.Median(ours.Select(o => o.Prefill)), peerPrefill = Statistics.Median(theirs.Select(o => o.Prefill));
        double decode = Statistics.Median(ours.Select(o => o.Decode)), peerDecode = Statistics.Median(theirs.Select(o => o.Decode));
        sides.Results.Line(
            $"| {Path.GetFileNameWithoutExtension(model)} | {threads} | {prefill:F1} | {peerPrefill:F1} | {prefill / peerPrefill:F2} | " +
            $"{Statistics.Range(ours.Zip(theirs, (a, b) => a.Prefill / b.Prefill), "F2")} | {decode:F1} | {peerDecode:F1} | {decode / peerDecode:F2} | " +
            $"{Statistics.Range(ours.Zip(theirs, (a, b) => a.Decode / b.Decode), "F2")} | {kernel} | {memory / 1e6:F0} MB |");
    }
}
