using System.Runtime.InteropServices;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>The small trained model: what its README says llama.cpp gives, from both of its files.</summary>
public class StoriesTests
{
    private const double PerplexityTolerance = 5e-4;

    // In single precision throughout; the README measured 2.2e-5 between three programs.
    private const double PeerLogitsTolerance = 1e-3;

    private static readonly int[] prompt = [1, 403, 407, 261, 378];

    private static readonly int[] greedy =
    [
        432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396, 267, 337, 410, 408, 419, 292,
        411, 322, 265, 282, 295, 433, 426, 385, 328, 432, 358, 394, 261, 370, 432, 352, 266, 268, 388, 426,
        338, 391, 266, 267, 337, 335, 312, 432, 398, 312, 286, 267, 414, 270, 333, 415, 426, 13, 438, 310,
        439, 419, 357, 336, 432, 313, 438, 310, 432, 278, 316, 439, 419, 298, 414, 267, 265, 282, 295, 433,
        426, 436, 317, 286, 296, 418, 269, 279, 292, 416, 439, 413, 409, 416, 327, 263, 415, 294, 267, 400,
        426, 338, 336, 432, 313, 442, 391, 267, 337, 335, 364, 420, 268, 388, 432, 398, 359, 280, 303, 439,
        413, 272, 417, 264, 312, 426, 436, 13, 438, 310, 286, 296, 418, 269, 279, 292, 416, 439, 413, 409,
        416, 327, 263, 415, 294, 267, 400, 426, 338, 336, 432, 313, 442, 439, 423, 262, 304, 420, 422, 432,
        317, 426, 359, 279, 292, 416, 439, 413, 409, 416, 327, 263, 415, 294, 267, 400, 426, 436, 13, 438,
        310, 279, 292, 416, 439, 413, 391, 267, 281, 421, 427, 311, 357, 432, 384, 358, 336, 432, 313, 442,
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string file in new[] { "stories260K-f32.gguf", "hf" })
        {
            foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
                cases.Add(file, set.Name);
        }
        return cases;
    }

    private static IModelSource Open(string file) => ModelSources.Open(SharedFiles.Require("models", "stories260K", file));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Greedy_text_is_the_published_one(string file, string kernel)
    {
        using IModelSource source = Open(file);
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { Kernel = kernel, ThreadCount = 2 }, Cancellation);
        using DecoderSession session = decoder.StartSession(256);
        var generator = new Generator(session, new Sampler(SamplerOptions.Greedy));
        Assert.Equal(greedy, generator.Generate(prompt, greedy.Length, [2], Cancellation));
        Assert.Equal([.. prompt, .. greedy], generator.History);
        Assert.Equal(prompt.Length + greedy.Length - 1, session.Length);
    }

    /// <summary>Eight texts that begin one after another and end at different lengths, sampled in the visitor as a server does.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Texts_written_together_are_those_written_alone(string file, string kernel)
    {
        using IModelSource source = Open(file);
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { Kernel = kernel, ThreadCount = 2 }, Cancellation);
        int[][] prompts = [prompt, .. Enumerable.Range(1, 7).Select(i => (int[])[.. prompt, .. greedy[..(i * 9)], 300 + i])];
        var sampler = new Sampler(SamplerOptions.Greedy);
        using var batch = new DecoderBatch(decoder);
        var running = new List<(int Text, DecoderSession Session)>();
        List<int>[] written = [.. prompts.Select(_ => new List<int>())];
        for (int step = 0; step < prompts.Length || running.Count > 0; step++)
        {
            if (step < prompts.Length)
                running.Add((step, decoder.StartSession(256)));
            foreach ((int text, DecoderSession session) in running)
                batch.Add(session, session.Length == 0 ? prompts[text] : [written[text][^1]]);
            batch.Run((entry, _, logits) => written[running[entry].Text].Add(sampler.Sample(logits, [])), Cancellation);
            foreach ((int text, DecoderSession session) in running)
            {
                if (written[text].Count == Count(text))
                    session.Dispose();
            }
            running.RemoveAll(item => written[item.Text].Count == Count(item.Text));
        }
        Assert.Equal(greedy[..Count(0)], written[0]);
        for (int text = 0; text < prompts.Length; text++)
        {
            using DecoderSession session = decoder.StartSession(256);
            Assert.Equal(new Generator(session, new Sampler(SamplerOptions.Greedy)).Generate(prompts[text], Count(text), [], Cancellation), written[text]);
        }

        static int Count(int text) => 60 - 7 * (text % 3);
    }

    [Theory]
    [InlineData(128, 1.8272)]
    [InlineData(256, 2.2794)]
    [InlineData(512, 2.0996)]
    public void Perplexity_is_the_published_one(int context, double expected)
    {
        using IModelSource source = Open("stories260K-f32.gguf");
        Tokenizer tokenizer = TokenizerLoader.Load(source)!;
        int[] ids = tokenizer.EncodeIds(File.ReadAllText(SharedFiles.Require("models", "stories260K", "story.txt")), addSpecialTokens: true);
        Assert.Equal(1697, ids.Length);
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using DecoderSession session = decoder.StartSession(context);
        double sum = 0;
        int count = 0;
        for (int first = 0; first + context <= ids.Length; first += context)
        {
            int[] chunk = ids[first..(first + context)];
            chunk[0] = 1;
            session.Reset();
            session.Score(chunk, context / 2, (position, logits) =>
            {
                if (position == context - 1)
                    return;
                sum -= LogProbability(logits, chunk[position + 1]);
                count++;
            }, Cancellation);
        }
        Assert.Equal(ids.Length / context * (context / 2 - 1), count);
        Assert.Equal(1, Math.Exp(sum / count) / expected, PerplexityTolerance);
    }

    [Fact]
    public void Logits_are_those_of_llama_cpp_in_single_precision()
    {
        string model = SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");
        int[] ids = [.. prompt, .. greedy];
        float[] expected = PeerLogits(model, ids);
        using IModelSource source = ModelSources.Open(model);
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using DecoderSession session = decoder.StartSession(ids.Length);
        session.Score(ids, 0, (position, logits) => Closeness.Assert(
            expected.AsSpan(position * logits.Length, logits.Length), logits, PeerLogitsTolerance, $"logits of {position}"), Cancellation);
    }

    [Fact]
    public void Stop_ids_stop_strings_and_full_contexts_end_the_text()
    {
        using IModelSource source = Open("stories260K-f32.gguf");
        Tokenizer tokenizer = TokenizerLoader.Load(source)!;
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { ThreadCount = 1 }, Cancellation);
        Generator Start(int capacity) => new(decoder.StartSession(capacity), new Sampler(SamplerOptions.Greedy));

        Assert.Equal(greedy[..13], Start(256).Generate(prompt, 200, [401], Cancellation));
        // The last token drawn needs no place in the cache.
        Assert.Equal(greedy[..4], Start(8).Generate(prompt, 200, [], Cancellation));
        Assert.Empty(Start(8).Generate(prompt, 0, [], Cancellation));
        string text = string.Concat(Start(256).GenerateText(prompt, 100, [2], ["named Li", "never said"], tokenizer.CreateStream(true), Cancellation));
        Assert.Equal(", there was a little girl ", text);
        string unstopped = string.Concat(Start(256).GenerateText(prompt, 20, [2], [], tokenizer.CreateStream(true), Cancellation));
        Assert.StartsWith(", there was a little girl named Lily. She loved to play", unstopped, StringComparison.Ordinal);
    }

    [Fact]
    public void Sampled_text_is_repeated_by_its_seed_and_changed_by_another()
    {
        using IModelSource source = Open("hf");
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { ThreadCount = 2 }, Cancellation);
        int[] Sample(ulong seed)
        {
            using DecoderSession session = decoder.StartSession(128);
            return [.. new Generator(session, new Sampler(new SamplerOptions { Seed = seed })).Generate(prompt, 60, [], Cancellation)];
        }
        Assert.Equal(Sample(3), Sample(3));
        Assert.NotEqual(Sample(3), Sample(4));
    }

    internal static double LogProbability(ReadOnlySpan<float> logits, int id)
    {
        double largest = float.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
            largest = Math.Max(largest, logit);
        foreach (float logit in logits)
            sum += Math.Exp(logit - largest);
        return logits[id] - largest - Math.Log(sum);
    }

    /// <summary>llama.cpp's logits with keys and values in single precision and without flash attention.</summary>
    internal static float[] PeerLogits(string model, int[] ids)
    {
        string folder = Directory.CreateTempSubdirectory("decant-engine").FullName;
        try
        {
            string idFile = Path.Combine(folder, "ids"), output = Path.Combine(folder, "logits");
            File.WriteAllText(idFile, string.Join(' ', ids));
            Peer.Run(["logits", model, idFile, output, "2"], new Dictionary<string, string> { ["PEER_KV"] = "f32", ["PEER_FA"] = "off" });
            return MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(output)).ToArray();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
