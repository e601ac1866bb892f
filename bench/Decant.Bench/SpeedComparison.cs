using System.Text.Json.Nodes;

namespace Decant.Bench;

/// <summary>
/// Prefill and decode of the same files: Decant, llama.cpp, Decant, … each with its own warm-up and repetitions. The machine's memory is read right before and
/// after each pair, because its speed changes within minutes and decoding with it.
/// </summary>
internal sealed class SpeedComparison(Sides sides, int prompt, int generate, int repetitions, string[] weights, string[] decantOptions)
{
    public void Run(string[] models, int[] threadCounts)
    {
        ResultFile results = sides.Results;
        results.Document($"Prefill {prompt} and decode {generate}, {sides.Turns} turns of {repetitions} repetitions, medians", sides, threadCounts, models, () =>
        {
            results.Line("Tokens per second. Weights: where Decant has them, `--weights` of `decant bench`. Ratios are medians of the turns' ratios with their range. Memory: what `membw` read around the turns, GB/s, median and range; share: what Decant read of it in the same turn.  ");
            results.Line("Prefill share: the time that operations with weights would take at what `decant bench` finds the processor does, in single precision or in bytes as the kernels do them, of the time taken.  ");
            results.Line("Memory: private bytes at most (weights copied, cache, working memory), Decant's as it says itself, llama.cpp's from outside ten times a second and, after the stroke, with the pages of the mapped file. Decant gives those back as it copies.");
            results.Line();
            results.Table(
                "| model | threads | weights | prefill Decant | llama.cpp | ratio | range | GOP/s | share | decode Decant | llama.cpp | ratio | range | memory | share | first prompt, s | bytes allocated a token | memory Decant, MB | llama.cpp, MB |",
                from model in models from threads in threadCounts from row in Rows(model, threads) select row);
        });
    }

    private IEnumerable<string> Rows(string model, int threads)
    {
        var turns = weights.ToDictionary(where => where, _ => new List<Turn>());
        double before = sides.Machine.MemoryBandwidth(threads);
        for (int turn = 0; turn < sides.Turns; turn++)
        {
            JsonObject[] ours = [.. weights.Select(where => sides.Decant.Run(
                ["bench", model, "-p", $"{prompt}", "-n", $"{generate}", "-r", $"{repetitions}", "--threads", $"{threads}", "--weights", where, "--json", "--quiet", .. decantOptions]))];
            JsonObject peer = sides.Peer.Run("bench", model, $"{threads}", $"{prompt}", $"{generate}", $"{repetitions}");
            double after = sides.Machine.MemoryBandwidth(threads);
            foreach ((string where, JsonObject decant) in weights.Zip(ours))
                turns[where].Add(new Turn(decant, peer, (before + after) / 2, sides.Peer.Memory));
            before = after;
        }
        return turns.Select(all => $"| {Path.GetFileNameWithoutExtension(model)} | {threads} | {all.Key} | {Columns(all.Value)} |");
    }

    private static string Columns(List<Turn> turns)
    {
        double Median(Func<Turn, double> of) => Statistics.Median(turns.Select(of));
        string Range(Func<Turn, double> of, string format) => Statistics.Range(turns.Select(of), format);
        return
            $"{Median(t => t.Prefill):F1} | {Median(t => t.PeerPrefill):F1} | {Median(t => t.Prefill / t.PeerPrefill):F2} | " +
            $"{Range(t => t.Prefill / t.PeerPrefill, "F2")} | {Median(t => t.PrefillRate) / 1e9:F0} | {Median(t => t.PrefillShare):P0} | " +
            $"{Median(t => t.Decode):F1} | {Median(t => t.PeerDecode):F1} | {Median(t => t.Decode / t.PeerDecode):F2} | {Range(t => t.Decode / t.PeerDecode, "F2")} | " +
            $"{Median(t => t.Memory):F1} ({Range(t => t.Memory, "F1")}) | {Median(t => t.DecodeRate / 1e9 / t.Memory):P0} | {Median(t => t.FirstPrompt):F2} | " +
            $"{Median(t => t.Allocated):F0} | {turns.Max(t => t.PrivateMemory) / 1e6:F0} | {turns.Max(t => t.PeerMemory.Private) / 1e6:F0} / {turns.Max(t => t.PeerMemory.Resident) / 1e6:F0}";
    }

    /// <summary>One run of each side.</summary>
    private sealed class Turn(JsonObject decant, JsonObject peer, double memory, MemoryPeak peerMemory)
    {
        public double Prefill { get; } = (double)decant["prefill"]!["tokens_per_second"]!;

        public double Decode { get; } = (double)decant["decode"]!["tokens_per_second"]!;

        public double PrefillShare { get; } = (double)decant["prefill"]!["share_of_limit"]!;

        public double PrefillRate { get; } = (double)decant["prefill"]!["operations_per_second"]!;

        public double DecodeRate { get; } = (double)decant["decode"]!["bytes_per_second"]!;

        public double FirstPrompt { get; } = (double)decant["first_prefill_seconds"]!;

        public double Allocated { get; } = (double)decant["allocated_bytes_per_token"]!;

        public double PrivateMemory { get; } = (double)decant["peak_memory_bytes"]!;

        public MemoryPeak PeerMemory { get; } = peerMemory;

        public double PeerPrefill { get; } = (double)peer["pp_median"]!;

        public double PeerDecode { get; } = (double)peer["tg_median"]!;

        /// <summary>GB/s.</summary>
        public double Memory { get; } = memory;
    }
}
