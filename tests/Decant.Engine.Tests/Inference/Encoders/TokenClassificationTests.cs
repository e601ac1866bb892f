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

/// <summary>Classes of every token: reference checkpoints with such a head in place of their own, against its definition on the hidden states.</summary>
public sealed class TokenClassificationTests
{
    private const int Classes = 4;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Families => new()
    {
        { "bert", "BertForTokenClassification" },
        { "bert-classify", "BertForTokenClassification" },
        { "roberta", "RobertaForTokenClassification" },
        { "xlm-roberta", "XLMRobertaForTokenClassification" },
        { "distilbert", "DistilBertForTokenClassification" },
        { "albert", "AlbertForTokenClassification" },
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void Every_token_has_classes_of_its_own(string folder, string className)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", folder));
        (EncoderModel model, float[] weight, float[] bias) = WithTokenClasses(source, className);
        Assert.Equal((Classes, true, null, null), (model.Spec.ClassCount, model.Spec.ClassifiesTokens, model.Spec.Pooler, model.Spec.TokenHead));
        // A pooler that is stored along is not theirs.
        Assert.Equal(folder == "bert-classify", model.Notices.Any(notice => notice.Contains("pooler", StringComparison.Ordinal)));
        using Encoder encoder = Encoder.Load(model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        EncoderOutput output = encoder.Encode([7, 8, 9, 10, 11], [false, true, true, false, true], cancellationToken: Cancellation);
        int visited = 0;
        encoder.ScoreTokenClasses(
            output,
            (position, logits) =>
            {
                Assert.Equal(visited++, position);
                Assert.Equal(Classes, logits.Length);
                for (int label = 0; label < Classes; label++)
                {
                    double sum = bias[label];
                    for (int i = 0; i < output.HiddenSize; i++)
                        sum += (double)weight[label * output.HiddenSize + i] * output.At(position)[i];
                    Assert.Equal(sum, logits[label], 1e-5);
                }
            },
            Cancellation);
        Assert.Equal(output.Length, visited);
        Assert.All(output.At(0).ToArray(), value => Assert.Equal(0, value));
        Assert.Contains("those of tokens", Assert.Throws<UsageException>(() => encoder.ScoreClasses(output, Cancellation)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_folder_written_again_says_so_and_GGUF_leaves_the_head_out(string folder, string className)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", folder));
        (EncoderModel model, _, _) = WithTokenClasses(source, className);
        HuggingFaceDescription written = HuggingFaceExport.Describe(model);
        Assert.Equal(className, (string)written.Config["architectures"]![0]!);
        Assert.Contains("classifier.weight", written.Tensors.Select(tensor => tensor.Info.Name));
        Assert.Equal(model.Spec, ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(written.Config, written.Tensors)).Spec);
        if (folder == "albert")
            return;
        GgufDescription file = GgufExport.Describe(model);
        Assert.Contains(file.Notices, notice => notice.Contains("classes of tokens", StringComparison.Ordinal));
        Assert.DoesNotContain(file.Tensors, tensor => tensor.Info.Name.StartsWith("cls", StringComparison.Ordinal));
        Assert.Null(Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(file.Metadata, file.Tensors))).Spec.ClassCount);
    }

    [Fact]
    public void Classes_of_texts_are_not_those_of_tokens()
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", "bert-classify"));
        var model = Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(source));
        Assert.False(model.Spec.ClassifiesTokens);
        using Encoder encoder = Encoder.Load(model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        EncoderOutput output = encoder.Encode([7, 8], cancellationToken: Cancellation);
        Assert.Contains("those of the text", Assert.Throws<UsageException>(() => encoder.ScoreTokenClasses(output, (_, _) => { }, Cancellation)).Message, StringComparison.Ordinal);
    }

    private static (EncoderModel Model, float[] Weight, float[] Bias) WithTokenClasses(HuggingFaceModelSource source, string className)
    {
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        config["architectures"] = new JsonArray(className);
        config["id2label"] = new JsonObject(Enumerable.Range(0, Classes).Select(i => KeyValuePair.Create($"{i}", (JsonNode?)JsonValue.Create($"L{i}"))));
        int hidden = (int)(config["hidden_size"] ?? config["dim"])!;
        var random = new Random(3);
        float[] weight = [.. Enumerable.Range(0, Classes * hidden).Select(_ => random.NextSingle() - 0.5f)], bias = [.. Enumerable.Range(0, Classes).Select(_ => random.NextSingle())];
        string[] heads = ["cls.", "lm_head.", "predictions.", "vocab_", "classifier."];
        TensorData[] tensors =
        [
            .. source.Tensors.Where(tensor => !heads.Any(head => tensor.Info.Name.StartsWith(head, StringComparison.Ordinal))),
            MemoryTensor.FromValues("classifier.weight", new TensorShape(Classes, hidden), weight),
            MemoryTensor.FromValues("classifier.bias", new TensorShape(Classes), bias),
        ];
        return (Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, tensors))), weight, bias);
    }
}
