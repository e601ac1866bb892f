using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Recurrent;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Recurrent;

/// <summary>What a session promises: a state saved and had back, calls that fail and leave no trace, refusals; and weights in other formats.</summary>
public class RecurrentSessionTests
{
    public static TheoryData<string> Folders() => [.. RecurrentCheckpoint.Folders()];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_saved_state_goes_on_as_if_the_text_had_been_read(string folder)
    {
        using var checkpoint = new RecurrentCheckpoint(folder);
        using RecurrentDecoder decoder = RecurrentDecoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using RecurrentSession first = decoder.StartSession(), second = decoder.StartSession(30);
        first.Append(checkpoint.Ids.AsSpan(0, 10), Cancellation);
        RecurrentState saved = first.Save();
        Assert.Equal(10, saved.Length);
        float[] expected = first.Append(checkpoint.Ids.AsSpan(10, 5), Cancellation).ToArray();
        second.Append([7, 8, 9], Cancellation);
        for (int turn = 0; turn < 2; turn++)
        {
            second.Restore(saved);
            Assert.Equal(10, second.Length);
            Assert.Equal(expected, second.Append(checkpoint.Ids.AsSpan(10, 5), Cancellation).ToArray());
        }
        Assert.Equal(15, second.Rewind(15));
        Assert.Equal(0, second.Rewind(12));
        second.Append(checkpoint.Ids.AsSpan(0, 10), Cancellation);
        Assert.Equal(expected, second.Append(checkpoint.Ids.AsSpan(10, 5), Cancellation).ToArray());

        using RecurrentSession small = decoder.StartSession(9);
        Assert.Contains("10 tokens", Assert.Throws<UsageException>(() => small.Restore(saved)).Message, StringComparison.Ordinal);
        using RecurrentDecoder other = RecurrentDecoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using RecurrentSession foreign = other.StartSession();
        Assert.Throws<ArgumentException>(() => foreign.Restore(saved));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_call_that_fails_or_is_cancelled_leaves_the_session_as_it_was(string folder)
    {
        using var checkpoint = new RecurrentCheckpoint(folder);
        using RecurrentDecoder decoder = RecurrentDecoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2, BatchLength = 4 }, Cancellation);
        using RecurrentSession session = decoder.StartSession(24), whole = decoder.StartSession();
        session.Append(checkpoint.Ids.AsSpan(0, 8), Cancellation);
        whole.Append(checkpoint.Ids.AsSpan(0, 8), Cancellation);
        using var source = new CancellationTokenSource();
        // Cancelled between two batches, when half of the call has been computed.
        Assert.Throws<OperationCanceledException>(() => session.Score(checkpoint.Ids.AsSpan(8, 12), 0, (position, _) =>
        {
            if (position == 5)
                source.Cancel();
        }, source.Token));
        Assert.Throws<InvalidOperationException>(() => session.Score([1], 0, (_, _) => session.Append([1], Cancellation), Cancellation));
        Assert.Contains("24", Assert.Throws<UsageException>(() => session.Append(new int[17], Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("131", Assert.Throws<UsageException>(() => session.Append([5, 131], Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("no tokens", Assert.Throws<UsageException>(() => session.Append([], Cancellation)).Message, StringComparison.Ordinal);
        Assert.Equal(8, session.Length);
        Assert.Equal(whole.Append(checkpoint.Ids.AsSpan(8, 4), Cancellation).ToArray(), session.Append(checkpoint.Ids.AsSpan(8, 4), Cancellation).ToArray());
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Generators_write_the_reference_text_through_the_common_session(string folder)
    {
        using var checkpoint = new RecurrentCheckpoint(folder);
        using ILanguageModel model = LanguageModels.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using ILanguageModelSession session = model.StartSession(64);
        int[] expected = [.. checkpoint.Expected.Integers("greedy").Select(id => (int)id)];
        var generator = new Generator(session, new Sampler(SamplerOptions.Greedy));
        Assert.Equal(expected, generator.Generate(checkpoint.Ids[..checkpoint.Length], expected.Length, [], Cancellation).ToArray());
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_damaged_weight_is_named(string folder)
    {
        using var checkpoint = new RecurrentCheckpoint(folder);
        var id = new TensorId(TensorRole.MixerOutput, 1);
        TensorData stored = checkpoint.Model.Get(id);
        float[] values = Values(stored);
        values[3 * (int)stored.Info.Shape.RowLength + 2] = float.NaN;
        var tensors = checkpoint.Model.Tensors.ToDictionary(pair => pair.Key, pair => pair.Value);
        tensors[id] = MemoryTensor.FromValues(stored.Info.Name, stored.Info.Shape, values);
        var model = new Model<RecurrentSpec>(checkpoint.Model.Source, checkpoint.Model.ArchitectureName, checkpoint.Model.Spec, tensors);
        using RecurrentDecoder decoder = RecurrentDecoder.Load(model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using RecurrentSession session = decoder.StartSession();
        NumericalException error = Assert.Throws<NumericalException>(() => session.Append([5, 6], Cancellation));
        Assert.Contains($"{stored.Info.Name}, row 3, column 2", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, session.Length);
    }

    /// <summary>Every mixer in one model, its matrices in formats of files: the logits are those of the same numbers as F32, whatever the arithmetic rounds.</summary>
    [Theory]
    [InlineData("F16", 1e-4)]
    [InlineData("BF16", 1e-4)]
    [InlineData("Q8_0", 1e-4)]
    [InlineData("Q4_0", 1e-4)]
    public void Weights_in_other_formats_compute_what_their_numbers_say(string format, double tolerance)
    {
        Model<RecurrentSpec> stored = Made(format), exact = Decoded(stored);
        foreach (DecoderArithmetic arithmetic in new[] { DecoderArithmetic.Float, DecoderArithmetic.Fast })
        {
            using RecurrentDecoder first = RecurrentDecoder.Load(stored, new DecoderOptions { ThreadCount = 2, Arithmetic = arithmetic }, Cancellation);
            using RecurrentDecoder second = RecurrentDecoder.Load(exact, new DecoderOptions { ThreadCount = 1 }, Cancellation);
            using RecurrentSession a = first.StartSession(), b = second.StartSession();
            int[] ids = [.. Enumerable.Range(0, 40).Select(i => i * 7 % 50)];
            float[] expected = b.Append(ids, Cancellation).ToArray(), got = a.Append(ids, Cancellation).ToArray();
            double spread = expected.Max() - expected.Min();
            Closeness.Assert(expected, got, (arithmetic == DecoderArithmetic.Fast ? 0.05 : tolerance) * spread, $"{format}, {arithmetic}");
            Assert.True(spread > 0.1);
        }
    }

    /// <summary>What a scan's state costs does not depend on how long the text is.</summary>
    [Fact]
    public void The_memory_of_a_text_does_not_grow_with_it()
    {
        using RecurrentDecoder decoder = RecurrentDecoder.Load(Made("F32"), new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using RecurrentSession session = decoder.StartSession();
        long bytes = decoder.StateByteCount;
        for (int i = 0; i < 100; i++)
            session.Append([i % 50], Cancellation);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            session.Append([i % 50], Cancellation);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(bytes, decoder.StateByteCount);
        Assert.Equal(200, session.Length);
    }

    private static Model<RecurrentSpec> Made(string format)
    {
        var norm = new NormSpec(NormKind.RootMeanSquare, 1e-5f);
        var convolution = new ConvolutionSpec(4, Bias: true, Activation.Silu);
        MixerSpec[] mixers =
        [
            new SelectiveScanSpec { InnerSize = 128, StateSize = 7, TimeStepRank = 32, Convolution = convolution, GateActivation = Activation.Silu, ProjectionBias = true },
            new HeadScanSpec { HeadCount = 4, HeadSize = 32, StateSize = 5, GroupCount = 2, Convolution = convolution with { Bias = false }, GateActivation = Activation.Silu, Norm = norm },
            new TimeMixingSpec(96),
        ];
        var spec = new RecurrentSpec
        {
            VocabularySize = 50,
            HiddenSize = 64,
            ContextLength = 1 << 20,
            Layers = [.. mixers.Select((mixer, i) => new RecurrentLayerSpec { Norm = norm, Mixer = mixer, ChannelMixing = i == 0 ? null : new ChannelMixingSpec(96), BranchScale = 0.5f })],
            FinalNorm = norm,
            Head = new HeadSpec { Tied = false },
        };
        var random = new Random(7);
        var tensors = new Dictionary<TensorId, TensorData>();
        foreach (ModelTensor tensor in spec.ListTensors())
        {
            float[] values = [.. Enumerable.Range(0, (int)tensor.Shape.ElementCount).Select(_ => (float)(random.NextDouble() - 0.5))];
            bool isMatrix = tensor.Shape.Rank == 2 && tensor.Id.Role is not (TensorRole.Convolution or TensorRole.StateDecay);
            var info = new TensorInfo(tensor.Id.ToString(), tensor.Shape, isMatrix ? TensorFormats.FindByName(format)! : TensorFormats.F32);
            byte[] bytes = new byte[info.ByteCount];
            int length = (int)info.Shape.RowLength;
            for (int row = 0; row < info.Shape.RowCount; row++)
                info.Format.EncodeRow(values.AsSpan(row * length, length), default, bytes.AsSpan(row * (int)info.RowByteCount, (int)info.RowByteCount));
            tensors.Add(tensor.Id, new MemoryTensor(info, bytes));
        }
        return new Model<RecurrentSpec>(MemoryModelSource.WithConfig([], []), "made", spec, tensors);
    }

    private static Model<RecurrentSpec> Decoded(Model<RecurrentSpec> model) => new(
        model.Source, model.ArchitectureName, model.Spec, model.Tensors.ToDictionary(pair => pair.Key, pair => (TensorData)MemoryTensor.FromValues(pair.Value.Info.Name, pair.Value.Info.Shape, Values(pair.Value))));

    private static float[] Values(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        return values;
    }
}
