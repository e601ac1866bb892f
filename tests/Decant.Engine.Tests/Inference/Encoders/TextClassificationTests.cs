using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Encoders;

/// <summary>Classes of texts: reference checkpoints with such a head in place of their own, against each family's definition on the first token's hidden state.</summary>
public sealed class TextClassificationTests
{
    private const int Classes = 3;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Folder, class, the layer before the classes, the classes, and the function between them.</summary>
    public static TheoryData<string, string, string, string, string> Families => new()
    {
        { "bert", "BertForSequenceClassification", "bert.pooler.dense", "classifier", "tanh" },
        { "roberta", "RobertaForSequenceClassification", "classifier.dense", "classifier.out_proj", "tanh" },
        { "xlm-roberta", "XLMRobertaForSequenceClassification", "classifier.dense", "classifier.out_proj", "tanh" },
        { "distilbert", "DistilBertForSequenceClassification", "pre_classifier", "classifier", "relu" },
        { "albert", "AlbertForSequenceClassification", "albert.pooler", "classifier", "tanh" },
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void A_text_has_the_classes_of_its_first_token(string folder, string className, string pooler, string classifier, string activation)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", folder));
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        config["architectures"] = new JsonArray(className);
        config["id2label"] = new JsonObject(Enumerable.Range(0, Classes).Select(i => KeyValuePair.Create($"{i}", (JsonNode?)JsonValue.Create($"L{i}"))));
        int hidden = (int)(config["hidden_size"] ?? config["dim"])!;
        var random = new Random(5);
        float[] dense = Values(hidden * hidden), denseBias = Values(hidden), weight = Values(Classes * hidden), bias = Values(Classes);
        string[] heads = ["cls.", "lm_head.", "predictions.", "vocab_", "classifier.", $"{pooler}."];
        TensorData[] tensors =
        [
            .. source.Tensors.Where(tensor => !heads.Any(head => tensor.Info.Name.StartsWith(head, StringComparison.Ordinal))),
            MemoryTensor.FromValues($"{pooler}.weight", new TensorShape(hidden, hidden), dense),
            MemoryTensor.FromValues($"{pooler}.bias", new TensorShape(hidden), denseBias),
            MemoryTensor.FromValues($"{classifier}.weight", new TensorShape(Classes, hidden), weight),
            MemoryTensor.FromValues($"{classifier}.bias", new TensorShape(Classes), bias),
        ];
        var model = Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, tensors)));
        Assert.Equal((Classes, false), (model.Spec.ClassCount, model.Spec.ClassifiesTokens));
        using Encoder encoder = Encoder.Load(model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        EncoderOutput output = encoder.Encode([7, 8, 9, 10, 11], [true, true, true, false, true], cancellationToken: Cancellation);

        double[] pooled = Product(dense, denseBias, [.. output.At(0).ToArray().Select(value => (double)value)]);
        double[] between = [.. pooled.Select(value => activation == "tanh" ? Math.Tanh(value) : Math.Max(0, value))];
        double[] expected = Product(weight, bias, between);
        float[] got = encoder.ScoreClasses(output, Cancellation);
        Assert.Equal(Classes, got.Length);
        Assert.All(expected.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 1e-5));

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static double[] Product(float[] matrix, float[] bias, double[] vector) =>
        [.. bias.Select((value, row) => value + vector.Select((x, column) => x * matrix[row * vector.Length + column]).Sum())];
}
