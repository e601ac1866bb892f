using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Encoders;

/// <summary>Every reference checkpoint of an encoder: hidden states and logits from Hugging Face transformers, with padding on either side.</summary>
public class EncoderFixtureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> Cases()
    {
        var cases = new TheoryData<string, string, string>();
        foreach (string folder in Folders())
        {
            foreach (string config in ReferenceCheckpoint.Configs(folder))
            {
                foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
                    cases.Add(folder, config, set.Name);
            }
        }
        return cases;
    }

    public static TheoryData<string> FolderCases() => [.. Folders()];

    /// <summary>Those that GGUF has an architecture for.</summary>
    public static TheoryData<string> GgufFolderCases() => [.. Folders().Where(folder =>
    {
        using var checkpoint = new Checkpoint(folder);
        return ArchitectureRegistry.FindByName(checkpoint.Model.ArchitectureName)!.GgufName is not null;
    })];

    [Fact]
    public void All_encoders_are_visited_and_padding_stands_on_either_side()
    {
        SharedFiles.RequireWholeSet();
        Assert.True(Folders().Count() >= 8, string.Join(' ', Folders()));
        bool[] firsts = [.. Folders().Select(folder => new Checkpoint(folder)).Select(checkpoint => checkpoint.Mask(1)[0])];
        Assert.Contains(true, firsts);
        Assert.Contains(false, firsts);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Hidden_states_and_logits_are_those_of_transformers(string folder, string config, string kernel)
    {
        using var checkpoint = new Checkpoint(folder, config);
        var observer = new HiddenStates();
        using Encoder encoder = Encoder.Load(checkpoint.Model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, Observer = observer }, Cancellation);
        Assert.Equal(kernel, encoder.KernelName);
        // Row 0 last: the reference hidden states are its.
        for (int row = checkpoint.Rows - 1; row >= 0; row--)
        {
            observer.Rows.Clear();
            EncoderOutput output = encoder.Encode(checkpoint.Ids(row), checkpoint.Mask(row), checkpoint.Types(row), Cancellation);
            checkpoint.AssertLogits(encoder, output, row);
        }
        int steps = encoder.Spec.StepCount;
        Assert.Equal(steps + 1, (int)checkpoint.Index["hidden_states"]!);
        Assert.All(checkpoint.Mask(0), Assert.True);
        for (int i = 0; i <= steps; i++)
            Closeness.Assert(checkpoint.Expected.Singles($"hidden_states.{i}"), observer.Rows[i == steps ? steps + 1 : i], checkpoint.Tolerance, $"hidden state {i}");
    }

    /// <summary>What stands where the mask is 0 changes nothing elsewhere, be it within the text.</summary>
    [Theory]
    [MemberData(nameof(FolderCases))]
    public void Hidden_tokens_change_nothing(string folder)
    {
        using var checkpoint = new Checkpoint(folder);
        using Encoder encoder = Encoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2 }, Cancellation);
        int[] ids = checkpoint.Ids(0), types = checkpoint.Types(0);
        var mask = new bool[ids.Length];
        Array.Fill(mask, true);
        mask[3] = mask[4] = mask[^1] = mask[^2] = false;
        EncoderOutput first = encoder.Encode(ids, mask, types, Cancellation);
        int[] others = [.. ids];
        foreach (int position in (int[])[3, 4, ids.Length - 1, ids.Length - 2])
            others[position] = others[position] == 7 ? 8 : 7;
        EncoderOutput second = encoder.Encode(others, mask, types, Cancellation);
        Assert.True(first.HiddenStates.SequenceEqual(second.HiddenStates));
        EncoderOutput seen = encoder.Encode(ids, [], types, Cancellation);
        Assert.False(first.At(0).SequenceEqual(seen.At(0)));
        Assert.All(first.At(3).ToArray(), value => Assert.Equal(0, value));
    }

    [Theory]
    [MemberData(nameof(FolderCases))]
    public void Any_number_of_threads_gives_the_same_bytes(string folder)
    {
        using var checkpoint = new Checkpoint(folder);
        float[]? reference = null;
        foreach (int threads in new[] { 1, 2, 3, 7 })
        {
            using Encoder encoder = Encoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = threads }, Cancellation);
            float[] states = encoder.Encode(checkpoint.Ids(1), checkpoint.Mask(1), checkpoint.Types(1), Cancellation).HiddenStates.ToArray();
            reference ??= states;
            Assert.True(reference.AsSpan().SequenceEqual(states), $"{threads} threads");
        }
    }

    /// <summary>GGUF holds no head for tokens, so that hidden states are compared; and classes where there are any.</summary>
    [Theory]
    [MemberData(nameof(GgufFolderCases))]
    public void A_converted_file_gives_the_same_numbers(string folder)
    {
        using var checkpoint = new Checkpoint(folder);
        using var files = new TemporaryFolder();
        using IModelSource gguf = ModelSources.Open(ConvertedFile.Write(files, GgufExport.Describe(checkpoint.Model)));
        var model = Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(gguf));
        Assert.Null(model.Spec.TokenHead);
        using Encoder expected = Encoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2 }, Cancellation), got = Encoder.Load(model, new DecoderOptions { ThreadCount = 2 }, Cancellation);
        for (int row = 0; row < checkpoint.Rows; row++)
        {
            EncoderOutput first = expected.Encode(checkpoint.Ids(row), checkpoint.Mask(row), checkpoint.Types(row), Cancellation);
            EncoderOutput second = got.Encode(checkpoint.Ids(row), checkpoint.Mask(row), checkpoint.Types(row), Cancellation);
            Assert.True(first.HiddenStates.SequenceEqual(second.HiddenStates));
            if (model.Spec.ClassCount is not null)
                Assert.Equal(expected.ScoreClasses(first, Cancellation), got.ScoreClasses(second, Cancellation));
            else
                Assert.Contains("no head for tokens", Assert.Throws<UsageException>(() => got.ScoreTokens(second, [], (_, _) => { }, Cancellation)).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Quantized weights go through the kernels of decoders: states move by about the rounding of 8 bits, on every level, and fast arithmetic's too.</summary>
    [Theory]
    [InlineData("Q8_0", DecoderArithmetic.Float, 0.05)]
    [InlineData("Q8_0", DecoderArithmetic.Fast, 0.1)]
    [InlineData("Q4_0", DecoderArithmetic.Float, 0.8)]
    [InlineData("F16", DecoderArithmetic.Float, 0.01)]
    public void Quantized_weights_stay_close(string format, DecoderArithmetic arithmetic, double largest)
    {
        EncoderModel plain = RandomEncoder.Make(), quantized = RandomEncoder.Quantized(plain, TensorFormats.FindByName(format)!);
        int[] ids = [.. Enumerable.Range(0, 40).Select(i => i * 11 % plain.Spec.VocabularySize)];
        foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
        {
            using Encoder exact = Encoder.Load(plain, new DecoderOptions { ThreadCount = 2, Kernel = set.Name }, Cancellation);
            using Encoder rounded = Encoder.Load(quantized, new DecoderOptions { ThreadCount = 2, Kernel = set.Name, Arithmetic = arithmetic }, Cancellation);
            float[] first = exact.Encode(ids, cancellationToken: Cancellation).HiddenStates.ToArray(), second = rounded.Encode(ids, cancellationToken: Cancellation).HiddenStates.ToArray();
            Assert.Equal(first.Length, second.Length);
            double error = Math.Sqrt(first.Zip(second, (a, b) => (double)(a - b) * (a - b)).Average());
            Assert.InRange(error, 1e-6, largest);
        }
    }

    [Fact]
    public void A_damaged_weight_is_named()
    {
        EncoderModel plain = RandomEncoder.Make();
        var id = new TensorId(TensorRole.Down, 1);
        var tensors = new Dictionary<TensorId, TensorData>(plain.Tensors);
        float[] values = new float[tensors[id].Info.Shape.ElementCount];
        values[70] = float.NaN;
        tensors[id] = MemoryTensor.FromValues("blk.1.down", tensors[id].Info.Shape, values);
        using Encoder encoder = Encoder.Load(new EncoderModel(plain.Source, "bert", plain.Spec, tensors), new DecoderOptions { ThreadCount = 1 }, Cancellation);
        string message = Assert.Throws<NumericalException>(() => encoder.Encode([1, 2, 3], cancellationToken: Cancellation)).Message;
        Assert.Contains("Position 0", message, StringComparison.Ordinal);
        Assert.Contains("blk.1.down", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Copied_weights_give_the_same_as_mapped_ones()
    {
        using var checkpoint = new Checkpoint("bert");
        using Encoder mapped = Encoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2, Weights = WeightPlacement.Mapped }, Cancellation);
        using Encoder copied = Encoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2, Weights = WeightPlacement.Copied }, Cancellation);
        EncoderOutput first = mapped.Encode(checkpoint.Ids(0), cancellationToken: Cancellation), second = copied.Encode(checkpoint.Ids(0), cancellationToken: Cancellation);
        Closeness.Assert(first.HiddenStates, second.HiddenStates, 1e-5, "hidden states");
    }

    [Fact]
    public void Texts_that_do_not_fit_the_model_are_refused()
    {
        using var checkpoint = new Checkpoint("bert");
        using Encoder encoder = Encoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        Assert.Contains("no tokens", Assert.Throws<UsageException>(() => encoder.Encode([], cancellationToken: Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("3 entries for 2 tokens", Assert.Throws<UsageException>(() => encoder.Encode([1, 2], [true, true, true], cancellationToken: Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("hides every token", Assert.Throws<UsageException>(() => encoder.Encode([1, 2], [false, false], cancellationToken: Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("ids 0 to 130", Assert.Throws<UsageException>(() => encoder.Encode([131], cancellationToken: Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("types 0 to 1", Assert.Throws<UsageException>(() => encoder.Encode([1], [], [2], cancellationToken: Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("1 token types for 2 tokens", Assert.Throws<UsageException>(() => encoder.Encode([1, 2], [], [0], cancellationToken: Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("at most 64 tokens, 65", Assert.Throws<UsageException>(() => encoder.Encode(new int[65], cancellationToken: Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("no head for classes", Assert.Throws<UsageException>(() => encoder.ScoreClasses(encoder.Encode([1], cancellationToken: Cancellation), Cancellation)).Message, StringComparison.Ordinal);
        Assert.Equal(64, encoder.Encode(new int[64], cancellationToken: Cancellation).Length);
    }

    [Fact]
    public void The_mean_leaves_padding_out()
    {
        using var checkpoint = new Checkpoint("bert");
        using Encoder encoder = Encoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        EncoderOutput output = encoder.Encode([5, 6, 7, 8], [true, true, true, false], cancellationToken: Cancellation);
        float[] mean = output.Pool(Pooling.Mean);
        for (int i = 0; i < mean.Length; i++)
            Assert.Equal((output.At(0)[i] + output.At(1)[i] + output.At(2)[i]) / 3, mean[i], 1e-6f);
        Assert.Equal(output.At(0).ToArray(), output.Pool(Pooling.First));
    }

    private static IEnumerable<string> Folders() => ReferenceCheckpoint.FoldersOf<EncoderArchitecture>("encoder");

    private sealed class Checkpoint : IDisposable
    {
        private readonly HuggingFaceModelSource source;

        public Checkpoint(string folder, string configName = "config.json")
        {
            string path = SharedFiles.Require("fixtures", "architectures", folder);
            Expected = new SafetensorsFixture(Path.Combine(path, "expected.safetensors"));
            Index = ReferenceCheckpoint.IndexOf(folder);
            source = HuggingFaceModelSource.OpenFolder(path, configName);
            Model = Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(source));
            Rows = (int)Expected.Shape("input_ids")[0];
            Length = (int)Expected.Shape("input_ids")[1];
        }

        public SafetensorsFixture Expected { get; }

        public JsonNode Index { get; }

        public EncoderModel Model { get; }

        public int Rows { get; }

        public int Length { get; }

        public double Tolerance => (double)Index["tolerance"]!;

        public int[] Ids(int row) => [.. RowOf("input_ids", row).Select(id => (int)id)];

        public bool[] Mask(int row) => [.. RowOf("attention_mask", row).Select(value => value == 1)];

        public int[] Types(int row) => Expected.Has("token_type_ids") ? [.. RowOf("token_type_ids", row).Select(id => (int)id)] : [];

        public void AssertLogits(Encoder encoder, EncoderOutput output, int row)
        {
            int width = (int)Expected.Shape("logits")[^1];
            if (Expected.Shape("logits").Length == 2)
            {
                Closeness.Assert(Expected.Singles("logits").Slice(row * width, width), encoder.ScoreClasses(output, Cancellation), Tolerance, $"logits of {row}");
                return;
            }
            int[] shown = [.. Enumerable.Range(0, Length).Where(position => Mask(row)[position])];
            int visited = 0;
            encoder.ScoreTokens(output, shown, (position, values) =>
            {
                Assert.Equal(shown[visited++], position);
                Closeness.Assert(Expected.Singles("logits").Slice((row * Length + position) * width, width), values, Tolerance, $"logits at {row}, {position}");
            }, Cancellation);
            Assert.Equal(shown.Length, visited);
        }

        public void Dispose() => source.Dispose();

        private IEnumerable<long> RowOf(string name, int row) => Expected.Integers(name).Skip(row * Length).Take(Length);
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
