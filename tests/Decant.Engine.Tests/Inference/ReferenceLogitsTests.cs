using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>Every reference checkpoint of the decoders the engine runs: logits, hidden states and greedy text from Hugging Face transformers.</summary>
public class ReferenceLogitsTests
{
    public static TheoryData<string, string, string> Cases()
    {
        var cases = new TheoryData<string, string, string>();
        foreach (string folder in ReferenceCheckpoint.Folders())
        {
            foreach (string config in ReferenceCheckpoint.Configs(folder))
            {
                foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
                    cases.Add(folder, config, set.Name);
            }
        }
        return cases;
    }

    [Fact]
    public void All_registered_decoders_have_reference_checkpoints()
    {
        SharedFiles.RequireWholeSet();
        Assert.True(ReferenceCheckpoint.Folders().Count() >= 18, string.Join(' ', ReferenceCheckpoint.Folders()));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_hidden_states_and_greedy_ids_are_those_of_transformers(string folder, string config, string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint(folder, config);
        var observer = new HiddenStates();
        using Decoder decoder = Decoder.Load(
            checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, Observer = observer }, TestContext.Current.CancellationToken);
        Assert.Equal(kernel, decoder.KernelName);
        // Row 0 last: the reference hidden states are its.
        for (int row = checkpoint.Rows - 1; row >= 0; row--)
        {
            observer.Rows.Clear();
            using DecoderSession session = decoder.StartSession(checkpoint.Length);
            int visited = 0;
            session.Score(checkpoint.Ids.AsSpan(row * checkpoint.Length, checkpoint.Length), 0, (position, values) =>
            {
                Assert.Equal(visited++, position);
                Closeness.Assert(checkpoint.Logits(row, position), values, checkpoint.Tolerance, $"logits at {row}, {position}");
            }, TestContext.Current.CancellationToken);
            Assert.Equal(checkpoint.Length, visited);
        }

        int layers = decoder.Spec.Layers.Length;
        Assert.Equal(layers + 1, (int)checkpoint.Index["hidden_states"]!);
        for (int i = 0; i <= layers; i++)
        {
            int own = i == layers && (bool)checkpoint.Index["last_hidden_is_after_final_norm"]! ? layers + 1 : i;
            Closeness.Assert(checkpoint.Expected.Singles($"hidden_states.{i}"), observer.Rows[own], checkpoint.Tolerance, $"hidden state {i}");
        }
        AssertGreedyText(checkpoint, decoder);
    }

    /// <summary>The reference text was made without a cache: every step is the whole text anew.</summary>
    private static void AssertGreedyText(ReferenceCheckpoint checkpoint, Decoder decoder)
    {
        var sampler = new Sampler(SamplerOptions.Greedy);
        List<int> text = [.. checkpoint.Ids[..checkpoint.Length]];
        foreach (long next in checkpoint.Expected.Integers("greedy"))
        {
            using DecoderSession session = decoder.StartSession(text.Count);
            Assert.Equal((int)next, sampler.Sample(session.Append(text.ToArray(), TestContext.Current.CancellationToken), []));
            text.Add((int)next);
        }
    }
}
