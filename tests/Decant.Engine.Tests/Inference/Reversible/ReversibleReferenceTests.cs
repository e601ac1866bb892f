using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Reversible;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Reversible;

/// <summary>Every reference checkpoint of the reversible transformers: logits and hidden states from transformers, with its rotations and with our own.</summary>
public class ReversibleReferenceTests
{
    public static TheoryData<string, string, string> Cases()
    {
        var cases = new TheoryData<string, string, string>();
        foreach (string folder in ReversibleCheckpoint.Folders())
        {
            foreach (string config in ReversibleCheckpoint.Configs(folder))
            {
                foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
                    cases.Add(folder, config, set.Name);
            }
        }
        return cases;
    }

    public static TheoryData<string> Folders() => [.. ReversibleCheckpoint.Folders()];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void All_reversible_transformers_have_reference_checkpoints()
    {
        SharedFiles.RequireWholeSet();
        Assert.Superset(new HashSet<string> { "reformer", "reformer-hashes" }, ReversibleCheckpoint.Folders().ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_and_hidden_states_are_those_of_transformers(string folder, string config, string kernel)
    {
        using var checkpoint = new ReversibleCheckpoint(folder, config);
        foreach (IHashRotations? rotations in new IHashRotations?[] { new Given(checkpoint), null })
        {
            var observer = new HiddenStates();
            using ReversibleTransformer model = ReversibleTransformer.Load(
                checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, Observer = observer }, rotations, Cancellation);
            Assert.Equal(kernel, model.KernelName);
            // Row 0 last: the reference hidden states are its.
            for (int row = checkpoint.Rows - 1; row >= 0; row--)
            {
                int visited = 0;
                model.Score(checkpoint.Ids.AsSpan(row * checkpoint.Length, checkpoint.Length), 0, (position, values) =>
                {
                    Assert.Equal(visited++, position);
                    Closeness.Assert(checkpoint.Logits(row, position), values, checkpoint.Tolerance, $"logits at {row}, {position}");
                }, Cancellation);
                Assert.Equal(checkpoint.Length, visited);
            }
            int layers = model.Spec.Layers.Length;
            Assert.Equal(layers + 1, (int)checkpoint.Index["hidden_states"]!);
            for (int i = 0; i <= layers; i++)
                Closeness.Assert(checkpoint.Expected.Singles($"hidden_states.{i}"), observer.Rows[i], checkpoint.Tolerance, $"hidden state {i}");
        }
    }

    /// <summary>torch.manual_seed(hash_seed) and torch.randn, number by number.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public void Rotations_are_those_that_torch_draws(string folder)
    {
        using var checkpoint = new ReversibleCheckpoint(folder);
        HashedAttentionSpec[] hashed = [.. checkpoint.Model.Spec.Layers.Select(layer => layer.Attention).OfType<HashedAttentionSpec>()];
        Assert.NotEmpty(hashed);
        for (int i = 0; i < hashed.Length; i++)
        {
            ReadOnlySpan<float> expected = checkpoint.Expected.Singles($"lsh_rotations.{i}");
            float[] drawn = new float[expected.Length];
            new SeededRotations().Draw(i, hashed[i], (int)checkpoint.Expected.Shape($"lsh_rotations.{i}")[3], drawn);
            Closeness.Assert(expected, drawn, 1e-6, "rotation");
        }
    }

    /// <summary>A text no longer than the shortest chunk is attended to whole, so later tokens change nothing before them.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public void Short_texts_are_causal(string folder)
    {
        using var checkpoint = new ReversibleCheckpoint(folder);
        using ReversibleTransformer model = ReversibleTransformer.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, null, Cancellation);
        int chunk = model.Spec.Layers.Min(layer => layer.Attention.ChunkLength);
        List<float[]> whole = Logits(model, checkpoint.Ids[..chunk]);
        for (int length = 1; length < chunk; length++)
        {
            List<float[]> shorter = Logits(model, checkpoint.Ids[..length]);
            for (int position = 0; position < length; position++)
                Closeness.Assert(whole[position], shorter[position], 1e-5, $"logits of {position} of {length}");
        }
    }

    /// <summary>Texts of every length, padded to whole chunks, against the definition in double precision.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public void Texts_of_every_length_follow_the_definition(string folder)
    {
        using var checkpoint = new ReversibleCheckpoint(folder);
        using ReversibleTransformer model = ReversibleTransformer.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 3 }, null, Cancellation);
        var naive = new NaiveReformer(checkpoint.Model);
        for (int length = 1; length <= model.MaximumLength; length++)
        {
            int[] ids = checkpoint.Ids[..length];
            List<double[]> expected = naive.Logits(ids);
            List<float[]> got = Logits(model, ids);
            for (int position = 0; position < length; position++)
                Closeness.Assert([.. expected[position].Select(v => (float)v)], got[position], checkpoint.Tolerance, $"logits of {position} of {length}");
        }
    }

    /// <summary>Chunks of other lengths, with none or many neighbours: more than there are chunks too, which the reference then takes to be the chunk itself.</summary>
    [Theory]
    [InlineData(3, 0, 0, 5, 0, 0, true)]
    [InlineData(4, 2, 0, 6, 3, 0, true)]
    [InlineData(6, 5, 0, 4, 7, 0, true)]
    [InlineData(6, 5, 4, 4, 7, 3, false)]
    [InlineData(2, 1, 1, 12, 2, 2, false)]
    [InlineData(8, 3, 0, 8, 0, 5, true)]
    public void Neighbours_of_chunks_follow_the_definition(int localLength, int localBefore, int localAfter, int hashedLength, int hashedBefore, int hashedAfter, bool causal)
    {
        using var checkpoint = new ReversibleCheckpoint("reformer");
        ReformerSpec spec = checkpoint.Model.Spec with
        {
            Causal = causal,
            Layers = [.. checkpoint.Model.Spec.Layers.Select(layer => layer with
            {
                Attention = layer.Attention is LocalAttentionSpec
                    ? layer.Attention with { ChunkLength = localLength, ChunksBefore = localBefore, ChunksAfter = localAfter }
                    : layer.Attention with { ChunkLength = hashedLength, ChunksBefore = hashedBefore, ChunksAfter = hashedAfter },
            })],
        };
        var changed = new Model<ReformerSpec>(checkpoint.Model.Source, checkpoint.Model.ArchitectureName, spec, checkpoint.Model.Tensors);
        using ReversibleTransformer model = ReversibleTransformer.Load(changed, new DecoderOptions { ThreadCount = 2 }, null, Cancellation);
        var naive = new NaiveReformer(changed);
        foreach (int length in new[] { 1, localLength, localLength + 1, hashedLength, hashedLength + 1, 13, 24 })
        {
            List<double[]> expected = naive.Logits(checkpoint.Ids[..length]);
            List<float[]> got = Logits(model, checkpoint.Ids[..length]);
            // A chunk met twice counts a position's own score of −10⁵ twice, whose logarithm single precision holds to 4e-3, the reference's as well.
            for (int position = 0; position < length; position++)
                Closeness.Assert([.. expected[position].Select(v => (float)v)], got[position], 1e-2, $"logits of {position} of {length}");
        }
    }

    /// <summary>A session keeps the text and computes it anew: what it says after each piece is what the whole text says there.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public void Sessions_say_what_whole_texts_say(string folder)
    {
        using var checkpoint = new ReversibleCheckpoint(folder);
        using ReversibleTransformer model = ReversibleTransformer.Load(checkpoint.Model, null, null, Cancellation);
        using ILanguageModelSession session = ((ILanguageModel)model).StartSession(20);
        foreach ((int first, int end) in new[] { (0, 7), (7, 8), (8, 20) })
        {
            float[] got = session.Append(checkpoint.Ids.AsSpan(first, end - first), Cancellation).ToArray();
            // The head's product of one row and of many is summed in other orders.
            Closeness.Assert(Logits(model, checkpoint.Ids[..end])[^1], got, 1e-5, $"logits of {end}");
            Assert.Equal(end, session.Length);
        }
        Assert.Contains("full", Assert.Throws<UsageException>(() => session.Append([1], Cancellation)).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => { session.Rewind(19); session.Append([131], Cancellation); });
        Assert.Equal(19, session.Length);
        Closeness.Assert(Logits(model, checkpoint.Ids[..20])[^1], session.Append([checkpoint.Ids[19]], Cancellation), 1e-5, "logits after a refusal");
    }

    [Fact]
    public void What_cannot_be_run_is_refused_by_name()
    {
        using var checkpoint = new ReversibleCheckpoint("reformer");
        using ReversibleTransformer model = ReversibleTransformer.Load(checkpoint.Model, null, null, Cancellation);
        Assert.Equal(24, model.MaximumLength);
        Assert.Contains("at most 24", Assert.Throws<UsageException>(() => Logits(model, new int[25])).Message, StringComparison.Ordinal);
        Assert.Contains("131", Assert.Throws<UsageException>(() => Logits(model, [131])).Message, StringComparison.Ordinal);
        Assert.Contains("no tokens", Assert.Throws<UsageException>(() => Logits(model, [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Few_numbers_and_many_are_normally_distributed()
    {
        foreach (int length in new[] { 1, 2, 7, 15, 16, 17, 33, 4096 })
        {
            double sum = 0, squares = 0;
            int rounds = 40_000 / length;
            for (uint seed = 0; seed < rounds; seed++)
            {
                float[] values = new float[length];
                SeededRotations.Fill(new MersenneTwister(seed), values);
                sum += values.Sum(v => (double)v);
                squares += values.Sum(v => (double)v * v);
            }
            Assert.Equal(0, sum / (rounds * length), 0.03);
            Assert.Equal(1, squares / (rounds * length), 0.03);
        }
    }

    /// <summary>The authors' own first numbers for seed 5489.</summary>
    [Fact]
    public void The_twister_is_the_published_one()
    {
        var random = new MersenneTwister(5489);
        Assert.Equal([3499211612u, 581869302u, 3890346734u, 3586334585u, 545404204u], [.. Enumerable.Range(0, 5).Select(_ => random.Next())]);
        for (int i = 5; i < 9999; i++)
            random.Next();
        Assert.Equal(4123659995u, random.Next());
    }

    private static List<float[]> Logits(ReversibleTransformer model, int[] ids)
    {
        var rows = new List<float[]>();
        model.Score(ids, 0, (_, values) => rows.Add(values.ToArray()), Cancellation);
        return rows;
    }

    private sealed class Given(ReversibleCheckpoint checkpoint) : IHashRotations
    {
        public void Draw(int hashedIndex, HashedAttentionSpec attention, int coordinates, Span<float> rotations) =>
            checkpoint.Expected.Singles($"lsh_rotations.{hashedIndex}").CopyTo(rotations);
    }
}
