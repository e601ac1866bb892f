using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Inference;

/// <summary>Attention that sees keys on both sides, hidden keys and biases by distance, against the definition in double precision; texts long enough for tiles, blocks and pieces.</summary>
public sealed unsafe class BidirectionalAttentionTests
{
    private const double Tolerance = 2e-5;

    public static TheoryData<string, int, int, int?, string> Cases()
    {
        var cases = new TheoryData<string, int, int, int?, string>();
        foreach (string kernel in InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name))
        {
            foreach ((int queries, int keys) in (ReadOnlySpan<(int, int)>)[(1, 1), (3, 3), (40, 40), (300, 300), (1100, 1100), (1, 1500), (9, 700)])
            {
                foreach (string hidden in (string[])["none", "some", "front"])
                {
                    cases.Add(kernel, queries, keys, null, hidden);
                    if (queries == keys)
                        cases.Add(kernel, queries, keys, 5, hidden);
                }
            }
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Outputs_are_those_of_the_definition(string kernel, int queryCount, int keyCount, int? window, string hidden)
    {
        const int KeyHeads = 2, Group = 2, HeadSize = 8, ValueSize = 12;
        var spec = new AttentionSpec
        {
            HeadCount = KeyHeads * Group,
            KeyValueHeadCount = KeyHeads,
            HeadSize = HeadSize,
            ValueSize = ValueSize,
            Scale = 0.5f,
            Window = window,
            Bidirectional = true,
        };
        bool[]? mask = hidden switch
        {
            "some" => [.. Enumerable.Range(0, keyCount).Select(key => key % 3 == 1)],
            // Queries with a window that holds hidden keys alone see nothing.
            "front" => [.. Enumerable.Range(0, keyCount).Select(key => key < keyCount / 2)],
            _ => null,
        };
        InstructionSet instructions = InstructionSet.Find(kernel);
        float[] queries = Normal(queryCount * spec.HeadCount * HeadSize, 1), keys = Normal(keyCount * KeyHeads * HeadSize, 2), values = Normal(keyCount * KeyHeads * ValueSize, 3);
        double[] expected = Expect(spec, queries, keys, values, queryCount, keyCount, mask);
        foreach (int threads in (int[])[1, 3])
        {
            using var context = new ComputeContext(threads, instructions, null);
            using var attention = new Attention(context);
            using var cache = new KvCache([spec], TensorFormats.F32, instructions, keyCount);
            float[] outputs = new float[expected.Length];
            outputs.AsSpan().Fill(float.NaN);
            fixed (float* q = queries, k = keys, v = values, o = outputs)
            {
                for (int i = 0; i < keyCount; i++)
                    cache.Store(0, i, k + i * KeyHeads * HeadSize, v + i * KeyHeads * ValueSize, context.ThreadScratch);
                attention.Run(spec, 0, [new Segment(cache, 0, 0, queryCount, keyCount) { HiddenKeys = mask }], q, o, new Wave());
            }
            for (int i = 0; i < expected.Length; i++)
            {
                if (!(Math.Abs(outputs[i] - expected[i]) <= Tolerance))
                    Assert.Fail(FormattableString.Invariant($"element {i} is {outputs[i]:G9}, expected {expected[i]:G9}"));
            }
        }
    }

    /// <summary>The table of T5: 32 buckets up to a distance of 128.</summary>
    [Theory]
    [InlineData(0, false, 0)]
    [InlineData(5, false, 0)]
    [InlineData(-1, false, 1)]
    [InlineData(-15, false, 15)]
    [InlineData(-16, false, 16)]
    [InlineData(-18, false, 16)]
    [InlineData(-19, false, 17)]
    [InlineData(-127, false, 31)]
    [InlineData(-128, false, 31)]
    [InlineData(-5000, false, 31)]
    [InlineData(0, true, 0)]
    [InlineData(-7, true, 7)]
    [InlineData(-8, true, 8)]
    [InlineData(7, true, 23)]
    [InlineData(16, true, 26)]
    [InlineData(-16, true, 10)]
    [InlineData(-32, true, 12)]
    [InlineData(-127, true, 15)]
    [InlineData(300, true, 31)]
    public void Distances_fall_into_the_buckets_of_T5(int distance, bool bidirectional, int bucket) =>
        Assert.Equal(bucket, RelativeScoreBias.Bucket(distance, 32, 128, bidirectional));

    private static double BiasOf(int head, int distance) => Math.Sin(head + 0.3 * distance);

    private static double[] Expect(AttentionSpec spec, float[] queries, float[] keys, float[] values, int queryCount, int keyCount, bool[]? hidden)
    {
        var expected = new double[queryCount * spec.HeadCount * spec.ValueSize];
        int group = spec.HeadCount / spec.KeyValueHeadCount;
        for (int query = 0; query < queryCount; query++)
        {
            int[] seen = [.. Enumerable.Range(0, keyCount).Where(key => hidden?[key] != true && (spec.Window is not { } window || Math.Abs(key - query) < window))];
            for (int head = 0; head < spec.HeadCount && seen.Length > 0; head++)
            {
                int row = query * spec.HeadCount + head;
                double[] scores = [.. seen.Select(key =>
                {
                    double sum = 0;
                    for (int j = 0; j < spec.HeadSize; j++)
                        sum += (double)queries[row * spec.HeadSize + j] * keys[(key * spec.KeyValueHeadCount + head / group) * spec.HeadSize + j];
                    return sum * spec.Scale + BiasOf(head, key - query);
                })];
                double largest = scores.Max(), total = scores.Sum(score => Math.Exp(score - largest));
                for (int i = 0; i < seen.Length; i++)
                {
                    double weight = Math.Exp(scores[i] - largest) / total;
                    for (int j = 0; j < spec.ValueSize; j++)
                        expected[row * spec.ValueSize + j] += weight * values[(seen[i] * spec.KeyValueHeadCount + head / group) * spec.ValueSize + j];
                }
            }
        }
        return expected;
    }

    private static float[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    private sealed class Wave : ScoreBias
    {
        public override void AddTo(float* scores, long stride, int count, int head, int firstKey, int query)
        {
            for (int i = 0; i < count; i++)
                scores[i * stride] += (float)BiasOf(head, firstKey - query + i);
        }
    }
}
