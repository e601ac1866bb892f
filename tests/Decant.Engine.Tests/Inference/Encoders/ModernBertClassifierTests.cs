using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Encoders;

/// <summary>ModernBERT's head in front of classes, of texts and of tokens, with a pooling and an activation that GGUF has no key for.</summary>
public sealed class ModernBertClassifierTests
{
    private const int Classes = 3;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("cls", "gelu")]
    [InlineData("cls", "silu")]
    [InlineData("mean", "gelu")]
    [InlineData("mean", "gelu_new")]
    public void A_converted_classifier_gives_the_same_classes(string pooling, string activation)
    {
        EncoderModel model = Make("ModernBertForSequenceClassification", pooling, activation);
        GgufDescription file = GgufExport.Describe(model);
        Assert.Equal(pooling == "mean", file.Notices.Any(notice => notice.Contains("the mean of all", StringComparison.Ordinal)));
        var converted = Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(file.Metadata, file.Tensors)));
        Assert.Equal(model.Spec.Pooler, converted.Spec.Pooler);
        Closeness.Assert(ScoreClasses(model), ScoreClasses(converted), 1e-6, "classes");
        Assert.True(JsonNode.DeepEquals(model.Source.HuggingFace!.Config, HuggingFaceExport.Describe(converted).Config));
    }

    [Theory]
    [InlineData("decant.classifier.pooling", "max")]
    [InlineData("decant.classifier.activation", "mish")]
    public void A_key_with_an_unknown_value_is_named(string key, string value)
    {
        GgufDescription file = GgufExport.Describe(Make("ModernBertForSequenceClassification", "mean", "silu"));
        file.Metadata.Set(key, GgufValue.From(value));
        string message = Assert.Throws<NotSupportedModelException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(file.Metadata, file.Tensors))).Message;
        Assert.Contains(key, message, StringComparison.Ordinal);
        Assert.Contains(value, message, StringComparison.Ordinal);
    }

    /// <summary>The first token's classes are those of a text that is told by its first token.</summary>
    [Fact]
    public void Classes_of_tokens_read_the_same_head()
    {
        EncoderModel model = Make("ModernBertForTokenClassification", "mean", "gelu");
        Assert.True(model.Spec.ClassifiesTokens);
        using Encoder encoder = Encoder.Load(model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        var rows = new List<float[]>();
        encoder.ScoreTokenClasses(encoder.Encode([9, 8, 7, 6], cancellationToken: Cancellation), (_, logits) => rows.Add(logits.ToArray()), Cancellation);
        Assert.Equal(4, rows.Count);
        Closeness.Assert(ScoreClasses(Make("ModernBertForSequenceClassification", "cls", "gelu")), rows[0], 1e-6, "classes of the first token");
        Assert.NotEqual(rows[0], rows[1]);
        Assert.Equal("ModernBertForTokenClassification", (string)HuggingFaceExport.Describe(model).Config["architectures"]![0]!);
    }

    private static float[] ScoreClasses(EncoderModel model)
    {
        using Encoder encoder = Encoder.Load(model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        return encoder.ScoreClasses(encoder.Encode([9, 8, 7, 6], cancellationToken: Cancellation), Cancellation);
    }

    private static EncoderModel Make(string className, string pooling, string activation)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", "modernbert"));
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        config["architectures"] = new JsonArray(className);
        config["classifier_pooling"] = pooling;
        config["classifier_activation"] = activation;
        config["id2label"] = new JsonObject(Enumerable.Range(0, Classes).Select(i => KeyValuePair.Create($"{i}", (JsonNode?)JsonValue.Create($"L{i}"))));
        int hidden = (int)config["hidden_size"]!;
        var random = new Random(4);
        float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        // The source is closed here, so the tensors are taken along.
        List<TensorData> tensors = [.. source.Tensors.Where(tensor => !tensor.Info.Name.StartsWith("decoder.", StringComparison.Ordinal)).Select(Copy)];
        tensors.Add(MemoryTensor.FromValues("classifier.weight", new TensorShape(Classes, hidden), Numbers(Classes * hidden)));
        tensors.Add(MemoryTensor.FromValues("classifier.bias", new TensorShape(Classes), Numbers(Classes)));
        return Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, tensors)));
    }

    private static MemoryTensor Copy(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        return MemoryTensor.FromValues(tensor.Info.Name, tensor.Info.Shape, values);
    }
}
