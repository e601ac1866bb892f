using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>Several texts in one run, against the same texts alone and against the reference.</summary>
public class DecoderBatchTests
{
    // From this many rows on a product runs on panels: see ProductInput. In fast arithmetic codes of 8 bits wait for more.
    private const int ManyRows = ProductInput.SmallestTileTokenCount;
    private const int ManyRowsOfBytes = 10;
    private const int StoriesHeadSize = 8;

    public static TheoryData<string, string> Cases() => ReferenceCheckpoint.WithKernels(ReferenceCheckpoint.Folders());

    /// <summary>Models whose products have as many rows as there are tokens; an expert has as many as are sent to it.</summary>
    public static TheoryData<string, string> DenseCases() => ReferenceCheckpoint.WithKernels(
        ReferenceCheckpoint.Folders(checkpoint => checkpoint.Model.Spec.Layers.All(layer => layer.FeedForward.Experts is null)));

    /// <summary>Formats of caches whose blocks fit into the heads of stories260K.</summary>
    public static TheoryData<string> CacheFormats() => [.. KvCache.Formats.Where(format => format.CanHoldRow(StoriesHeadSize)).Select(format => format.Name)];

    /// <summary>Levels with products in whole numbers: scalar has none.</summary>
    public static TheoryData<string> FastKernels() => [.. InstructionSet.All.Where(set => set.IsSupported && set != InstructionSet.Scalar).Select(set => set.Name)];

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
    [MemberData(nameof(CachedDecodingTests.GrowingCases), MemberType = typeof(CachedDecodingTests))]
    public void Texts_that_join_and_leave_equal_the_whole_text(string folder, string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, BatchLength = 16 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        int longest = checkpoint.Length - 1;
        int[] prompts = [1, Math.Min(12, longest), Math.Min(5, longest), Math.Min(8, longest), checkpoint.Length - 3, 3];
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
    [MemberData(nameof(DenseCases))]
    public void A_texts_bytes_do_not_depend_on_the_others(string folder, string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, BatchLength = 128 }, Cancellation);
        int[] ids = [.. Enumerable.Range(0, 2 * ManyRows + 11).Select(i => checkpoint.Ids[i % checkpoint.Length])];
        AssertIndependent(decoder, ids, ManyRows + 1, ManyRows + 6);
    }

    /// <summary>Long texts, whose keys are cut into pieces, in every format that its cache can have.</summary>
    [Theory]
    [MemberData(nameof(CacheFormats))]
    public void A_long_texts_bytes_do_not_depend_on_the_others(string format)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        Assert.Equal(StoriesHeadSize, model.Spec.Layers[0].Attention.HeadSize);
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { ThreadCount = 2, KeyValueFormat = format }, Cancellation);
        AssertIndependent(decoder, Enumerable.Range(0, 500).Select(i => 3 + i * i % 500).ToArray(), 440, 50);
    }

    /// <summary>Products in whole numbers, with the model's first blocks only.</summary>
    [Theory]
    [MemberData(nameof(FastKernels))]
    public void In_fast_arithmetic_a_texts_bytes_do_not_depend_on_the_others(string kernel)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"));
        DecoderModel whole = ArchitectureRegistry.BindDecoder(source);
        var model = new DecoderModel(source, "llama", whole.Spec with { Layers = whole.Spec.Layers[..2] }, whole.Tensors);
        using Decoder decoder = Decoder.Load(
            model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, Arithmetic = DecoderArithmetic.Fast, BatchLength = 64 }, Cancellation);
        AssertIndependent(decoder, Enumerable.Range(0, 40).Select(i => i * i * 31 % 40_000).ToArray(), ManyRowsOfBytes + 1, ManyRowsOfBytes + 2, ManyRowsOfBytes);
    }

    /// <summary>
    /// Two prompts, of so many rows that products take the same way alone and in company, then single tokens in company: with other texts beside it, of
    /// other lengths and in other places, a text has the same bytes.
    /// </summary>
    private static void AssertIndependent(Decoder decoder, ReadOnlyMemory<int> ids, int firstLength, int secondLength, int manyRows = ManyRows)
    {
        int vocabulary = decoder.Spec.VocabularySize;
        using var batch = new DecoderBatch(decoder);
        using DecoderSession session = decoder.StartSession(ids.Length);
        DecoderSession[] others = [.. Enumerable.Range(0, manyRows + 4).Select(_ => decoder.StartSession(ids.Length))];

        float[] Logits(int seed, int otherCount, int place)
        {
            int position = 0;
            var seen = new List<float>();
            void Step(int count)
            {
                int own = Math.Min(place, otherCount);
                for (int i = 0; i <= otherCount; i++)
                {
                    // The last few positions tell, and are many rows for the head.
                    if (i == own)
                        batch.Add(session, ids.Span.Slice(position, count), Math.Max(0, count - manyRows));
                    if (i < otherCount)
                    {
                        // The others' tokens, and how many, differ from run to run.
                        int otherTokens = 1 + (seed + i) % 3;
                        batch.Add(others[i], ids.Span.Slice((seed + 2 * i) % 7, otherTokens), otherTokens - 1);
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
            Step(firstLength);
            Step(secondLength);
            if (otherCount >= manyRows)
            {
                Step(1);
                Step(2);
                Step(1);
            }
            return [.. seen];
        }

        float[] alone = Logits(0, 0, 0);
        float[] among = Logits(1, manyRows + 1, 0);
        Assert.Equal(2 * manyRows * vocabulary, alone.Length);
        Assert.Equal((2 * manyRows + 4) * vocabulary, among.Length);
        Assert.True(alone.AsSpan().SequenceEqual(among.AsSpan(0, alone.Length)), "prompts");
        Assert.True(among.AsSpan().SequenceEqual(Logits(5, manyRows, 3)), "as many others");
        Assert.True(among.AsSpan().SequenceEqual(Logits(9, manyRows + 4, manyRows + 4)), "more others");
        Array.ForEach(others, other => other.Dispose());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_fork_continues_with_the_same_bytes(string folder, string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        foreach (string format in KvCache.FormatsFor(checkpoint.Model.Spec).Select(format => format.Name))
        {
            using Decoder decoder = Decoder.Load(
                checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, KeyValueFormat = format }, Cancellation);
            using DecoderSession session = decoder.StartSession(checkpoint.Length);
            int kept = checkpoint.Length / 2, more = checkpoint.Length * 3 / 8;
            session.Append(checkpoint.Ids.AsSpan(0, kept + checkpoint.Length / 8), Cancellation);
            using DecoderSession fork = session.Fork(kept, kept + more);
            Assert.Equal(kept, fork.Length);
            Assert.Equal(kept + more, fork.Capacity);
            session.Truncate(kept);
            float[] expected = session.Append(checkpoint.Ids.AsSpan(kept, more), Cancellation).ToArray();
            session.Reset();
            session.Append([1, 1, 1], Cancellation);
            Assert.True(expected.AsSpan().SequenceEqual(fork.Append(checkpoint.Ids.AsSpan(kept, more), Cancellation)), format);
        }
    }

    [Fact]
    public void A_fork_takes_only_what_there_is()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        DecoderSession session = decoder.StartSession(8);
        session.Append([1, 2, 3], Cancellation);
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Fork(4, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Fork(-1, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Fork(3, 2));
        Assert.Throws<UsageException>(() => session.Fork(3, int.MaxValue));
        using (DecoderSession empty = session.Fork(0, 1))
            Assert.Equal(0, empty.Length);
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Fork(0, 1));
    }

    [Fact]
    public void What_cannot_be_added_is_refused_and_changes_nothing()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using Decoder otherDecoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        using DecoderSession session = decoder.StartSession(4);
        using DecoderSession stranger = otherDecoder.StartSession(4);
        DecoderSession gone = decoder.StartSession(4);
        gone.Dispose();

        Assert.Contains("another decoder", Assert.Throws<ArgumentException>(() => batch.Add(stranger, [1])).Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => batch.Add(gone, [1]));
        Assert.Contains("empty", Assert.Throws<UsageException>(() => batch.Add(session, [])).Message, StringComparison.Ordinal);
        Assert.Contains("full", Assert.Throws<UsageException>(() => batch.Add(session, [1, 2, 3, 4, 5])).Message, StringComparison.Ordinal);
        Assert.Contains("0 to 130", Assert.Throws<UsageException>(() => batch.Add(session, [131])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Add(session, [1], -1));
        Assert.Equal((0, 0), (batch.Count, batch.TokenCount));
        batch.Run((_, _, _) => Assert.Fail("An empty batch has no logits."), Cancellation);

        batch.Add(session, [1, 2]);
        Assert.Contains("entry 0", Assert.Throws<ArgumentException>(() => batch.Add(session, [3])).Message, StringComparison.Ordinal);
        Assert.Equal((1, 2), (batch.Count, batch.TokenCount));
        batch.Run(null, Cancellation);
        Assert.Equal(2, session.Length);
    }

    [Fact]
    public void What_changed_since_it_was_added_is_refused()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        using DecoderSession session = decoder.StartSession(4);
        DecoderSession gone = decoder.StartSession(4);
        batch.Add(session, [1, 2]);
        session.Append([5, 6, 7], Cancellation);
        Assert.Throws<UsageException>(() => batch.Run(null, Cancellation));
        session.Truncate(1);
        batch.Add(gone, [1]);
        gone.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batch.Run(null, Cancellation));
        Assert.Equal((2, 3, 1), (batch.Count, batch.TokenCount, session.Length));
        batch.Clear();
        batch.Add(session, [1, 2, 3]);
        decoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batch.Run(null, Cancellation));
        batch.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batch.Add(session, [1]));
        Assert.Throws<ObjectDisposedException>(() => batch.Run(null, Cancellation));
    }

    [Fact]
    public void A_text_that_cannot_be_run_is_named()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        using DecoderSession first = decoder.StartSession(4);
        using DecoderSession second = decoder.StartSession(4);
        batch.Add(first, [1, 2]);
        Assert.StartsWith("Text 1 of the batch: Token 1 of the call is 131;", Assert.Throws<UsageException>(() => batch.Add(second, [1, 131])).Message, StringComparison.Ordinal);
        Assert.StartsWith("window 7: The context is full", Assert.Throws<UsageException>(() => batch.Add(second, new int[5], 0, "window 7")).Message, StringComparison.Ordinal);
        batch.Add(second, [1, 2, 3]);
        second.Append([4, 5], Cancellation);
        Assert.StartsWith("Text 1 of the batch: The context is full", Assert.Throws<UsageException>(() => batch.Run(null, Cancellation)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "Position 12 of text 1 of the batch: ")]
    [InlineData("window 7", "Position 12 of window 7: ")]
    public void A_text_whose_numbers_fail_is_named_with_the_position(string? name, string expected)
    {
        const int Damaged = 77;
        using var checkpoint = new ReferenceCheckpoint("llama");
        DecoderModel model = DamagedTensor.WithEmbedding(checkpoint.Model, Damaged);
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { ThreadCount = 2, KeyValueFormat = "F16", BatchLength = 8 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        DecoderSession[] sessions = [.. Enumerable.Range(0, 3).Select(_ => decoder.StartSession(20))];
        sessions[1].Append([1, 2, 3], Cancellation);
        batch.Add(sessions[0], [5, 6, 7]);
        // The tenth new token, in the second piece of the text, behind three old ones.
        batch.Add(sessions[1], [5, 6, 7, 8, 9, 10, 11, 12, 13, Damaged, 14], 0, name);
        batch.Add(sessions[2], [5, 6]);
        string message = Assert.Throws<NumericalException>(() => batch.Run(null, Cancellation)).Message;
        Assert.StartsWith(expected + "A key or value of block 0 is not a finite number", message, StringComparison.Ordinal);
        Assert.Equal([0, 3, 0], sessions.Select(session => session.Length));
        Assert.StartsWith(
            "Position 4 of the text: ", Assert.Throws<NumericalException>(() => { sessions[1].Append([5, Damaged], Cancellation); }).Message, StringComparison.Ordinal);
        Array.ForEach(sessions, session => session.Dispose());
    }

    [Fact]
    public void A_run_that_fails_leaves_every_session_as_it_was()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2, BatchLength = 8 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        using DecoderSession first = decoder.StartSession(checkpoint.Length);
        using DecoderSession second = decoder.StartSession(checkpoint.Length);
        first.Append(checkpoint.Ids.AsSpan(0, 5), Cancellation);
        batch.Add(first, checkpoint.Ids.AsSpan(5, 10), 0);
        batch.Add(second, checkpoint.Ids.AsSpan(checkpoint.Length, 9));

        // The second text ends in another pass than the first: by then all rows of the first are stored.
        using var cancellation = new CancellationTokenSource();
        int seen = 0;
        Assert.Throws<OperationCanceledException>(() => batch.Run(
            (_, _, _) =>
            {
                seen++;
                cancellation.Cancel();
            }, cancellation.Token));
        Assert.Equal(8, seen);
        Assert.Throws<InvalidDataException>(() => batch.Run(
            (entry, _, _) =>
            {
                if (entry == 1)
                    throw new InvalidDataException();
            }, Cancellation));
        Assert.Throws<InvalidOperationException>(() => batch.Run((_, _, _) => second.Append([1], Cancellation), Cancellation));
        foreach (Action misuse in new[] { () => batch.Add(second, [1]), batch.Clear, batch.Dispose, () => batch.Run(null, Cancellation) })
            Assert.Contains("running", Assert.Throws<InvalidOperationException>(() => batch.Run((_, _, _) => misuse(), Cancellation)).Message, StringComparison.Ordinal);
        Assert.Equal((5, 0, 2, 19), (first.Length, second.Length, batch.Count, batch.TokenCount));

        batch.Run(
            (entry, position, logits) => Closeness.Assert(
                checkpoint.Logits(entry, position + (entry == 0 ? 5 : 0)), logits, checkpoint.Tolerance, $"logits of {position} of {entry}"), Cancellation);
        Assert.Equal((15, 9), (first.Length, second.Length));
    }

    [Fact]
    public void Steps_allocate_nothing()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using var batch = new DecoderBatch(decoder);
        DecoderSession[] sessions = [.. Enumerable.Range(0, 8).Select(_ => decoder.StartSession(100))];
        var next = new int[1];
        int visits = 0;
        BatchLogitsVisitor count = (_, _, _) => visits++;
        void Step()
        {
            foreach (DecoderSession session in sessions)
                batch.Add(session, next);
            batch.Run(count, Cancellation);
            sessions[0].Append(next, Cancellation);
        }
        long allocated = -1;
        int rounds = 0;
        // Code that the compiler has not yet optimised boxes values here and there; it is replaced after some tens of calls and a moment.
        for (; rounds < 100 && allocated != 0; rounds++)
        {
            if (rounds > 0)
                Thread.Sleep(20);
            Array.ForEach(sessions, session => session.Reset());
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++)
                Step();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
        Assert.Equal(rounds * 20 * sessions.Length, visits);
        Array.ForEach(sessions, session => session.Dispose());
    }
}
