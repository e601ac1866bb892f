using System.Runtime.InteropServices;
using Decant.Core.Files;
using Decant.Evaluation.Divergence;

namespace Decant.Bench;

/// <summary>
/// Logits of both sides for the same tokens: of the model's F32 form, where both should compute the same numbers, and of the file itself, where llama.cpp
/// rounds activations to 8 bits and Decant's float path does not.
/// </summary>
internal static class AgreementComparison
{
    public static void Run(Sides sides, Tool peerInSingle, string model, string text, int tokenCount, string scratch)
    {
        string ids = Path.Combine(scratch, "agreement-ids.txt"), single = Path.Combine(scratch, "agreement-f32.gguf");
        string ours = Path.Combine(scratch, "agreement.safetensors"), theirs = Path.Combine(scratch, "agreement.f32");
        string[] tokens = sides.Peer.RunForText("tokenize", model, text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        File.WriteAllText(ids, string.Join(' ', tokens.Take(tokenCount)) + "\n");
        ResultFile results = sides.Results;
        results.Line($"# Logits of {Path.GetFileName(model)} beside llama.cpp's, {tokenCount} tokens of {Path.GetFileName(text)} ({Machine.CpuName})");
        results.Line();
        results.Line("| file | llama.cpp's settings | positions | largest difference of a logit | mean KL divergence of llama.cpp's from Decant's, nats | largest |");
        results.Line("|---|---|---:|---:|---:|---:|");
        sides.Peer.Run("quantize", model, single, "F32", "2");
        Compare(single, "F32 cache, no flash attention", peerInSingle);
        Compare(model, "default", sides.Peer);
        Compare(model, "F32 cache, no flash attention", peerInSingle);
        foreach (string file in (string[])[ids, single, ours, theirs])
            File.Delete(file);

        void Compare(string file, string settings, Tool peer)
        {
            sides.Decant.Run("logits", file, "--ids", ids, "-o", ours, "--force", "--json", "--quiet");
            peer.Run("logits", file, ids, theirs);
            (double difference, double mean, double largest, int positions) = Agreement(ours, theirs);
            results.Line($"| {(file == single ? "as F32" : "as stored")} | {settings} | {positions} | {difference:G3} | {mean:G3} | {largest:G3} |");
        }
    }

    /// <summary>
    /// What rounding activations to 8 bits costs on the same file: the divergence of each side's own fast path from Decant's float path, by whole prompts and token by
    /// token, which are other kernels.
    /// </summary>
    public static void RunFast(Sides sides, string[] models, string text, int tokenCount, string scratch)
    {
        string ids = Path.Combine(scratch, "fast-ids.txt"), exact = Path.Combine(scratch, "fast-float.safetensors");
        string fast = Path.Combine(scratch, "fast-whole.safetensors"), theirs = Path.Combine(scratch, "fast.f32");
        ResultFile results = sides.Results;
        results.Line($"# Divergence of fast paths from Decant's float path on the same file, {tokenCount} tokens of {Path.GetFileName(text)} ({Machine.CpuName})");
        results.Line();
        results.Line("Mean KL divergence in nats (largest), whole vocabulary, all positions.");
        results.Line();
        results.Line("| file | llama.cpp, default | llama.cpp, F32 cache, no flash attention | Decant, whole prompt | Decant, token by token |");
        results.Line("|---|---:|---:|---:|---:|");
        foreach (string model in models)
        {
            string[] tokens = sides.Peer.RunForText("tokenize", model, text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            File.WriteAllText(ids, string.Join(' ', tokens.Take(tokenCount)) + "\n");
            string Logits(string path, params string[] options)
            {
                sides.Decant.Run(["logits", model, "--ids", ids, "-o", path, "--force", "--json", "--quiet", .. options]);
                return path;
            }
            string Peer(Tool peer)
            {
                peer.Run("logits", model, ids, theirs);
                return Cell(Agreement(exact, theirs));
            }
            string Own(params string[] options)
            {
                WriteRaw(Logits(fast, options), theirs);
                return Cell(Agreement(exact, theirs));
            }
            Logits(exact);
            string theirDefault = Peer(sides.Peer);
            string theirSingle = Peer(sides.Peer.With(new Dictionary<string, string> { ["PEER_KV"] = "f32", ["PEER_FA"] = "off" }));
            results.Line($"| {Path.GetFileNameWithoutExtension(model)} | {theirDefault} | {theirSingle} | {Own("--arithmetic", "fast")} | {Own("--arithmetic", "fast", "--batch", "1")} |");
        }
        foreach (string file in (string[])[ids, exact, fast, theirs])
            File.Delete(file);

        static string Cell((double Difference, double MeanDivergence, double LargestDivergence, int Positions) agreement) =>
            $"{agreement.MeanDivergence:G3} ({agreement.LargestDivergence:G3})";
    }

    private static void WriteRaw(string safetensors, string raw)
    {
        using SafetensorsFile file = SafetensorsFile.Open(safetensors);
        var logits = file.Tensors[0];
        float[] row = new float[(int)logits.Info.Shape.RowLength];
        using FileStream stream = File.Create(raw);
        for (int position = 0; position < logits.Info.Shape.RowCount; position++)
        {
            logits.ReadRows(position, 1, row);
            stream.Write(MemoryMarshal.AsBytes(row.AsSpan()));
        }
    }

    private static (double Difference, double MeanDivergence, double LargestDivergence, int Positions) Agreement(string ours, string theirs)
    {
        using SafetensorsFile file = SafetensorsFile.Open(ours);
        var logits = file.Tensors[0];
        int vocabulary = (int)logits.Info.Shape.RowLength, positions = (int)logits.Info.Shape.RowCount;
        float[] row = new float[vocabulary], other = new float[vocabulary];
        double difference = 0, sum = 0, largest = 0;
        using FileStream stream = File.OpenRead(theirs);
        if (stream.Length != (long)vocabulary * positions * sizeof(float))
            throw new InvalidOperationException($"llama.cpp wrote {stream.Length} bytes for {positions} rows of {vocabulary} logits.");
        for (int position = 0; position < positions; position++)
        {
            logits.ReadRows(position, 1, row);
            stream.ReadExactly(MemoryMarshal.AsBytes(other.AsSpan()));
            for (int i = 0; i < vocabulary; i++)
                difference = Math.Max(difference, Math.Abs(row[i] - other[i]));
            double divergence = DistributionComparison.Of(row, other).Divergence;
            sum += divergence;
            largest = Math.Max(largest, divergence);
        }
        return (difference, sum / positions, largest, positions);
    }
}
