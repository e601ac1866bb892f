using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Inference;

namespace Decant.Engine.Tests.Inference;

/// <summary>What an observer is shown: enough to recompute every product.</summary>
public class ObserverTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Folders() => [.. ReferenceCheckpoint.Folders()];

    /// <summary>Models whose last block adds two products to the stream as they are: no norm behind the branch, no experts, no rounded inputs.</summary>
    public static TheoryData<string> PlainFolders() => [.. ReferenceCheckpoint.Folders(checkpoint =>
        checkpoint.Model.Spec.Layers[^1] is { NormPlacement: NormPlacement.BeforeBranch, FeedForward.Experts: null, Projections: ProjectionKind.Plain })];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_matrix_is_seen_with_its_input(string folder)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        (Recorder recorder, List<float[]> logits) = Observe(checkpoint);
        DecoderSpec spec = checkpoint.Model.Spec;
        IEnumerable<TensorId> matrices = checkpoint.Model.Tensors.Keys.Where(id =>
            id.Part == TensorPart.Weight && id.Role is TensorRole.Query or TensorRole.Key or TensorRole.Value or TensorRole.AttentionOutput
                or TensorRole.Gate or TensorRole.Up or TensorRole.Down or TensorRole.Router);
        foreach (TensorId id in matrices.Append(new TensorId(TensorRole.Head)))
        {
            TensorData weight = checkpoint.Model.Get(id.Role == TensorRole.Head && spec.Head.Tied ? new TensorId(TensorRole.TokenEmbedding) : id);
            int expectedTokens = id.Expert is null ? checkpoint.Length : recorder.Tokens.GetValueOrDefault(id);
            Assert.Equal(expectedTokens, recorder.Tokens.GetValueOrDefault(id));
            if (expectedTokens > 0)
                Assert.Equal(expectedTokens * weight.Info.Shape.RowLength, recorder.Inputs[id].Count);
        }
        for (int layer = 0; layer < spec.Layers.Length; layer++)
        {
            if (spec.Layers[layer].FeedForward.Experts is not { } experts)
                continue;
            foreach (TensorRole role in new[] { TensorRole.Gate, TensorRole.Up, TensorRole.Down })
                Assert.Equal(checkpoint.Length * experts.UsedCount, Enumerable.Range(0, experts.Count).Sum(e => recorder.Tokens.GetValueOrDefault(new TensorId(role, layer, e))));
        }
        AssertLogitsFollowFromTheHeadsInput(checkpoint, recorder, logits);
    }

    [Fact]
    public void Appending_shows_all_hidden_states_and_one_input_of_the_head()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        var recorder = new Recorder();
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1, Observer = recorder, BatchLength = 10 }, Cancellation);
        using DecoderSession session = decoder.StartSession(checkpoint.Length);
        session.Append(checkpoint.Ids.AsSpan(0, checkpoint.Length), Cancellation);
        Assert.Equal(1, recorder.Tokens[new TensorId(TensorRole.Head)]);
        int layers = checkpoint.Model.Spec.Layers.Length;
        for (int i = 0; i <= layers + 1; i++)
        {
            Assert.Equal(checkpoint.Length * checkpoint.Model.Spec.HiddenSize, recorder.Hidden[i].Count);
            if (i < layers)
                Closeness.Assert(checkpoint.Expected.Singles($"hidden_states.{i}"), recorder.Hidden[i].ToArray(), checkpoint.Tolerance, $"hidden state {i}");
        }
        Closeness.Assert(checkpoint.Expected.Singles($"hidden_states.{layers}"), recorder.Hidden[layers + 1].ToArray(), checkpoint.Tolerance, "last hidden state");
    }

    private static (Recorder Recorder, List<float[]> Logits) Observe(ReferenceCheckpoint checkpoint)
    {
        var recorder = new Recorder();
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 2, Observer = recorder }, Cancellation);
        using DecoderSession session = decoder.StartSession(checkpoint.Length);
        var logits = new List<float[]>();
        session.Score(checkpoint.Ids.AsSpan(0, checkpoint.Length), 0, (_, values) => logits.Add(values.ToArray()), Cancellation);
        return (recorder, logits);
    }

    private static void AssertLogitsFollowFromTheHeadsInput(ReferenceCheckpoint checkpoint, Recorder recorder, List<float[]> logits)
    {
        DecoderSpec spec = checkpoint.Model.Spec;
        var id = new TensorId(spec.Head.Tied ? TensorRole.TokenEmbedding : TensorRole.Head);
        float[] input = [.. recorder.Inputs[new TensorId(TensorRole.Head)][^(spec.Embedding.Width ?? spec.HiddenSize)..]];
        double logit = Dot(checkpoint.Model.Get(id), 7, input) * spec.Head.Scale;
        if (checkpoint.Model.Find(new TensorId(TensorRole.Head).Bias) is { } bias)
        {
            float[] biases = new float[spec.VocabularySize];
            bias.ReadRows(0, 1, biases);
            logit += biases[7];
        }
        if (spec.Head.SoftCap is { } cap)
            logit = cap * Math.Tanh(logit / cap);
        Assert.Equal(logit, logits[^1][7], 1e-4);
    }

    /// <summary>In the last block: stream after − stream before = attention output + down, both from their inputs.</summary>
    [Theory]
    [MemberData(nameof(PlainFolders))]
    public void Outputs_are_added_to_the_stream(string folder)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        (Recorder recorder, _) = Observe(checkpoint);
        DecoderSpec spec = checkpoint.Model.Spec;
        int last = spec.Layers.Length - 1;
        LayerSpec layer = spec.Layers[last];
        double sum = 0;
        foreach (TensorRole role in new[] { TensorRole.AttentionOutput, TensorRole.Down })
        {
            var id = new TensorId(role, last);
            int columns = (int)checkpoint.Model.Get(id).Info.Shape.RowLength;
            sum += Dot(checkpoint.Model.Get(id), 3, [.. recorder.Inputs[id][^columns..]]);
            if (checkpoint.Model.Find(id.Bias) is { } bias)
            {
                var values = new float[bias.Info.Shape.ElementCount];
                bias.ReadRows(0, 1, values);
                sum += values[3];
            }
        }
        Assert.Equal(recorder.Hidden[last + 1][^(spec.HiddenSize - 3)] - recorder.Hidden[last][^(spec.HiddenSize - 3)], sum * layer.ResidualScale, 1e-4);
    }

    private static double Dot(TensorData weight, int row, float[] input)
    {
        var values = new float[weight.Info.Shape.RowLength];
        weight.ReadRows(row, 1, values);
        return values.Zip(input, (w, x) => (double)w * x).Sum();
    }

    private sealed class Recorder : IDecoderObserver
    {
        public Dictionary<int, List<float>> Hidden { get; } = [];

        public Dictionary<TensorId, List<float>> Inputs { get; } = [];

        public Dictionary<TensorId, int> Tokens { get; } = [];

        public void HiddenState(int index, ReadOnlySpan<float> rows, int tokenCount)
        {
            Hidden.TryAdd(index, []);
            Hidden[index].AddRange(rows);
        }

        public void LinearInput(TensorId weight, ReadOnlySpan<float> rows, int tokenCount)
        {
            Inputs.TryAdd(weight, []);
            Inputs[weight].AddRange(rows);
            Tokens[weight] = Tokens.GetValueOrDefault(weight) + tokenCount;
        }
    }
}
