using System.Diagnostics;
using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Devices;
using Decant.Core.Files;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>
/// A real model of 135 million weights against llama.cpp in single precision on the same weights, and against the evaluation fixtures. The fixtures say
/// they are from the same weights but are not: llama.cpp in single precision differs from them as we do, by 0.06 a token on average (first
/// position: both −8.41275, fixture −8.38713), about what rounding the matrices to Q8_0 once changes. So they bound averages only.
/// </summary>
[Trait("Category", "Slow")]
public class SmolLm2Tests
{
    // Two programs in single precision.
    private const double PeerLogProbabilityTolerance = 5e-5;

    // Differences of weights, not of arithmetic: see above. Measured over all windows that begin at multiples of 512: 0.060 and 0.1 %.
    private const double FixtureMeanDifference = 0.08;
    private const double FixturePerplexityTolerance = 0.005;
    private const double DecidedGap = 0.5;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Levels() => [.. InstructionSet.All.Where(set => set.IsSupported && set != InstructionSet.Scalar).Select(set => set.Name)];

    private static IModelSource Open() => ModelSources.Open(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"));

    private static Decoder Load(IModelSource source, string? kernel = null) =>
        Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { Kernel = kernel, ThreadCount = 2 }, Cancellation);

    private static int[] WikiTextIds()
    {
        JsonNode file = JsonNode.Parse(File.ReadAllText(SharedFiles.Require("fixtures", "evaluation", "perplexity_ids.json")))!;
        int[] ids = Numbers(file is JsonArray ? file : file["ids"]!);
        Assert.Equal(20_000, ids.Length);
        return ids;
    }

    private static int[] Numbers(JsonNode node) => [.. node.AsArray().Select(n => (int)n!)];

    [Theory]
    [MemberData(nameof(Levels))]
    public void Log_probabilities_of_windows_agree_with_the_fixtures_on_average(string kernel)
    {
        JsonNode[] windows = [.. File.ReadLines(SharedFiles.Require("fixtures", "evaluation", "perplexity_windows.jsonl")).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(78, windows.Length);
        int[] ids = WikiTextIds();
        using IModelSource source = Open();
        using Decoder decoder = Load(source, kernel);
        using DecoderSession session = decoder.StartSession(512);
        double difference = 0, ownSum = 0, expectedSum = 0;
        int count = 0;
        foreach (JsonNode window in windows.Where((_, i) => i % 26 == 0))
        {
            int begin = (int)window["begin"]!, end = (int)window["end"]!;
            double[] expected = [.. window["logprob"]!.AsArray().Select(n => (double)n!)];
            Assert.Equal(end - begin - 1, expected.Length);
            session.Reset();
            session.Score(ids.AsSpan(begin, end - begin), 0, (position, logits) =>
            {
                if (position == expected.Length)
                    return;
                double own = StoriesTests.LogProbability(logits, ids[begin + position + 1]);
                difference += Math.Abs(own - expected[position]);
                ownSum += own;
                expectedSum += expected[position];
                count++;
            }, Cancellation);
        }
        Assert.Equal(3 * 511, count);
        Assert.True(difference / count <= FixtureMeanDifference, $"mean difference {difference / count}");
        Assert.Equal(1, Math.Exp((expectedSum - ownSum) / count), FixturePerplexityTolerance);
    }

    [Fact]
    public void Greedy_text_agrees_with_the_fixtures_while_the_choice_is_clear()
    {
        JsonNode[] items = [.. File.ReadLines(SharedFiles.Require("fixtures", "evaluation", "greedy.jsonl")).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(20, items.Length);
        using IModelSource source = Open();
        using Decoder decoder = Load(source);
        int compared = 0;
        foreach (JsonNode item in items)
        {
            int[] expected = Numbers(item["output_ids"]!);
            double[] gaps = [.. item["gaps"]!.AsArray().Select(n => (double)n!)];
            int decided = Array.FindIndex(gaps, gap => gap < DecidedGap);
            int length = decided < 0 ? expected.Length : decided;
            if (length == 0)
                continue;
            using DecoderSession session = decoder.StartSession(200);
            Assert.Equal(expected[..length], new Generator(session, new Sampler(SamplerOptions.Greedy)).Generate(Numbers(item["prompt_ids"]!), length, [2], Cancellation));
            compared += length;
        }
        Assert.True(compared >= 50, $"{compared} tokens");
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Logits_are_those_of_llama_cpp_on_the_same_weights_in_single_precision(string kernel)
    {
        string model = SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf");
        int[] ids = WikiTextIds()[..100];
        string folder = Directory.CreateTempSubdirectory("decant-engine").FullName;
        float[] expected;
        try
        {
            string single = Path.Combine(folder, "f32.gguf");
            Peer.Run(["quantize", model, single, "F32", "2"]);
            expected = StoriesTests.PeerLogits(single, ids);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        using IModelSource source = Open();
        using Decoder decoder = Load(source, kernel);
        using DecoderSession session = decoder.StartSession(ids.Length);
        session.Score(ids, 0, (position, logits) =>
        {
            ReadOnlySpan<float> peer = expected.AsSpan(position * logits.Length, logits.Length);
            Closeness.Assert(peer, logits, 1e-3, $"logits of {position}");
            if (position < ids.Length - 1)
                Assert.Equal(StoriesTests.LogProbability(peer, ids[position + 1]), StoriesTests.LogProbability(logits, ids[position + 1]), PeerLogProbabilityTolerance);
        }, Cancellation);
    }

    [Theory]
    [InlineData(DecoderArithmetic.Float, 1)]
    [InlineData(DecoderArithmetic.Float, 2)]
    [InlineData(DecoderArithmetic.Fast, 1)]
    [InlineData(DecoderArithmetic.Fast, 2)]
    public void Cancelling_anywhere_in_a_prompt_returns_soon(DecoderArithmetic arithmetic, int threads)
    {
        const int Points = 10, MostTries = 4;
        const double Promised = 100;
        using IModelSource source = Open();
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { ThreadCount = threads, Arithmetic = arithmetic }, Cancellation);
        using DecoderSession session = decoder.StartSession(600);
        session.Append(new int[40], Cancellation);
        int[] prompt = new int[512];
        long start = Stopwatch.GetTimestamp();
        session.Append(prompt, Cancellation);
        TimeSpan whole = Stopwatch.GetElapsedTime(start);
        session.Truncate(40);
        var waits = new List<double>();
        for (int point = 0; point < Points; point++)
        {
            // Other programs may take the processor away, which lengthens some tries; what the engine itself does at this point of a prompt lengthens all.
            double? best = Cancel(whole * ((point + 0.5) / Points));
            for (int i = 1; i < MostTries && best >= Promised; i++)
                best = Math.Min(best.Value, Cancel(whole * ((point + 0.5) / Points)) ?? best.Value);
            if (best is { } wait)
                waits.Add(wait);
        }
        // Late points may find the prompt done: it is quicker than the first time.
        Assert.InRange(waits.Count, Points / 2, Points);
        Assert.True(waits.Max() < Promised, $"{waits.Max()} ms");
        TestContext.Current.SendDiagnosticMessage($"{arithmetic}, {threads} threads: worst {waits.Max():F1} ms of {waits.Count} places; whole prompt {whole.TotalMilliseconds:F0} ms");

        // Milliseconds from the cancellation to the end of the call, or null if the prompt was done sooner.
        double? Cancel(TimeSpan after)
        {
            using var cancellation = new CancellationTokenSource();
            long cancelled = 0;
            var canceller = new Thread(() =>
            {
                Thread.Sleep(after);
                Volatile.Write(ref cancelled, Stopwatch.GetTimestamp());
                cancellation.Cancel();
            });
            canceller.Start();
            double? wait = null;
            try
            {
                session.Append(prompt, cancellation.Token);
                session.Truncate(40);
            }
            catch (OperationCanceledException)
            {
                wait = Stopwatch.GetElapsedTime(Volatile.Read(ref cancelled)).TotalMilliseconds;
            }
            canceller.Join();
            Assert.Equal(40, session.Length);
            return wait;
        }
    }

    [Fact]
    public void Weights_stay_in_the_map()
    {
        long before = PrivateMemory.ReadByteCount();
        using IModelSource source = Open();
        using Decoder decoder = Load(source);
        using DecoderSession session = decoder.StartSession(512);
        session.Append(new int[509], Cancellation);
        session.Append([1, 2, 3], Cancellation);
        long used = PrivateMemory.ReadByteCount() - before;
        // 24 MB of keys and values, 20 MB of activations; the weights are 145 MB and may not be among it.
        Assert.True(used < 120_000_000, $"{used} bytes");
    }
}
