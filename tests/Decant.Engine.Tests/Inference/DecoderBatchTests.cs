using Decant.Core.Architectures;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>Several texts in one run, against the same texts alone and against the reference.</summary>
public class DecoderBatchTests
{
    // From this many rows on a product runs on panels: see ProductInput.
    private const int ManyRows = ProductInput.SmallestPanelTokenCount;

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string folder in ReferenceCheckpoint.Folders())
        {
            foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
                cases.Add(folder, set.Name);
        }
        return cases;
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Texts_in_one_batch_equal_the_reference(string folder, string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        DecoderSession[] sessions = [.. Enumerable.Range(0, checkpoint.Rows).Select(_ => decoder.StartSession(checkpoint.Length))];
        for (int row = 0; row < checkpoint.Rows; row++)
            batch.Add(sessions[row], checkpoint.Ids.AsSpan(row * checkpoint.Length, checkpoint.Length), row);
        (int Entry, int Position) expected = (0, 0);
        batch.Run((entry, position, logits) =>
        {
            Assert.Equal(expected, (entry, position));
            expected = position + 1 < checkpoint.Length ? (entry, position + 1) : (entry + 1, entry + 1);
            Closeness.Assert(checkpoint.Logits(entry, position), logits, checkpoint.Tolerance, $"logits of {position} of text {entry}");
        }, Cancellation);
        Assert.Equal(checkpoint.Rows, expected.Entry);
        Assert.All(sessions, session => Assert.Equal(checkpoint.Length, session.Length));
        Array.ForEach(sessions, session => session.Dispose());
    }

    /// <summary>Copies of one text begin at different steps and read prompts of different lengths, so that every run mixes prompts and single tokens.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Texts_that_join_and_leave_equal_the_whole_text(string folder, string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        if (checkpoint.DependsOnLength)
            return;
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, BatchLength = 16 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        int[] prompts = [1, 12, 5, 8, checkpoint.Length - 3, 3];
        var running = new List<DecoderSession>();
        int finished = 0;
        for (int step = 0; finished < prompts.Length; step++)
        {
            foreach (DecoderSession session in running)
                batch.Add(session, checkpoint.Ids.AsSpan(session.Length, 1));
            if (step < prompts.Length)
            {
                running.Add(decoder.StartSession(checkpoint.Length));
                batch.Add(running[^1], checkpoint.Ids.AsSpan(0, prompts[step]));
            }
            int visited = 0;
            batch.Run((entry, position, logits) =>
            {
                Assert.Equal(visited++, entry);
                Closeness.Assert(checkpoint.Logits(0, running[entry].Length + position), logits, checkpoint.Tolerance, $"text {entry}, step {step}");
            }, Cancellation);
            Assert.Equal(running.Count, visited);
            Assert.Equal(0, batch.Count);
            foreach (DecoderSession session in running.Where(session => session.Length == checkpoint.Length))
            {
                session.Dispose();
                finished++;
            }
            running.RemoveAll(session => session.Length == checkpoint.Length);
        }
    }

    /// <summary>The rotation of dynamic NTK and longrope depends on the length of the text: texts of a batch have different tables.</summary>
    [Theory]
    [MemberData(nameof(CachedDecodingTests.CachedDefinitions), MemberType = typeof(CachedDecodingTests))]
    public void Texts_keep_their_own_rotation(string folder)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        int[] lengths = [checkpoint.Length, 3, checkpoint.Length - 4, 7];
        for (int round = 0; round < 2; round++)
        {
            DecoderSession[] sessions = [.. lengths.Select(_ => decoder.StartSession(checkpoint.Length))];
            float[][] alone = [.. sessions.Zip(lengths, (session, length) => session.Append(checkpoint.Ids.AsSpan(0, length), Cancellation).ToArray())];
            for (int i = 0; i < sessions.Length; i++)
            {
                sessions[i].Reset();
                batch.Add(sessions[i], checkpoint.Ids.AsSpan(0, lengths[i]));
            }
            batch.Run((entry, _, logits) => Closeness.Assert(alone[entry], logits, checkpoint.Tolerance, $"text {entry}"), Cancellation);
            Array.ForEach(sessions, session => session.Dispose());
            Array.Reverse(lengths);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_texts_bytes_do_not_depend_on_the_others(string folder, string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        if (checkpoint.Model.Spec.Layers.Any(layer => layer.FeedForward.Experts is not null))
            return;
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, BatchLength = 64 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        using DecoderSession session = decoder.StartSession(checkpoint.Length);
        DecoderSession[] others = [.. Enumerable.Range(0, 12).Select(_ => decoder.StartSession(checkpoint.Length))];

        // Prompts of at least six rows are of one kind, alone or not; so are steps of at least six texts. The first of the two runs has the session alone.
        float[] Logits(int seed, int otherCount, int place)
        {
            int position = 0;
            var seen = new List<float>();
            void Step(int count, int firstPosition)
            {
                int own = Math.Min(place, otherCount);
                for (int i = 0; i <= otherCount; i++)
                {
                    if (i == own)
                        batch.Add(session, checkpoint.Ids.AsSpan(position, count), firstPosition);
                    if (i < otherCount)
                    {
                        // The others' tokens, and how many, differ from run to run.
                        int otherTokens = 1 + (seed + i) % 3;
                        batch.Add(others[i], checkpoint.Ids.AsSpan((seed + 2 * i) % 7, otherTokens), otherTokens - 1);
                    }
                }
                batch.Run((entry, _, logits) =>
                {
                    if (entry == own)
                        seen.AddRange(logits);
                }, Cancellation);
                position += count;
            }
            session.Reset();
            Array.ForEach(others, other => other.Reset());
            Step(ManyRows + 1, 0);
            Step(ManyRows + 6, 0);
            if (otherCount >= ManyRows)
            {
                Step(1, 0);
                Step(2, 0);
                Step(1, 0);
            }
            return [.. seen];
        }

        float[] alone = Logits(0, 0, 0);
        float[] among = Logits(1, 7, 0);
        Assert.Equal((2 * ManyRows + 7) * checkpoint.Vocabulary, alone.Length);
        Assert.True(alone.AsSpan().SequenceEqual(among.AsSpan(0, alone.Length)), "prompts");
        Assert.True(among.AsSpan().SequenceEqual(Logits(5, 6, 3)), "six others");
        Assert.True(among.AsSpan().SequenceEqual(Logits(9, 12, 12)), "twelve others");
        Array.ForEach(others, other => other.Dispose());
    }
}
