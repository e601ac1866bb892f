using System.Runtime.InteropServices;
using Decant.Core.Files;
using Decant.Evaluation.Divergence;
using Decant.Evaluation.Statistics;

namespace Decant.Bench;

/// <summary>
/// Logits of both sides for the same tokens: of the model's F32 form, where both should compute the same numbers, and of the file itself, where llama.cpp
/// rounds activations to 8 bits and Decant's float path does not.
/// </summary>
internal static class AgreementComparison
{
    private static readonly Dictionary<string, string> InSingle = new() { ["PEER_KV"] = "f32", ["PEER_FA"] = "off" };

    public static void Run(Sides sides, string model, string text, int tokenCount, string scratch)
    {
        string ids = Path.Combine(scratch, "agreement-ids.txt"), single = Path.Combine(scratch, "agreement-f32.gguf");
        string ours = Path.Combine(scratch, "agreement.safetensors"), theirs = Path.Combine(scratch, "agreement.f32");
        string[] tokens = sides.Peer.RunForText("tokenize", model, text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        File.WriteAllText(ids, string.Join(' ', tokens.Take(tokenCount)) + "\n");
        sides.Peer.Run("quantize", model, single, "F32", "2");
        (string File, string Settings, Tool Peer)[] cases =
        [
            (single, "F32 cache, no flash attention", sides.Peer.With(InSingle)),
            (model, "default", sides.Peer),
            (model, "F32 cache, no flash attention", sides.Peer.With(InSingle)),
        ];
        sides.Results.Document($"Logits of {Path.GetFileName(model)} beside llama.cpp's, {tokenCount} tokens of {Path.GetFileName(text)}", sides, [], [model, text], () => sides.Results.Table(
            "| file | llama.cpp's settings | positions | largest difference of a logit | mean KL divergence of llama.cpp's from Decant's, nats | largest |",
            cases.Select(one => Row(one.File, one.Settings, one.Peer))));
        foreach (string file in (string[])[ids, single, ours, theirs])
            File.Delete(file);

        string Row(string file, string settings, Tool peer)
        {
            sides.Decant.Run("logits", file, "--ids", ids, "-o", ours, "--force", "--json", "--quiet");
            peer.Run("logits", file, ids, theirs);
            (double difference, double[] divergences) = Agreement(ours, theirs);
            return $"| {(file == single ? "as F32" : "as stored")} | {settings} | {divergences.Length} | {difference:G3} | {Mean(divergences)} | {divergences.Max():G3} |";
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
        sides.Results.Document(
            $"Divergence of fast paths from Decant's float path on the same file, {tokenCount} tokens of {Path.GetFileName(text)}", sides, [], [.. models, text], () =>
            {
                sides.Results.Line("Mean KL divergence in nats ± its standard error, positions taken as independent (largest); whole vocabulary, all positions. Difference: of the divergences at the same position, Decant less llama.cpp's default.");
                sides.Results.Line();
                sides.Results.Table(
                    "| file | llama.cpp, default | llama.cpp, F32 cache, no flash attention | Decant, whole prompt | difference | Decant, token by token | difference |",
                    models.Select(Row));
            });
        foreach (string file in (string[])[ids, exact, fast, theirs])
            File.Delete(file);

        string Row(string model)
        {
            string[] tokens = sides.Peer.RunForText("tokenize", model, text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            File.WriteAllText(ids, string.Join(' ', tokens.Take(tokenCount)) + "\n");
            Logits(exact);
            double[] byDefault = Peer(sides.Peer), inSingle = Peer(sides.Peer.With(InSingle));
            double[] whole = Own("--arithmetic", "fast"), single = Own("--arithmetic", "fast", "--batch", "1");
            return $"| {Path.GetFileNameWithoutExtension(model)} | {Cell(byDefault)} | {Cell(inSingle)} | {Cell(whole)} | {Less(whole, byDefault)} | {Cell(single)} | {Less(single, byDefault)} |";

            void Logits(string path, params string[] options) =>
                sides.Decant.Run(["logits", model, "--ids", ids, "-o", path, "--force", "--json", "--quiet", .. options]);
            double[] Peer(Tool peer)
            {
                peer.Run("logits", model, ids, theirs);
                return Agreement(exact, theirs).Divergences;
            }
            double[] Own(params string[] options)
            {
                Logits(fast, options);
                WriteRaw(fast, theirs);
                return Agreement(exact, theirs).Divergences;
            }
        }

        static string Cell(double[] divergences) => $"{Mean(divergences)} ({divergences.Max():G3})";
        static string Less(double[] divergences, double[] others) => Mean(divergences.Zip(others, (a, b) => a - b));
    }

    private static string Mean(IEnumerable<double> values)
    {
        var mean = new MeanAccumulator();
        foreach (double value in values)
            mean.Add(value);
        return $"{mean.Mean:G3} ± {mean.StandardError:G2}";
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

    private static (double Difference, double[] Divergences) Agreement(string ours, string theirs)
    {
        using SafetensorsFile file = SafetensorsFile.Open(ours);
        var logits = file.Tensors[0];
        int vocabulary = (int)logits.Info.Shape.RowLength, positions = (int)logits.Info.Shape.RowCount;
        float[] row = new float[vocabulary], other = new float[vocabulary];
        double difference = 0;
        double[] divergences = new double[positions];
        using FileStream stream = File.OpenRead(theirs);
        if (stream.Length != (long)vocabulary * positions * sizeof(float))
            throw new InvalidOperationException($"llama.cpp wrote {stream.Length} bytes for {positions} rows of {vocabulary} logits.");
        for (int position = 0; position < positions; position++)
        {
            logits.ReadRows(position, 1, row);
            stream.ReadExactly(MemoryMarshal.AsBytes(other.AsSpan()));
            for (int i = 0; i < vocabulary; i++)
                difference = Math.Max(difference, Math.Abs(row[i] - other[i]));
            divergences[position] = DistributionComparison.Of(row, other).Divergence;
        }
        return (difference, divergences);
    }
}
