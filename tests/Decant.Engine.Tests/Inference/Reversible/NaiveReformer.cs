using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Inference.Reversible;

namespace Decant.Engine.Tests.Inference.Reversible;

/// <summary>The definition in double precision: whole arrays, a list of visible positions for each query, no buffers shared.</summary>
internal sealed class NaiveReformer(Model<ReformerSpec> model)
{
    private readonly ReformerSpec spec = model.Spec;

    public List<double[]> Logits(int[] ids)
    {
        int[] chunks = [.. spec.Layers.Select(layer => layer.Attention.ChunkLength).Distinct()];
        int multiple = Enumerable.Range(1, chunks.Aggregate((a, b) => a * b)).First(m => chunks.All(c => m % c == 0));
        int length = ids.Length <= chunks.Min() ? ids.Length : (ids.Length + multiple - 1) / multiple * multiple;
        double[][] first = [.. Enumerable.Range(0, length).Select(p => p < ids.Length ? Embed(ids[p], p) : new double[spec.HiddenSize])], second = [.. first];
        for (int layer = 0; layer < spec.Layers.Length; layer++)
        {
            double[][] attended = Attend(layer, [.. second.Select(x => Norm(x, TensorRole.AttentionNorm, layer))], ids.Length);
            first = Sum(first, attended);
            double[][] inner = [.. first.Select(x => Linear(Norm(x, TensorRole.FeedForwardNorm, layer), TensorRole.Up, layer).Select(v => Math.Max(v, 0)).ToArray())];
            second = Sum(second, [.. inner.Select(x => Linear(x, TensorRole.Down, layer))]);
        }
        return [.. Enumerable.Range(0, ids.Length).Select(p => Linear(Norm([.. first[p], .. second[p]], TensorRole.FinalNorm, null), TensorRole.Head, null))];
    }

    private double[][] Attend(int layer, double[][] x, int tokenCount)
    {
        ChunkedAttentionSpec attention = spec.Layers[layer].Attention;
        var hashed = attention as HashedAttentionSpec;
        int length = x.Length, size = attention.HeadSize;
        bool whole = length <= attention.ChunkLength;
        int rounds = whole ? 1 : hashed?.HashCount ?? 1;
        double[][] queries = [.. x.Select(row => Linear(row, hashed is null ? TensorRole.Query : TensorRole.QueryKey, layer))];
        double[][] values = [.. x.Select(row => Linear(row, TensorRole.Value, layer))];
        double[][] keys = hashed is null ? [.. x.Select(row => Linear(row, TensorRole.Key, layer))] : queries;
        double[][] joined = [.. x.Select(_ => new double[attention.HeadCount * size])];
        for (int head = 0; head < attention.HeadCount; head++)
        {
            double[] Part(double[] row) => row[(head * size)..((head + 1) * size)];
            List<int> order = [.. hashed is null || whole ? Enumerable.Range(0, rounds * length) : Order(hashed, layer, head, [.. queries.Select(Part)], tokenCount)];
            var results = new (double[] Result, double Weight)[rounds * length];
            for (int i = 0; i < order.Count; i++)
            {
                int position = order[i] % length;
                var visible = new List<int>();
                int chunkCount = order.Count / attention.ChunkLength;
                for (int offset = -attention.ChunksBefore; !whole && offset <= attention.ChunksAfter; offset++)
                {
                    // Chunks from the offset on, then those before it; an offset beyond either end cuts nothing off.
                    int cut = Math.Clamp(offset < 0 ? chunkCount + offset : offset, 0, chunkCount);
                    int chunk = Enumerable.Range(0, chunkCount).Skip(cut).Concat(Enumerable.Range(0, cut)).ElementAt(i / attention.ChunkLength);
                    visible.AddRange(order.Skip(chunk * attention.ChunkLength).Take(attention.ChunkLength).Select(index => index % length));
                }
                if (whole)
                    visible.AddRange(order);
                double[] scores = [.. visible.Select(other =>
                {
                    if (hashed is not null && other == position)
                        return -1e5;
                    if (other >= tokenCount || (spec.Causal && other > position))
                        return -1e9;
                    double[] query = Part(queries[position]), key = Part(keys[other]);
                    double scale = hashed is null ? 1 : 1 / Math.Sqrt(key.Average(v => v * v) + 1e-6);
                    return query.Zip(key, (a, b) => a * b).Sum() * scale / Math.Sqrt(size);
                })];
                double largest = scores.Max(), sum = scores.Sum(s => Math.Exp(s - largest));
                double[] result = [.. Enumerable.Range(0, size).Select(e => visible.Select((other, j) => Math.Exp(scores[j] - largest) / sum * values[other][head * size + e]).Sum())];
                results[order[i]] = (result, largest + Math.Log(sum));
            }
            for (int position = 0; position < length; position++)
            {
                (double[] Result, double Weight)[] own = [.. Enumerable.Range(0, rounds).Select(round => results[round * length + position])];
                double largest = own.Max(r => r.Weight), sum = own.Sum(r => Math.Exp(r.Weight - largest));
                for (int e = 0; e < size; e++)
                    joined[position][head * size + e] = own.Sum(r => Math.Exp(r.Weight - largest) / sum * r.Result[e]);
            }
        }
        return [.. joined.Select(row => Linear(row, TensorRole.AttentionOutput, layer))];
    }

    private IEnumerable<int> Order(HashedAttentionSpec hashed, int layer, int head, double[][] vectors, int tokenCount)
    {
        int buckets = hashed.BucketCount!.Value, coordinates = buckets / 2, length = vectors.Length;
        float[] drawn = new float[hashed.HeadCount * hashed.HeadSize * hashed.HashCount * coordinates];
        new SeededRotations().Draw(spec.Layers.Take(layer).Count(l => l.Attention is HashedAttentionSpec), hashed, coordinates, drawn);
        int BucketOf(int round, int position)
        {
            if (position >= tokenCount)
                return buckets;
            double[] rotated = [.. Enumerable.Range(0, coordinates).Select(i => vectors[position]
                .Select((v, e) => v * drawn[((head * hashed.HeadSize + e) * hashed.HashCount + round) * coordinates + i]).Sum())];
            double[] both = [.. rotated, .. rotated.Select(v => -v)];
            return Array.IndexOf(both, both.Max());
        }
        return Enumerable.Range(0, hashed.HashCount).SelectMany(round => Enumerable.Range(0, length).OrderBy(p => BucketOf(round, p)).Select(p => round * length + p));
    }

    private double[] Embed(int token, int position)
    {
        AxialPositionsSpec axial = spec.AxialPositions!;
        double[] place = [.. Row(TensorRole.RowPositions, null, position / axial.ColumnCount), .. Row(TensorRole.ColumnPositions, null, position % axial.ColumnCount)];
        return [.. Row(TensorRole.TokenEmbedding, null, token).Zip(place, (a, b) => a + b)];
    }

    private double[] Norm(double[] x, TensorRole role, int? layer)
    {
        double epsilon = layer is { } index ? spec.Layers[index].Norm.Epsilon : spec.FinalNorm.Epsilon;
        double mean = x.Average(), deviation = Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + epsilon);
        double[] weight = Row(role, layer, 0), bias = Values(new TensorId(role, layer).Bias);
        return [.. x.Select((v, i) => (v - mean) / deviation * weight[i] + bias[i])];
    }

    private double[] Linear(double[] x, TensorRole role, int? layer)
    {
        double[] weight = Values(new TensorId(role, layer));
        double[]? bias = model.Find(new TensorId(role, layer).Bias) is null ? null : Values(new TensorId(role, layer).Bias);
        return [.. Enumerable.Range(0, weight.Length / x.Length).Select(row => (bias?[row] ?? 0) + x.Select((v, i) => v * weight[row * x.Length + i]).Sum())];
    }

    private double[] Row(TensorRole role, int? layer, int row)
    {
        TensorData tensor = model.Get(new TensorId(role, layer));
        float[] values = new float[tensor.Info.Shape.RowLength];
        tensor.ReadRows(row, 1, values);
        return [.. values.Select(v => (double)v)];
    }

    private double[] Values(TensorId id)
    {
        TensorData tensor = model.Get(id);
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        return [.. values.Select(v => (double)v)];
    }

    private static double[][] Sum(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (v, w) => v + w).ToArray())];
}
