using Decant.Core.Architectures;
using Decant.Core.Files;
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
        using Decoder decoder = Decoder.Load(
            ArchitectureRegistry.Bind(source), new DecoderOptions { ThreadCount = 2, Arithmetic = fast ? DecoderArithmetic.Fast : DecoderArithmetic.Float }, Cancellation);
        using DecoderSession session = decoder.StartSession(512);
        Sampler sampler = Create(kind);
        var history = new int[512];
        int length = 1;
        history[0] = 1;
        long before = 0, allBefore = 0;
        for (int i = 0; i < 300; i++)
        {
            if (i == 300 - TokenCount)
                (allBefore, before) = (GC.GetTotalAllocatedBytes(precise: true), GC.GetAllocatedBytesForCurrentThread());
            ReadOnlySpan<float> logits = session.Append(history.AsSpan(length - 1, 1), Cancellation);
            history[length] = sampler.Sample(logits, history.AsSpan(0, length));
            length++;
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - allBefore, 0, OtherByteCount);
    }

    [Fact]
    public void The_loop_that_writes_a_text_allocates_nothing_for_each_token()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.Bind(source), new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using DecoderSession session = decoder.StartSession(512);
        var generator = new Generator(session, new Sampler(new SamplerOptions { Seed = 5 }));
        int count = 0;
        long before = 0;
        foreach (int _ in generator.Generate([1, 403, 407, 261, 378], 300, [], Cancellation))
        {
            count++;
            if (count == 300 - TokenCount)
                before = GC.GetAllocatedBytesForCurrentThread();
        }
        Assert.Equal(300, count);
        // The list of all tokens may double once.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 512 * sizeof(int) + 64);
    }
}
