using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Inference;

namespace Decant.Engine.Tests.Inference;

/// <summary>
/// A Llama-shaped decoder in double precision, as plainly as it can be written, with a cache of rotated keys: what the engine's cached decoding must
/// give when the rotation depends on the length of the text at each call.
/// </summary>
internal sealed class NaiveLlama(DecoderModel model)
{
    private readonly List<double[]>[] keys = [.. model.Spec.Layers.Select(_ => new List<double[]>())];
    private readonly List<double[]>[] values = [.. model.Spec.Layers.Select(_ => new List<double[]>())];

    /// <summary>Runs tokens after the cached ones; the logits of the last.</summary>
    public double[] Append(ReadOnlySpan<int> ids)
    {
        int textLength = keys[0].Count + ids.Length;
        double[] logits = [];
        foreach (int id in ids)
            logits = Step(id, textLength);
        return logits;
    }

    private double[] Step(int id, int textLength)
    {
        DecoderSpec spec = model.Spec;
        double[] x = Row(new TensorId(TensorRole.TokenEmbedding), id);
        for (int layer = 0; layer < spec.Layers.Length; layer++)
        {
            LayerSpec block = spec.Layers[layer];
            AttentionSpec attention = block.Attention;
            TensorId Id(TensorRole role) => new(role, layer);
            double[] n = Normalise(x, Id(TensorRole.AttentionNorm), block.Norm.Epsilon);
            int position = keys[layer].Count;
            double[] queries = Rotate(Multiply(Id(TensorRole.Query), n), attention, position, textLength);
            keys[layer].Add(Rotate(Multiply(Id(TensorRole.Key), n), attention, position, textLength));
            values[layer].Add(Multiply(Id(TensorRole.Value), n));
            var attended = new double[attention.HeadCount * attention.ValueSize];
            for (int head = 0; head < attention.HeadCount; head++)
                Attend(layer, head, queries, attended);
            Add(x, Multiply(Id(TensorRole.AttentionOutput), attended));
            n = Normalise(x, Id(TensorRole.FeedForwardNorm), block.Norm.Epsilon);
            double[] gate = Multiply(Id(TensorRole.Gate), n);
            double[] up = Multiply(Id(TensorRole.Up), n);
            Add(x, Multiply(Id(TensorRole.Down), [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]));
        }
        x = Normalise(x, new TensorId(TensorRole.FinalNorm), spec.FinalNorm!.Epsilon);
        return Multiply(new TensorId(spec.Head.Tied ? TensorRole.TokenEmbedding : TensorRole.Head), x);
    }

    private void Attend(int layer, int head, double[] queries, double[] attended)
    {
        AttentionSpec attention = model.Spec.Layers[layer].Attention;
        int keyHead = head / (attention.HeadCount / attention.KeyValueHeadCount);
        int last = keys[layer].Count - 1;
        int first = Math.Max(0, last - (attention.Window ?? int.MaxValue) + 1);
        double[] weights = [.. Enumerable.Range(first, last - first + 1).Select(j => Enumerable.Range(0, attention.HeadSize)
            .Sum(i => queries[head * attention.HeadSize + i] * keys[layer][j][keyHead * attention.HeadSize + i]) * attention.Scale)];
        double largest = weights.Max();
        weights = [.. weights.Select(w => Math.Exp(w - largest))];
        for (int j = first; j <= last; j++)
        {
            for (int i = 0; i < attention.ValueSize; i++)
                attended[head * attention.ValueSize + i] += weights[j - first] / weights.Sum() * values[layer][j][keyHead * attention.ValueSize + i];
        }
    }

    private static double[] Rotate(double[] rows, AttentionSpec attention, int position, int textLength)
    {
        (float[] frequencies, float factor) = RotaryTable.Frequencies(attention.Rope!, textLength);
        int half = frequencies.Length;
        for (int start = 0; start < rows.Length; start += attention.HeadSize)
        {
            for (int i = 0; i < half; i++)
            {
                bool halves = attention.Rope!.Pairing == RopePairing.Half;
                int a = start + (halves ? i : 2 * i);
                int b = halves ? a + half : a + 1;
                double cosine = Math.Cos(position * (double)frequencies[i]) * factor;
                double sine = Math.Sin(position * (double)frequencies[i]) * factor;
                (rows[a], rows[b]) = (rows[a] * cosine - rows[b] * sine, rows[b] * cosine + rows[a] * sine);
            }
        }
        return rows;
    }

    private double[] Normalise(double[] x, TensorId id, double epsilon)
    {
        double[] weight = Row(id, 0);
        double factor = 1 / Math.Sqrt(x.Sum(v => v * v) / x.Length + epsilon);
        return [.. x.Zip(weight, (v, w) => v * factor * w)];
    }

    private double[] Multiply(TensorId id, double[] x)
    {
        var result = new double[model.Get(id).Info.Shape.RowCount];
        for (int row = 0; row < result.Length; row++)
            result[row] = Row(id, row).Zip(x, (w, v) => w * v).Sum();
        return result;
    }

    private double[] Row(TensorId id, int row)
    {
        TensorData data = model.Get(id);
        var values = new float[data.Info.Shape.RowLength];
        data.ReadRows(row, 1, values);
        return [.. values.Select(v => (double)v)];
    }

    private static void Add(double[] x, double[] branch)
    {
        for (int i = 0; i < x.Length; i++)
            x[i] += branch[i];
    }
}
