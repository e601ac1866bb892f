using Decant.Engine.Inference;
using Decant.Engine.Inference.Recurrent;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Recurrent;

/// <summary>Every reference checkpoint of the recurrent models: logits, hidden states and greedy text from transformers, at once and with the state.</summary>
public class RecurrentReferenceTests
{
    public static TheoryData<string, string, string> Cases()
    {
        var cases = new TheoryData<string, string, string>();
        foreach (string folder in RecurrentCheckpoint.Folders())
        {
            foreach (string config in RecurrentCheckpoint.Configs(folder))
            {
                foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
                    cases.Add(folder, config, set.Name);
            }
        }
        return cases;
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void All_recurrent_models_have_reference_checkpoints()
    {
        SharedFiles.RequireWholeSet();
        Assert.Superset(new HashSet<string> { "rwkv", "mamba", "mamba2" }, RecurrentCheckpoint.Folders().ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_hidden_states_and_greedy_ids_are_those_of_transformers(string folder, string config, string kernel)
    {
        using var checkpoint = new RecurrentCheckpoint(folder, config);
        var observer = new HiddenStates();
        using RecurrentDecoder decoder = RecurrentDecoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, Observer = observer }, Cancellation);
        Assert.Equal(kernel, decoder.KernelName);
        // Row 0 last: the reference hidden states are its.
        for (int row = checkpoint.Rows - 1; row >= 0; row--)
        {
            observer.Rows.Clear();
            using RecurrentSession session = decoder.StartSession();
            int visited = 0;
            session.Score(checkpoint.Ids.AsSpan(row * checkpoint.Length, checkpoint.Length), 0, (position, values) =>
            {
                Assert.Equal(visited++, position);
                Closeness.Assert(checkpoint.Logits(row, position), values, checkpoint.Tolerance, $"logits at {row}, {position}");
            }, Cancellation);
            Assert.Equal(checkpoint.Length, visited);
        }

        int layers = decoder.Spec.Layers.Length;
        Assert.Equal(layers + 1, (int)checkpoint.Index["hidden_states"]!);
        // The reference tells the stream behind each block, not the embedding's, and last the normalised one.
        for (int i = 0; i <= layers; i++)
            Closeness.Assert(checkpoint.Expected.Singles($"hidden_states.{i}"), observer.Rows[i + 1], checkpoint.Tolerance, $"hidden state {i}");
        AssertGreedyText(checkpoint, decoder);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Token_by_token_and_pieces_equal_the_whole_text(string folder, string config, string kernel)
    {
        using var checkpoint = new RecurrentCheckpoint(folder, config);
        using RecurrentDecoder decoder = RecurrentDecoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2 }, Cancellation);
        using RecurrentSession single = decoder.StartSession(checkpoint.Length), pieces = decoder.StartSession(checkpoint.Length);
        for (int position = 0; position < checkpoint.Length; position++)
        {
            Closeness.Assert(checkpoint.Logits(0, position), single.Append([checkpoint.Ids[position]], Cancellation), checkpoint.Tolerance, $"logits of {position}");
            Assert.Equal(position + 1, single.Length);
        }
        int first = 0;
        foreach (int piece in (ReadOnlySpan<int>)[9, 1, 3, 2, 9])
        {
            ReadOnlySpan<float> logits = pieces.Append(checkpoint.Ids.AsSpan(first, piece), Cancellation);
            first += piece;
            Closeness.Assert(checkpoint.Logits(0, first - 1), logits, checkpoint.Tolerance, $"logits of {first - 1}");
        }
        Assert.Equal(checkpoint.Length, first);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Small_batches_and_more_threads_equal_the_whole_text(string folder, string config, string kernel)
    {
        using var checkpoint = new RecurrentCheckpoint(folder, config);
        foreach ((int threads, int batch) in new[] { (1, 7), (3, 1), (4, 512) })
        {
            using RecurrentDecoder decoder = RecurrentDecoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = threads, BatchLength = batch }, Cancellation);
            using RecurrentSession session = decoder.StartSession();
            int visited = 5;
            session.Score(checkpoint.Ids.AsSpan(0, checkpoint.Length), 5, (position, values) =>
            {
                Assert.Equal(visited++, position);
                Closeness.Assert(checkpoint.Logits(0, position), values, checkpoint.Tolerance, $"logits of {position}");
            }, Cancellation);
            Assert.Equal(checkpoint.Length, visited);
        }
    }

    /// <summary>The reference text was made anew at every step; here each token costs one step of the state.</summary>
    private static void AssertGreedyText(RecurrentCheckpoint checkpoint, RecurrentDecoder decoder)
    {
        var sampler = new Sampler(SamplerOptions.Greedy);
        using RecurrentSession session = decoder.StartSession();
        int[] next = checkpoint.Ids[..checkpoint.Length];
        foreach (long expected in checkpoint.Expected.Integers("greedy"))
        {
            int id = sampler.Sample(session.Append(next, Cancellation), []);
            Assert.Equal((int)expected, id);
            next = [id];
        }
    }
}
