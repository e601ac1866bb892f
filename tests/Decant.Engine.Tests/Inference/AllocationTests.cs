using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>Tests that count what the whole process does run by themselves.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

/// <summary>A token costs no managed memory: nothing that is thrown away, so nothing to collect.</summary>
[Collection(nameof(Alone))]
public class AllocationTests
{
    // What the test platform does meanwhile. One object of 24 bytes for each product, by a worker, would be 90,000.
    private const long OtherByteCount = 32 << 10;

    private const int TokenCount = 100;

    // Until then buffers of the sampler are made.
    private const int FirstTokens = 2;

    private const int LongText = 1000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, bool> Samplers() => new()
    {
        { "greedy", false },
        { "drawn", false },
        { "drawn from all", false },
        { "penalised", false },
        { "greedy", true },
        { "drawn", true },
    };

    private static Sampler Create(string kind) => new(kind switch
    {
        "greedy" => SamplerOptions.Greedy,
        "drawn" => new SamplerOptions { TopK = 40, TopP = 0.95f },
        "drawn from all" => new SamplerOptions { TopK = 0, TopP = 0.9f },
        _ => new SamplerOptions { RepetitionPenalty = 1.1f },
    });

    [Theory]
    [MemberData(nameof(Samplers))]
    public void A_token_is_computed_and_drawn_without_allocating(string kind, bool fast)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        var options = new DecoderOptions { ThreadCount = 2, Arithmetic = fast ? DecoderArithmetic.Fast : DecoderArithmetic.Float };
        AssertNothingAllocated(ArchitectureRegistry.BindDecoder(source), options, Create(kind), promptLength: 1, 199, TokenCount, kind);
    }

    /// <summary>Every way through the kernels and caches: 260 tokens are more than one block of a cache holds.</summary>
    [Theory]
    [InlineData("Q8_0")]
    [InlineData("Q4_0")]
    [InlineData("Q4_K")]
    [InlineData("F16")]
    public void A_token_costs_no_memory_whatever_weights_and_caches_are_stored_in(string format)
    {
        DecoderModel model = RandomLlama.Create(TensorFormats.FindByName(format)!);
        foreach (string cache in new[] { "F16", "Q8_0", "Q4_0" })
        {
            foreach (DecoderArithmetic arithmetic in Enum.GetValues<DecoderArithmetic>())
            {
                foreach (WeightPlacement weights in new[] { WeightPlacement.Mapped, WeightPlacement.Copied })
                {
                    var options = new DecoderOptions { ThreadCount = 2, Arithmetic = arithmetic, Weights = weights, KeyValueFormat = cache };
                    AssertNothingAllocated(model, options, Create("greedy"), promptLength: 190, 30, 40, $"{format}, cache {cache}, {arithmetic}, {weights}");
                }
            }
        }
    }

    private static void AssertNothingAllocated(DecoderModel model, DecoderOptions options, Sampler sampler, int promptLength, int unmeasured, int measured, string what)
    {
        using Decoder decoder = Decoder.Load(model, options, Cancellation);
        using DecoderSession session = decoder.StartSession(promptLength + unmeasured + measured);
        int[] history = new int[promptLength + unmeasured + measured + 1];
        history.AsSpan(0, promptLength).Fill(1);
        int length = promptLength;
        if (promptLength > 1)
            session.Append(history.AsSpan(0, promptLength - 1), Cancellation);
        long before = 0, allBefore = 0;
        for (int i = 0; i < unmeasured + measured; i++)
        {
            if (i == unmeasured)
                (allBefore, before) = (GC.GetTotalAllocatedBytes(precise: true), GC.GetAllocatedBytesForCurrentThread());
            ReadOnlySpan<float> logits = session.Append(history.AsSpan(length - 1, 1), Cancellation);
            history[length] = sampler.Sample(logits, history.AsSpan(0, length));
            length++;
        }
        long own = GC.GetAllocatedBytesForCurrentThread() - before, all = GC.GetTotalAllocatedBytes(precise: true) - allBefore;
        Assert.True(own == 0, $"{what}: {own} bytes for {measured} tokens");
        Assert.True(all <= OtherByteCount, $"{what}: {all} bytes on all threads for {measured} tokens");
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public void The_loop_that_writes_a_text_allocates_nothing_from_its_second_token_on(int threads, bool fast)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        // Longer than the model is made for: attention is then cut in all the ways it can be.
        model = new DecoderModel(source, model.ArchitectureName, model.Spec with { ContextLength = LongText }, model.Tensors);
        var options = new DecoderOptions { ThreadCount = threads, Arithmetic = fast ? DecoderArithmetic.Fast : DecoderArithmetic.Float, KeyValueFormat = fast ? "F16" : "F32" };
        using Decoder decoder = Decoder.Load(model, options, Cancellation);
        using DecoderSession session = decoder.StartSession(LongText);
        var generator = new Generator(session, new Sampler(new SamplerOptions { Seed = 5 }));
        int count = 0;
        long before = 0, allBefore = 0;
        foreach (int _ in generator.Generate([1, 403, 407, 261, 378], int.MaxValue, [], Cancellation))
        {
            if (++count == FirstTokens)
                (allBefore, before) = (GC.GetTotalAllocatedBytes(precise: true), GC.GetAllocatedBytesForCurrentThread());
        }
        long own = GC.GetAllocatedBytesForCurrentThread() - before, all = GC.GetTotalAllocatedBytes(precise: true) - allBefore;
        Assert.Equal(LongText - 5 + 1, count);
        Assert.Equal(0, own);
        // Ten times as many tokens as elsewhere, and as much time for the test platform.
        Assert.InRange(all, 0, 10 * OtherByteCount);
    }

    [Theory]
    [InlineData(int.MaxValue, 512)]
    [InlineData(3, 512)]
    [InlineData(-1, 512)]
    [InlineData(300, 5)]
    public void Room_is_made_for_what_may_be_written_and_no_more(int maximumCount, int capacity)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using DecoderSession session = decoder.StartSession(capacity);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int count = new Generator(session, new Sampler(new SamplerOptions())).Generate([1, 403, 407, 261, 378], maximumCount, [], Cancellation).Count();
        Assert.Equal(Math.Clamp(maximumCount, 0, capacity - 5 + 1), count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }
}
