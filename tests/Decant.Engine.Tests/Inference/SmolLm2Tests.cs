using System.Diagnostics;
using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>A real model of 135 million weights against what transformers computed from the same weights in single precision.</summary>
[Trait("Category", "Slow")]
public class SmolLm2Tests
{
    // The page of the fixtures: stored to five decimals, log-softmax in double.
    private const double LogProbabilityTolerance = 5e-5;

    // Where the two best logits are closer, a correct engine may take the other.
    private const double DecidedGap = 0.001;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Levels() => [.. InstructionSet.All.Where(set => set.IsSupported && set != InstructionSet.Scalar).Select(set => set.Name)];

    private static IModelSource Open() => ModelSources.Open(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"));

    private static Decoder Load(IModelSource source, string? kernel = null) =>
        Decoder.Load(ArchitectureRegistry.Bind(source), new DecoderOptions { Kernel = kernel, ThreadCount = 2 }, Cancellation);

    private static int[] Numbers(JsonNode node) => [.. node.AsArray().Select(n => (int)n!)];

    [Theory]
    [MemberData(nameof(Levels))]
    public void Log_probabilities_of_windows_are_those_of_transformers(string kernel)
    {
        JsonNode[] windows = [.. File.ReadLines(SharedFiles.Require("fixtures", "evaluation", "perplexity_windows.jsonl")).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(78, windows.Length);
        JsonNode file = JsonNode.Parse(File.ReadAllText(SharedFiles.Require("fixtures", "evaluation", "perplexity_ids.json")))!;
        int[] ids = Numbers(file is JsonArray ? file : file["ids"]!);
        Assert.Equal(20_000, ids.Length);
        using IModelSource source = Open();
        using Decoder decoder = Load(source, kernel);
        using DecoderSession session = decoder.StartSession(512);
        // The widest level takes every eighth window, the others three, so that the test stays within minutes on a busy machine.
        foreach (JsonNode window in windows.Where((_, i) => i % (kernel == InstructionSet.Best.Name ? 8 : 30) == 0))
        {
            int begin = (int)window["begin"]!, end = (int)window["end"]!;
            double[] expected = [.. window["logprob"]!.AsArray().Select(n => (double)n!)];
            Assert.Equal(end - begin - 1, expected.Length);
            double sum = 0;
            session.Reset();
            session.Score(ids.AsSpan(begin, end - begin), 0, (position, logits) =>
            {
                if (position == expected.Length)
                    return;
                double own = StoriesTests.LogProbability(logits, ids[begin + position + 1]);
                Assert.True(Math.Abs(own - expected[position]) <= LogProbabilityTolerance, $"window {begin}, position {position}: {own}, expected {expected[position]}");
                sum += own;
            }, Cancellation);
            Assert.Equal(1, sum / (double)window["sum"]!, 2e-5);
        }
    }

    [Fact]
    public void Greedy_text_is_that_of_transformers()
    {
        JsonNode[] items = [.. File.ReadLines(SharedFiles.Require("fixtures", "evaluation", "greedy.jsonl")).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(20, items.Length);
        using IModelSource source = Open();
        using Decoder decoder = Load(source);
        foreach (JsonNode item in items)
        {
            int[] expected = Numbers(item["output_ids"]!);
            double[] gaps = [.. item["gaps"]!.AsArray().Select(n => (double)n!)];
            int decided = Array.FindIndex(gaps, gap => gap < DecidedGap);
            using DecoderSession session = decoder.StartSession(200);
            int[] actual = [.. new Generator(session, new Sampler(SamplerOptions.Greedy)).Generate(Numbers(item["prompt_ids"]!), 64, [2], Cancellation)];
            int compared = decided < 0 ? expected.Length : decided;
            Assert.Equal(expected[..compared], actual[..Math.Min(compared, actual.Length)]);
        }
    }

    [Fact]
    public void Logits_are_those_of_llama_cpp_on_the_same_weights_in_single_precision()
    {
        string model = SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf");
        JsonNode item = JsonNode.Parse(File.ReadLines(SharedFiles.Require("fixtures", "evaluation", "greedy.jsonl")).First())!;
        int[] ids = [.. Numbers(item["prompt_ids"]!), .. Numbers(item["output_ids"]!)];
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
        using Decoder decoder = Load(source);
        using DecoderSession session = decoder.StartSession(ids.Length);
        session.Score(ids, 0, (position, logits) =>
            Closeness.Assert(expected.AsSpan(position * logits.Length, logits.Length), logits, 1e-3, $"logits of {position}"), Cancellation);
    }

    [Fact]
    public void Cancelling_in_the_middle_of_a_prompt_returns_soon()
    {
        using IModelSource source = Open();
        using Decoder decoder = Load(source);
        using DecoderSession session = decoder.StartSession(2048);
        session.Append(new int[40], Cancellation);
        var clock = new Stopwatch();
        using var cancellation = new CancellationTokenSource();
        using var timer = new Timer(_ =>
        {
            clock.Start();
            cancellation.Cancel();
        }, null, 150, Timeout.Infinite);
        Assert.Throws<OperationCanceledException>(() => { session.Append(new int[2000], cancellation.Token); });
        // 100 ms on a quiet machine; the bound leaves room for neighbours, and the whole prompt takes seconds.
        Assert.True(clock.ElapsedMilliseconds < 500, $"{clock.ElapsedMilliseconds} ms");
        Assert.Equal(40, session.Length);
    }
}
