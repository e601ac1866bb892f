using System.Collections.Immutable;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Inference;

/// <summary>Attention over caches of every format on every instruction level, against plain double precision over what the cache holds.</summary>
public unsafe class AttentionTests
{
    // Sums of a few thousand products in single precision, of values around 1.
    private const double Tolerance = 2e-5;

    private sealed record Shape(int KeyHeads, int Group, int HeadSize, int ValueSize, int? Window = null, float? SoftCap = null);

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
        {
            foreach (TensorFormat format in KvCache.Formats)
                cases.Add(format.Name, set.Name);
        }
        return cases;
    }

    [Fact]
    public void Every_format_that_users_of_llama_cpp_expect_is_there() =>
        Assert.Equal(["F32", "F16", "BF16", "Q8_0", "Q4_0"], KvCache.Formats.Select(format => format.Name));

    /// <summary>Contexts around the borders of tiles and pieces, one token at the end.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void A_single_token_of_any_group_sees_the_keys_of_its_context(string format, string kernel)
    {
        foreach (int group in new[] { 1, 2, 3, 4, 8, 9 })
        {
            foreach (int context in new[] { 1, 2, 3, 5, 64, 65, 119, 120, 121, 240, 241, 960, 961 })
                Check(new Shape(2, group, 32, 32), format, kernel, 2, [(context - 1, 1)]);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Several_tokens_see_keys_up_to_their_own(string format, string kernel)
    {
        foreach (int group in new[] { 1, 3, 8 })
        {
            foreach ((int past, int count) in new[] { (0, 2), (0, 7), (0, 8), (0, 9), (0, 48), (0, 49), (5, 65), (47, 3), (48, 20), (100, 130), (239, 2), (230, 60), (956, 9), (1100, 3) })
                Check(new Shape(2, group, 32, 32), format, kernel, 2, [(past, count)]);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Windows_and_caps_hide_and_bend_scores(string format, string kernel)
    {
        foreach (int? window in new int?[] { 1, 2, 40, 120, 300, null })
        {
            foreach (float? cap in new float?[] { null, 3 })
            {
                foreach ((int past, int count) in new[] { (0, 1), (39, 1), (700, 1), (1210, 1), (0, 90), (350, 50), (1000, 2) })
                    Check(new Shape(1, 3, 32, 64, window, cap), format, kernel, 2, [(past, count)]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Heads_of_any_length_are_computed_if_the_format_holds_them(string format, string kernel)
    {
        int block = TensorFormats.FindByName(format)!.BlockLength;
        foreach ((int head, int value) in new[] { (8, 8), (12, 20), (17, 5), (64, 64), (80, 80), (96, 64), (128, 128), (256, 256) })
        {
            if (head % block != 0 || value % block != 0)
                continue;
            Check(new Shape(2, 2, head, value), format, kernel, 2, [(70, 1)]);
            Check(new Shape(2, 2, head, value), format, kernel, 2, [(70, 30)]);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Texts_of_one_pass_see_their_own_keys(string format, string kernel) =>
        Check(new Shape(2, 3, 32, 32), format, kernel, 3, [(300, 1), (0, 20), (12, 1), (1200, 4), (700, 1)]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Any_number_of_threads_gives_the_same_bytes(string format, string kernel)
    {
        foreach ((int past, int count)[] texts in new (int, int)[][] { [(1500, 1)], [(1500, 40)], [(600, 1), (0, 70), (900, 1)] })
        {
            float[] expected = Run(new Shape(3, 3, 32, 32), format, kernel, 1, texts).Outputs;
            foreach (int threads in new[] { 2, 3, 8 })
                Assert.True(expected.AsSpan().SequenceEqual(Run(new Shape(3, 3, 32, 32), format, kernel, threads, texts).Outputs), $"{threads} threads");
        }
    }

    [Theory]
    [InlineData("Q8_0")]
    [InlineData("Q4_0")]
    public void Heads_that_blocks_do_not_divide_are_refused_with_what_works(string format)
    {
        var exception = Assert.Throws<UsageException>(() => KvCache.RequireWholeBlocks(Spec(new Shape(1, 1, 80, 64)), TensorFormats.FindByName(format)!));
        Assert.Equal(
            $"The key-value cache cannot be stored as {format}: its blocks hold 32 elements, and the heads of this model have 80. It can be: F32, F16, BF16.", exception.Message);
    }

    [Fact]
    public void Too_little_memory_says_how_much_is_needed_and_what_needs_less()
    {
        var exception = Assert.Throws<LimitNotMetException>(() => new KvCache(Spec(new Shape(8, 1, 128, 128)), TensorFormats.F16, InstructionSet.Best, int.MaxValue));
        Assert.StartsWith("The key-value cache (F16) for 2147483647 tokens needs 16777216 MiB and ", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith("are available. Use a shorter context (--context) or a smaller type for keys and values (--cache-type q8_0, q4_0).", exception.Message, StringComparison.Ordinal);
        exception = Assert.Throws<LimitNotMetException>(() => new KvCache(Spec(new Shape(8, 1, 80, 80)), TensorFormats.F16, InstructionSet.Best, int.MaxValue));
        Assert.EndsWith("are available. Use a shorter context (--context).", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("F16")]
    [InlineData("BF16")]
    [InlineData("Q8_0")]
    [InlineData("Q4_0")]
    public void What_a_format_cannot_hold_is_an_error_with_a_reason(string format)
    {
        using var cache = new KvCache(Spec(new Shape(1, 1, 32, 32)), TensorFormats.FindByName(format)!, InstructionSet.Best, 4);
        using var scratch = new Scratch();
        var values = new float[32];
        foreach (float bad in new[] { float.NaN, float.PositiveInfinity })
        {
            values[7] = bad;
            fixed (float* pointer = values)
            {
                float* row = pointer;
                Assert.Contains("not a finite number", Assert.Throws<NumericalException>(() => cache.Store(0, 0, row, row, scratch)).Message, StringComparison.Ordinal);
            }
        }
        if (format == "BF16")
            return;
        values[7] = 3e38f;
        fixed (float* pointer = values)
        {
            float* row = pointer;
            Assert.Contains("too large for a cache", Assert.Throws<NumericalException>(() => cache.Store(0, 0, row, row, scratch)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Storing_and_attending_allocate_nothing(string format, string kernel)
    {
        InstructionSet instructions = InstructionSet.Find(kernel);
        using var context = new ComputeContext(1, instructions, null);
        DecoderSpec spec = Spec(new Shape(2, 3, 32, 32));
        using var cache = new KvCache(spec, TensorFormats.FindByName(format)!, instructions, 700);
        using var attention = new Attention(context);
        float[] rows = Normal(64, 1), queries = Normal(6 * 32, 2), outputs = new float[6 * 32];
        List<Segment> segments = [];
        fixed (float* row = rows, query = queries, output = outputs)
        {
            long before = 0;
            for (int position = 0; position < 700; position++)
            {
                if (position == 600)
                    before = GC.GetAllocatedBytesForCurrentThread();
                cache.Store(0, position, row, row, context.ThreadScratch);
                segments.Clear();
                segments.Add(new Segment(cache, position, 0, 1, position + 1));
                attention.Run(spec.Layers[0].Attention, 0, segments, query, output);
            }
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    private static void Check(Shape shape, string format, string kernel, int threads, (int Past, int Count)[] texts)
    {
        (float[] outputs, double[] expected) = Run(shape, format, kernel, threads, texts);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(outputs[i] - expected[i]) <= Tolerance))
                Assert.Fail(FormattableString.Invariant($"{shape}, {string.Join(' ', texts)}: element {i} is {outputs[i]:G9}, expected {expected[i]:G9}"));
        }
    }

    private static (float[] Outputs, double[] Expected) Run(Shape shape, string formatName, string kernel, int threads, (int Past, int Count)[] texts)
    {
        DecoderSpec spec = Spec(shape);
        AttentionSpec attentionSpec = spec.Layers[1].Attention;
        InstructionSet instructions = InstructionSet.Find(kernel);
        TensorFormat format = TensorFormats.FindByName(formatName)!;
        using var context = new ComputeContext(threads, instructions, null);
        using var attention = new Attention(context);
        int rows = texts.Sum(text => text.Count);
        float[] queries = Normal(rows * attentionSpec.HeadCount * shape.HeadSize, 3), outputs = new float[rows * attentionSpec.HeadCount * shape.ValueSize];
        outputs.AsSpan().Fill(float.NaN);
        var expected = new double[outputs.Length];
        List<Segment> segments = [];
        int firstRow = 0;
        foreach ((int past, int count) in texts)
        {
            int length = past + count;
            var cache = new KvCache(spec, format, instructions, length + 3);
            float[] keys = Normal(length * shape.KeyHeads * shape.HeadSize, length), values = Normal(length * shape.KeyHeads * shape.ValueSize, length + 1);
            fixed (float* k = keys, v = values)
            {
                for (int i = 0; i < length; i++)
                    cache.Store(1, i, k + i * shape.KeyHeads * shape.HeadSize, v + i * shape.KeyHeads * shape.ValueSize, context.ThreadScratch);
            }
            segments.Add(new Segment(cache, past, firstRow, count, length));
            Expect(attentionSpec, Rounded(format, keys, shape.HeadSize), Rounded(format, values, shape.ValueSize), past, count, firstRow, queries, expected);
            firstRow += count;
        }
        fixed (float* q = queries, o = outputs)
            attention.Run(attentionSpec, 1, segments, q, o);
        foreach (Segment segment in segments)
            segment.Cache.Dispose();
        return (outputs, expected);
    }

    private static float[] Rounded(TensorFormat format, float[] elements, int rowLength)
    {
        var result = new float[elements.Length];
        var bytes = new byte[format.RowByteCount(rowLength)];
        for (int i = 0; i < elements.Length; i += rowLength)
        {
            format.EncodeRow(elements.AsSpan(i, rowLength), default, bytes);
            format.DecodeRow(bytes, result.AsSpan(i, rowLength));
        }
        return result;
    }

    private static void Expect(AttentionSpec spec, float[] keys, float[] values, int past, int count, int firstRow, float[] queries, double[] expected)
    {
        int group = spec.HeadCount / spec.KeyValueHeadCount;
        for (int token = 0; token < count; token++)
        {
            int position = past + token;
            int first = spec.Window is { } window ? Math.Max(0, position - window + 1) : 0;
            for (int head = 0; head < spec.HeadCount; head++)
            {
                int row = (firstRow + token) * spec.HeadCount + head;
                var weights = new double[position + 1 - first];
                for (int i = 0; i < weights.Length; i++)
                {
                    double sum = 0;
                    int key = ((first + i) * spec.KeyValueHeadCount + head / group) * spec.HeadSize;
                    for (int j = 0; j < spec.HeadSize; j++)
                        sum += (double)queries[row * spec.HeadSize + j] * keys[key + j];
                    sum *= spec.Scale;
                    weights[i] = spec.SoftCap is { } cap ? cap * Math.Tanh(sum / cap) : sum;
                }
                double largest = weights.Max();
                for (int i = 0; i < weights.Length; i++)
                    weights[i] = Math.Exp(weights[i] - largest);
                double total = weights.Sum();
                for (int i = 0; i < weights.Length; i++)
                {
                    int value = ((first + i) * spec.KeyValueHeadCount + head / group) * spec.ValueSize;
                    for (int j = 0; j < spec.ValueSize; j++)
                        expected[row * spec.ValueSize + j] += weights[i] / total * values[value + j];
                }
            }
        }
    }

    private static DecoderSpec Spec(Shape shape)
    {
        var norm = new NormSpec(NormKind.RootMeanSquare, 1e-5f);
        var layer = new LayerSpec
        {
            Norm = norm,
            FeedForward = new FeedForwardSpec { Gated = true, Activation = Activation.Silu, Width = 64 },
            Attention = new AttentionSpec
            {
                HeadCount = shape.KeyHeads * shape.Group,
                KeyValueHeadCount = shape.KeyHeads,
                HeadSize = shape.HeadSize,
                ValueSize = shape.ValueSize,
                Scale = 1.5f / MathF.Sqrt(shape.HeadSize),
                Window = shape.Window,
                SoftCap = shape.SoftCap,
            },
        };
        return new DecoderSpec
        {
            VocabularySize = 100,
            HiddenSize = 64,
            ContextLength = int.MaxValue,
            Layers = ImmutableArray.Create(layer, layer),
            FinalNorm = norm,
            Head = new HeadSpec { Tied = true },
        };
    }

    private static float[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
