using System.Text.Json.Nodes;

namespace Decant.Bench;

/// <summary>
/// The same file quantized to the same type by both sides in turns. Decant's figure is its own <c>encode_seconds</c> (reading, encoding and writing;
/// source hash, final fsync and verify are stated apart), llama.cpp's its own <c>seconds</c> (llama_model_quantize, without fsync).
/// </summary>
internal static class CompressComparison
{
    private const int WindowLength = 512;
    private const int WindowCount = 8;

    public static void Run(Sides sides, string model, string[] types, string? imatrix, string? text, int[] threadCounts, string scratch)
    {
        string header = "| type | threads | Decant s | llama.cpp s | times as fast | range | hash s | fsync s | start-up and rest s | private memory | identical tensors |";
        sides.Results.Document(
            $"Quantizing {Path.GetFileName(model)}{(imatrix is null ? "" : " with importance matrix")}, {sides.Turns} turns, medians", sides, threadCounts,
            ((string?[])[model, imatrix, text]).OfType<string>(), () => sides.Results.Table(
                text is null ? header : header + " perplexity, Decant | llama.cpp |",
                from type in types from threads in threadCounts select Row(sides, model, type, imatrix, text, threads, scratch)));
    }

    private static string Row(Sides sides, string model, string type, string? imatrix, string? text, int threads, string scratch)
    {
        string ours = Path.Combine(scratch, "bench-decant.gguf"), theirs = Path.Combine(scratch, "bench-peer.gguf");
        var encode = new List<double>();
        var peer = new List<double>();
        var hash = new List<double>();
        var sync = new List<double>();
        var rest = new List<double>();
        double memory = 0;
        string same = "";
        for (int turn = 0; turn < sides.Turns; turn++)
        {
            Delete(ours);
            Delete(ours + ".report.json");
            var clock = System.Diagnostics.Stopwatch.StartNew();
            string[] arguments = ["compress", model, "-o", ours, "--to", type, "--no-verify", "--threads", $"{threads}", "--json", "--quiet"];
            sides.Decant.Run(imatrix is null ? arguments : [.. arguments, "--imatrix", imatrix]);
            double wall = clock.Elapsed.TotalSeconds;
            JsonNode report = JsonNode.Parse(File.ReadAllText(ours + ".report.json"))!;
            JsonNode actual = report["actual"]!;
            encode.Add((double)actual["encode_seconds"]!);
            sync.Add((double)actual["sync_seconds"]!);
            hash.Add((double)actual["hash_seconds"]!);
            rest.Add(wall - encode[^1] - sync[^1] - hash[^1]);
            memory = Math.Max(memory, (double)actual["peak_memory_bytes"]!);

            Delete(theirs);
            string[] peerArguments = ["quantize", model, theirs, type, $"{threads}"];
            peer.Add((double)sides.Peer.Run(imatrix is null ? peerArguments : [.. peerArguments, imatrix])["seconds"]!);
            if (turn > 0)
                continue;
            same = TensorComparison.Describe(ours, theirs);
            if (text is not null)
                same += " | " + Perplexities(sides, ours, text, threads);
        }
        Delete(ours);
        Delete(ours + ".report.json");
        Delete(theirs);
        double median = Statistics.Median(encode), peerMedian = Statistics.Median(peer);
        return
            $"| {type} | {threads} | {median:F2} | {peerMedian:F2} | {peerMedian / median:F2} | {Statistics.Range(encode.Zip(peer, (a, b) => b / a), "F2")} | " +
            $"{Statistics.Median(hash):F2} | {Statistics.Median(sync):F2} | {Statistics.Median(rest):F2} | {memory / 1e6:F0} MB | {same} |";
    }

    /// <summary>What both programs find in the file Decant wrote: llama.cpp's protocol over the first windows. llama.cpp rounds activations to 8 bits.</summary>
    private static string Perplexities(Sides sides, string file, string text, int threads)
    {
        JsonNode decant = sides.Decant.Run(
            "eval", file, "--text", text, "--protocol", "llama.cpp", "--context", $"{WindowLength}", "--chunks", $"{WindowCount}", "--threads", $"{threads}", "--json", "--quiet");
        JsonNode peer = sides.Peer.Run("ppl", file, text, $"{threads}", $"{WindowLength}", $"{WindowCount}");
        return $"{(double)decant["perplexity"]!["value"]!:F3} | {(double)peer["ppl"]!:F3}";
    }

    private static void Delete(string path)
    {
        if (File.Exists(path))
            File.Delete(path);
    }
}
