using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

public class DecoderErrorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Decoder Load(ReferenceCheckpoint checkpoint) => Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);

    [Fact]
    public void No_tokens_are_refused()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Load(checkpoint);
        using DecoderSession session = decoder.StartSession(8);
        Assert.Contains("empty", Assert.Throws<UsageException>(() => { session.Append([], Cancellation); }).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => session.Score([], 0, (_, _) => { }, Cancellation));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(131)]
    [InlineData(int.MaxValue)]
    public void An_id_outside_the_vocabulary_is_refused(int id)
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Load(checkpoint);
        using DecoderSession session = decoder.StartSession(8);
        string message = Assert.Throws<UsageException>(() => { session.Append([3, id], Cancellation); }).Message;
        Assert.Contains("0 to 130", message, StringComparison.Ordinal);
        Assert.Equal(0, session.Length);
    }

    [Fact]
    public void More_tokens_than_fit_are_refused_and_change_nothing()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Load(checkpoint);
        using DecoderSession session = decoder.StartSession(4);
        session.Append([1, 2, 3], Cancellation);
        Assert.Contains("full", Assert.Throws<UsageException>(() => { session.Append([1, 2], Cancellation); }).Message, StringComparison.Ordinal);
        Assert.Equal(3, session.Length);
        session.Append([1], Cancellation);
    }

    [Theory]
    [InlineData(4, "Use a longer context")]
    [InlineData(128, "The model takes no more.")]
    public void A_full_context_is_told_to_grow_only_where_the_model_takes_more(int capacity, string remedy)
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Load(checkpoint);
        Assert.Equal(128, decoder.MaximumLength);
        using DecoderSession session = decoder.StartSession(capacity);
        Assert.Contains(remedy, Assert.Throws<UsageException>(() => { session.Append(new int[capacity + 1], Cancellation); }).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama", 0)]
    [InlineData("llama", 129)]
    [InlineData("gpt2", 4096)]
    public void A_context_the_model_cannot_take_is_refused(string folder, int capacity)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        using Decoder decoder = Load(checkpoint);
        Assert.Throws<UsageException>(() => decoder.StartSession(capacity));
    }

    [Fact]
    public void Learned_positions_end_where_their_table_ends()
    {
        using var checkpoint = new ReferenceCheckpoint("gpt2");
        int positions = checkpoint.Model.Spec.Embedding.LearnedPositionCount!.Value;
        var longer = new DecoderModel(checkpoint.Model.Source, "gpt2", checkpoint.Model.Spec with { ContextLength = 10 * positions }, checkpoint.Model.Tensors);
        using Decoder decoder = Decoder.Load(longer, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        Assert.Equal(positions, decoder.MaximumLength);
        Assert.Throws<UsageException>(() => decoder.StartSession(positions + 1));
        using DecoderSession session = decoder.StartSession(positions);
        session.Append(new int[positions], Cancellation);
        Assert.Throws<UsageException>(() => { session.Append([0], Cancellation); });
    }

    [Fact]
    public void Too_little_memory_says_how_much_is_needed()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        var endless = new DecoderModel(
            checkpoint.Model.Source, "llama", checkpoint.Model.Spec with { ContextLength = int.MaxValue }, checkpoint.Model.Tensors);
        using Decoder decoder = Decoder.Load(endless, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using DecoderSession small = decoder.StartSession(100);
        // Not the machine's memory decides but what is free of it: a cache as large as all of it does not fit.
        int asLargeAsMemory = (int)Math.Min(int.MaxValue, SystemMemory.TotalByteCount / (small.CacheByteCount / 100));
        foreach (int capacity in new[] { asLargeAsMemory, int.MaxValue })
        {
            string message = Assert.Throws<LimitNotMetException>(() => decoder.StartSession(capacity)).Message;
            long needed = small.CacheByteCount / 100 * capacity;
            Assert.Matches($@"^The key-value cache \(F32\) for {capacity} tokens needs {needed / 1048576.0:0} MiB and \d+ MiB are available\. ", message);
            Assert.Contains("a shorter context (--context) or a smaller type for keys and values (--cache-type f16, bf16", message, StringComparison.Ordinal);
        }
    }

    // Its own row of the head, or all logits through the last norm.
    [Theory]
    [InlineData(TensorRole.Head, float.NaN, "the logit of token 77 is NaN")]
    [InlineData(TensorRole.Head, float.NegativeInfinity, "the logit of token 77 is ")]
    [InlineData(TensorRole.FinalNorm, float.PositiveInfinity, "the logit of token 0 is ")]
    public void Logits_that_are_no_numbers_are_refused_with_position_tensor_and_row(TensorRole role, float value, string expected)
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        int row = role == TensorRole.Head ? 77 : 0;
        var id = new TensorId(role);
        var tensors = new Dictionary<TensorId, TensorData>(checkpoint.Model.Tensors) { [id] = new DamagedTensor(checkpoint.Model.Get(id), row, value) };
        var damaged = new DecoderModel(checkpoint.Model.Source, checkpoint.Model.ArchitectureName, checkpoint.Model.Spec, tensors);
        using Decoder decoder = Decoder.Load(damaged, new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using DecoderSession session = decoder.StartSession(8);
        using var batch = new DecoderBatch(decoder);
        int seen = 0;
        string appended = Assert.Throws<NumericalException>(() => { session.Append([1, 2, 3], Cancellation); }).Message;
        string scored = Assert.Throws<NumericalException>(() => session.Score([1, 2, 3], 1, (_, _) => seen++, Cancellation)).Message;
        batch.Add(session, [1, 2, 3]);
        string together = Assert.Throws<NumericalException>(() => batch.Run(null, Cancellation)).Message;
        Assert.Equal((0, 0), (seen, session.Length));
        Assert.StartsWith($"Position 2 of the text: {expected}", appended, StringComparison.Ordinal);
        Assert.StartsWith($"Position 1 of the text: {expected}", scored, StringComparison.Ordinal);
        Assert.StartsWith($"Position 2 of text 0 of the batch: {expected}", together, StringComparison.Ordinal);
        Assert.All(new[] { appended, scored, together }, message => Assert.Contains(
            FormattableString.Invariant($"The file is damaged: {tensors[id].Info.Name}, row {row}, column 0 is {value}."), message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("avx1024")]
    [InlineData("")]
    public void An_unknown_kernel_is_refused_with_the_list(string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        string message = Assert.Throws<UsageException>(() => Decoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel }, Cancellation)).Message;
        Assert.Contains("scalar", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kernel_the_processor_lacks_is_refused()
    {
        var missing = new InstructionSet("neverland", false, () => InstructionSet.Scalar.Arithmetic, () => InstructionSet.Scalar.Probe);
        string message = Assert.Throws<UsageException>(() => InstructionSet.Find("Neverland", [missing, InstructionSet.Scalar])).Message;
        Assert.Contains("lacks", message, StringComparison.Ordinal);
        Assert.Contains("scalar", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        foreach (DecoderOptions options in new DecoderOptions[] { new() { ThreadCount = -1 }, new() { ThreadCount = 65 }, new() { BatchLength = 0 }, new() { KeyValueFormat = "Q3_K" } })
            Assert.Throws<UsageException>(() => Decoder.Load(checkpoint.Model, options, Cancellation));
    }

    [Fact]
    public void A_missing_or_misshapen_tensor_is_named()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        var id = new TensorId(TensorRole.Down, 1);
        Dictionary<TensorId, TensorData> tensors = new(checkpoint.Model.Tensors);
        tensors.Remove(id);
        var missing = new DecoderModel(checkpoint.Model.Source, "llama", checkpoint.Model.Spec, tensors);
        Assert.Contains("layer 1 Down", Assert.Throws<BadFileException>(() => Decoder.Load(missing, null, Cancellation)).Message, StringComparison.Ordinal);
        tensors[id] = checkpoint.Model.Get(new TensorId(TensorRole.Query, 1));
        var misshapen = new DecoderModel(checkpoint.Model.Source, "llama", checkpoint.Model.Spec, tensors);
        Assert.Contains("expected [48, 80]", Assert.Throws<BadFileException>(() => Decoder.Load(misshapen, null, Cancellation)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_call_leaves_the_session_as_it_was()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Load(checkpoint);
        using DecoderSession session = decoder.StartSession(checkpoint.Length);
        session.Append(checkpoint.Ids.AsSpan(0, 12), Cancellation);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => { session.Append(checkpoint.Ids.AsSpan(12, 5), cancelled.Token); });
        Assert.Equal(12, session.Length);
        ReadOnlySpan<float> logits = session.Append(checkpoint.Ids.AsSpan(12, checkpoint.Length - 12), Cancellation);
        Closeness.Assert(checkpoint.Logits(0, checkpoint.Length - 1), logits, checkpoint.Tolerance, "last logits");
    }

    [Fact]
    public void A_disposed_decoder_says_so()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        Decoder decoder = Load(checkpoint);
        using DecoderSession session = decoder.StartSession(4);
        decoder.Dispose();
        decoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { session.Append([1], Cancellation); });
        Assert.Throws<ObjectDisposedException>(() => decoder.StartSession(4));
    }
}
