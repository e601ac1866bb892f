using System.Text.Json.Nodes;

namespace Decant.Bench;

/// <summary>Perplexity over the same windows of a text, by llama.cpp's protocol: seconds of scoring, loading left out on both sides, and the result.</summary>
internal static class EvalComparison
{
    public static void Run(Sides sides, string[] models, string text, int chunks, int context, int threads)
    {
        sides.Results.Document(
            $"Perplexity over {chunks} windows of {context} tokens of {Path.GetFileName(text)}, {sides.Turns} turns, medians (range)", sides, [threads], [.. models, text], () => sides.Results.Table(
            "| model | Decant fast, s | Decant float, s | llama.cpp, s | times as fast: fast | range | float | range | perplexity: fast | float | llama.cpp |",
            models.Select(model => Row(sides, model, text, chunks, context, threads))));
    }

    private static string Row(Sides sides, string model, string text, int chunks, int context, int threads)
    {
        var turns = new List<(JsonObject Fast, JsonObject Float, JsonObject Peer)>();
        for (int turn = 0; turn < sides.Turns; turn++)
            turns.Add((Score(sides, model, text, chunks, context, threads, "fast"), Score(sides, model, text, chunks, context, threads, "float"), sides.Peer.Run("ppl", model, text, $"{threads}", $"{context}", $"{chunks}")));
        double Median(Func<(JsonObject Fast, JsonObject Float, JsonObject Peer), double> of) => Statistics.Median(turns.Select(of));
        string Spread(Func<(JsonObject Fast, JsonObject Float, JsonObject Peer), JsonObject> of) => $"{Median(t => Seconds(of(t))):F1} ({Statistics.Range(turns.Select(t => Seconds(of(t))), "F1")})";
        string Ratio(Func<(JsonObject Fast, JsonObject Float, JsonObject Peer), JsonObject> of) => $"{Median(t => Seconds(t.Peer) / Seconds(of(t))):F2} | {Statistics.Range(turns.Select(t => Seconds(t.Peer) / Seconds(of(t))), "F2")}";
        return $"| {Path.GetFileNameWithoutExtension(model)} | {Spread(t => t.Fast)} | {Spread(t => t.Float)} | {Spread(t => t.Peer)} | {Ratio(t => t.Fast)} | {Ratio(t => t.Float)} | " +
            $"{Median(t => (double)t.Fast["perplexity"]!["value"]!):F4} | {Median(t => (double)t.Float["perplexity"]!["value"]!):F4} | {Median(t => (double)t.Peer["ppl"]!):F4} |";
    }

    private static double Seconds(JsonObject run) => (double)run["seconds"]!;

    private static JsonObject Score(Sides sides, string model, string text, int chunks, int context, int threads, string arithmetic) => sides.Decant.Run(
        "eval", model, "--text", text, "--protocol", "llama.cpp", "--context", $"{context}", "--chunks", $"{chunks}", "--threads", $"{threads}", "--arithmetic", arithmetic, "--json", "--quiet");
}
