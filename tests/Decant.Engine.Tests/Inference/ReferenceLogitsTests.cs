using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>Every reference checkpoint of the decoders the engine runs: logits, hidden states and greedy text from Hugging Face transformers.</summary>
public class ReferenceLogitsTests
{
    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string folder in new[] { "llama", "llama-linear", "llama-dynamic", "llama-sharded" })
        foreach (string kernel in Decant.Engine.Kernels.InstructionSet.All.Where(s => s.IsSupported).Select(s => s.Name))
            cases.Add(folder, kernel);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_hidden_states_and_greedy_ids_are_those_of_transformers(string folder, string kernel)
    {
        string path = SharedFiles.Require("fixtures", "architectures", folder);
        var expected = new SafetensorsFixture(Path.Combine(path, "expected.safetensors"));
        JsonNode index = JsonNode.Parse(File.ReadAllText(SharedFiles.Require("fixtures", "architectures", "index.json")))![folder]!;
        double tolerance = (double)index["tolerance"]!;
        using IModelSource source = ModelSources.Open(path);
        DecoderModel model = LlamaByHand.Bind(source);
        var observer = new HiddenStates();
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { Kernel = kernel, ThreadCount = 2, Observer = observer }, TestContext.Current.CancellationToken);
        int[] ids = [.. expected.Integers("input_ids").Select(v => (int)v)];
        int length = (int)expected.Shape("input_ids")[1];
        int vocabulary = decoder.Spec.VocabularySize;
        for (int row = 1; row >= 0; row--)
        {
            observer.Rows.Clear();
            using DecoderSession session = decoder.StartSession(length);
            float[] logits = expected.Singles("logits").Slice(row * length * vocabulary, length * vocabulary).ToArray();
            int visited = 0;
            session.Score(ids.AsSpan(row * length, length), 0, (position, values) =>
            {
                Assert.Equal(visited++, position);
                AssertClose(logits.AsSpan(position * vocabulary, vocabulary), values, tolerance, $"logits at {row}, {position}");
            }, TestContext.Current.CancellationToken);
            Assert.Equal(length, visited);
        }

        int layers = decoder.Spec.Layers.Length;
        Assert.Equal(layers + 1, (int)index["hidden_states"]!);
        for (int i = 0; i <= layers; i++)
        {
            int own = i == layers && (bool)index["last_hidden_is_after_final_norm"]! ? layers + 1 : i;
            AssertClose(expected.Singles($"hidden_states.{i}"), observer.Rows[own], tolerance, $"hidden state {i}");
        }

        var text = ids[..length].ToList();
        foreach (long next in expected.Integers("greedy"))
        {
            using DecoderSession session = decoder.StartSession(text.Count);
            ReadOnlySpan<float> values = session.Append(text.ToArray(), TestContext.Current.CancellationToken);
            Assert.Equal((int)next, new Sampler(SamplerOptions.Greedy).Sample(values, []));
            text.Add((int)next);
        }
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(expected[i] - actual[i]) <= tolerance))
                Assert.Fail($"{what}: element {i} is {actual[i]}, expected {expected[i]} within {tolerance}");
        }
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
