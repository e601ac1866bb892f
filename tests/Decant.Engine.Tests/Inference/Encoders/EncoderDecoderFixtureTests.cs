using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Encoders;

/// <summary>Every reference checkpoint of an encoder–decoder: hidden states of both stacks, logits and greedy text from Hugging Face transformers.</summary>
public class EncoderDecoderFixtureTests
{
    // Keys and values in half precision move logits of these small models by less than this.
    private const double HalfPrecisionCacheError = 0.05;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> Cases()
    {
        var cases = new TheoryData<string, string, string>();
        foreach (string folder in ReferenceCheckpoint.FoldersOf<Architecture>("seq2seq"))
        {
            foreach (string config in ReferenceCheckpoint.Configs(folder))
            {
                foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
                    cases.Add(folder, config, set.Name);
            }
        }
        return cases;
    }

    public static TheoryData<string> FolderCases() => [.. ReferenceCheckpoint.FoldersOf<Architecture>("seq2seq")];

    [Fact]
    public void All_encoder_decoders_are_visited()
    {
        SharedFiles.RequireWholeSet();
        Assert.True(FolderCases().Count >= 2);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Hidden_states_and_logits_are_those_of_transformers(string folder, string config, string kernel)
    {
        using var checkpoint = new Checkpoint(folder, config);
        var observer = new HiddenStates();
        using EncoderDecoder model = EncoderDecoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, Observer = observer }, Cancellation);
        Assert.Equal(kernel, model.KernelName);
        for (int row = checkpoint.Rows - 1; row >= 0; row--)
        {
            observer.Rows.Clear();
            EncoderOutput source = model.Encode(checkpoint.Ids(row), checkpoint.Mask(row), Cancellation);
            for (int position = 0; position < source.Length; position++)
            {
                if (source.Mask[position])
                    Closeness.Assert(checkpoint.EncoderState(row, position), source.At(position), checkpoint.Tolerance, $"encoder state {row}, {position}");
            }
            if (row == 0)
                AssertStates(checkpoint, observer, "encoder", checkpoint.Model.Spec.Encoder.StepCount);
            observer.Rows.Clear();
            using DecoderSession session = model.StartSession(source, checkpoint.TargetLength, Cancellation);
            int visited = 0;
            session.Score(checkpoint.TargetIds(row), 0, (position, values) =>
            {
                Assert.Equal(visited++, position);
                Closeness.Assert(checkpoint.Logits(row, position), values, checkpoint.Tolerance, $"logits at {row}, {position}");
            }, Cancellation);
            Assert.Equal(checkpoint.TargetLength, visited);
        }
        AssertStates(checkpoint, observer, "decoder", checkpoint.Model.Spec.Decoder.Layers.Length);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Token_by_token_equals_the_whole_text_and_greedy_ids_are_those_of_transformers(string folder, string config, string kernel)
    {
        using var checkpoint = new Checkpoint(folder, config);
        using EncoderDecoder model = EncoderDecoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2 }, Cancellation);
        for (int row = 0; row < checkpoint.Rows; row++)
        {
            EncoderOutput source = model.Encode(checkpoint.Ids(row), checkpoint.Mask(row), Cancellation);
            using DecoderSession session = model.StartSession(source, checkpoint.TargetLength, Cancellation);
            int[] ids = checkpoint.TargetIds(row);
            for (int position = 0; position < ids.Length; position++)
                Closeness.Assert(checkpoint.Logits(row, position), session.Append([ids[position]], Cancellation), checkpoint.Tolerance, $"logits at {row}, {position}");
            session.Truncate(5);
            Closeness.Assert(checkpoint.Logits(row, 9), session.Append(ids.AsSpan(5, 5), Cancellation), checkpoint.Tolerance, $"logits at {row}, 9");
        }
        long[] greedy = checkpoint.Expected.Integers("greedy");
        using DecoderSession writer = model.StartSession(model.Encode(checkpoint.Ids(0), checkpoint.Mask(0), Cancellation), greedy.Length, Cancellation);
        var sampler = new Sampler(SamplerOptions.Greedy);
        int next = model.Spec.DecoderStartId;
        foreach (long expected in greedy)
        {
            next = sampler.Sample(writer.Append([next], Cancellation), []);
            Assert.Equal((int)expected, next);
        }
    }

    [Theory]
    [MemberData(nameof(FolderCases))]
    public void Forks_share_the_encoded_text_and_outlive_one_another(string folder)
    {
        using var checkpoint = new Checkpoint(folder);
        using EncoderDecoder model = EncoderDecoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        int[] ids = checkpoint.TargetIds(1);
        DecoderSession first = model.StartSession(model.Encode(checkpoint.Ids(1), checkpoint.Mask(1), Cancellation), ids.Length, Cancellation);
        first.Append(ids.AsSpan(0, 6), Cancellation);
        using DecoderSession fork = first.Fork(6, ids.Length);
        first.Dispose();
        first.Dispose();
        Closeness.Assert(checkpoint.Logits(1, 8), fork.Append(ids.AsSpan(6, 3), Cancellation), checkpoint.Tolerance, "logits of the fork");
    }

    [Fact]
    public void A_half_precision_cache_stays_close()
    {
        using var checkpoint = new Checkpoint("t5-v1_1");
        using EncoderDecoder model = EncoderDecoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2, KeyValueFormat = "f16" }, Cancellation);
        using DecoderSession session = model.StartSession(model.Encode(checkpoint.Ids(0), checkpoint.Mask(0), Cancellation), checkpoint.TargetLength, Cancellation);
        session.Append(checkpoint.TargetIds(0).AsSpan(0, 7), Cancellation);
        ReadOnlySpan<float> rounded = session.Append(checkpoint.TargetIds(0).AsSpan(7, 1), Cancellation);
        Closeness.Assert(checkpoint.Logits(0, 7), rounded, HalfPrecisionCacheError, "logits");
        Assert.False(checkpoint.Logits(0, 7).SequenceEqual(rounded));
    }

    [Theory]
    [MemberData(nameof(FolderCases))]
    public void Any_number_of_threads_gives_the_same_bytes(string folder)
    {
        using var checkpoint = new Checkpoint(folder);
        float[]? reference = null;
        foreach (int threads in new[] { 1, 2, 3, 7 })
        {
            using EncoderDecoder model = EncoderDecoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = threads }, Cancellation);
            using DecoderSession session = model.StartSession(model.Encode(checkpoint.Ids(1), checkpoint.Mask(1), Cancellation), checkpoint.TargetLength, Cancellation);
            float[] logits = [.. session.Append(checkpoint.TargetIds(1).AsSpan(0, 9), Cancellation), .. session.Append(checkpoint.TargetIds(1).AsSpan(9, 1), Cancellation)];
            reference ??= logits;
            Assert.True(reference.AsSpan().SequenceEqual(logits), $"{threads} threads");
        }
    }

    /// <summary>Answers have no longest length but memory's: biases by distance have a last bucket.</summary>
    [Fact]
    public void A_decoder_without_an_encoded_text_is_refused_and_other_models_texts_too()
    {
        using var checkpoint = new Checkpoint("t5");
        using Decoder decoder = Decoder.Load(checkpoint.Model.Decoder, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        Assert.Contains("encode a text first", Assert.Throws<UsageException>(() => decoder.StartSession(4)).Message, StringComparison.Ordinal);
        Assert.Equal(int.MaxValue, decoder.MaximumLength);
    }

    private static void AssertStates(Checkpoint checkpoint, HiddenStates observer, string stack, int layers)
    {
        for (int i = 0; i <= layers; i++)
            Closeness.Assert(checkpoint.Expected.Singles($"{stack}_hidden_states.{i}"), observer.Rows[i == layers ? layers + 1 : i], checkpoint.Tolerance, $"{stack} hidden state {i}");
    }

    private sealed class Checkpoint : IDisposable
    {
        private readonly HuggingFaceModelSource source;
        private readonly int length;

        public Checkpoint(string folder, string configName = "config.json")
        {
            string path = SharedFiles.Require("fixtures", "architectures", folder);
            Expected = new SafetensorsFixture(Path.Combine(path, "expected.safetensors"));
            JsonNode index = ReferenceCheckpoint.IndexOf(folder);
            source = HuggingFaceModelSource.OpenFolder(path, configName);
            Model = Assert.IsType<EncoderDecoderModel>(ArchitectureRegistry.Bind(source));
            Rows = (int)Expected.Shape("input_ids")[0];
            length = (int)Expected.Shape("input_ids")[1];
            TargetLength = (int)Expected.Shape("decoder_input_ids")[1];
            Tolerance = (double)index["tolerance"]!;
            Assert.Equal((int)index["hidden_states"]!, Model.Spec.Encoder.StepCount + 1 + Model.Spec.Decoder.Layers.Length + 1);
        }

        public SafetensorsFixture Expected { get; }

        public EncoderDecoderModel Model { get; }

        public int Rows { get; }

        public int TargetLength { get; }

        public double Tolerance { get; }

        public int[] Ids(int row) => [.. Expected.Integers("input_ids").Skip(row * length).Take(length).Select(id => (int)id)];

        public bool[] Mask(int row) => [.. Expected.Integers("attention_mask").Skip(row * length).Take(length).Select(value => value == 1)];

        public int[] TargetIds(int row) => [.. Expected.Integers("decoder_input_ids").Skip(row * TargetLength).Take(TargetLength).Select(id => (int)id)];

        public ReadOnlySpan<float> Logits(int row, int position) =>
            Expected.Singles("logits").Slice((row * TargetLength + position) * Model.Spec.VocabularySize, Model.Spec.VocabularySize);

        public ReadOnlySpan<float> EncoderState(int row, int position) =>
            Expected.Singles("encoder_last_hidden_state").Slice((row * length + position) * Model.Spec.HiddenSize, Model.Spec.HiddenSize);

        public void Dispose() => source.Dispose();
    }

    private sealed class HiddenStates : IDecoderObserver
    {
        public Dictionary<int, float[]> Rows { get; } = [];

        public void HiddenState(int index, ReadOnlySpan<float> rows, int tokenCount) => Rows[index] = rows.ToArray();

        public void LinearInput(TensorId weight, ReadOnlySpan<float> rows, int tokenCount)
        {
        }
    }
}
