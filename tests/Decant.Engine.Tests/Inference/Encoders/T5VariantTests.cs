using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Encoders;

/// <summary>Relatives of T5 made of its reference checkpoints: what their tensors say otherwise computes the same numbers.</summary>
public sealed partial class T5VariantTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>UMT5 has a table of biases in every block; where all are the first one's, it is T5. Where one is not, the numbers change.</summary>
    [Theory]
    [InlineData("t5", false)]
    [InlineData("t5-v1_1", false)]
    [InlineData("t5-v1_1", true)]
    public void Umt5_with_equal_tables_is_T5(string folder, bool changed)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", folder));
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        config["model_type"] = "umt5";
        config["architectures"] = new JsonArray("UMT5ForConditionalGeneration");
        EncoderDecoderModel model = Assert.IsType<EncoderDecoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, WithTables(source, changed))));
        Assert.Equal("umt5", model.ArchitectureName);

        // Through GGUF, where llama.cpp takes a block's own table if there is one.
        GgufDescription description = GgufExport.Describe(model);
        Model middle = ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors));
        Assert.Equal("umt5", middle.ArchitectureName);
        HuggingFaceDescription back = HuggingFaceExport.Describe(middle);
        Assert.True(JsonNode.DeepEquals(config, back.Config), back.Config.ToJsonString());
        Assert.Equal(model.Tensors.Count, back.Tensors.Count);

        var expected = new SafetensorsFixture(SharedFiles.Require("fixtures", "architectures", folder, "expected.safetensors"));
        double tolerance = (double)ReferenceCheckpoint.IndexOf(folder)["tolerance"]!;
        foreach (EncoderDecoderModel each in (EncoderDecoderModel[])[model, (EncoderDecoderModel)middle])
        {
            double difference = LargestDifference(each, expected);
            if (changed)
                Assert.True(difference > 10 * tolerance, $"{difference}");
            else
                Assert.InRange(difference, 0, tolerance);
        }
    }

    /// <summary>As transformers 5 writes Flan-T5: the config calls the head tied, its logits are of full size, and a head is stored.</summary>
    [Fact]
    public void A_stored_head_that_the_config_calls_tied_goes_through_GGUF_and_back()
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", "t5-v1_1"));
        TensorData shared = source.FindTensor("shared.weight")!;
        TensorData[] tensors = [.. source.Tensors.Where(tensor => tensor.Info.Name != "lm_head.weight"), Copy(shared, "lm_head.weight", addedToEverySecond: 1)];
        var model = Assert.IsType<EncoderDecoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(source.HuggingFace.Config, tensors)));
        Assert.Equal((false, 1f), (model.Spec.Decoder.Head.Tied, model.Spec.Decoder.Head.Scale));
        GgufDescription description = GgufExport.Describe(model);
        HuggingFaceDescription back = HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)));
        Assert.True(JsonNode.DeepEquals(source.HuggingFace.Config, back.Config), back.Config.ToJsonString());
        Assert.Equal(model.Spec, ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(back.Config, back.Tensors)).Spec);
        Assert.Contains(back.Tensors, tensor => tensor.Info.Name == "lm_head.weight");
    }

    /// <summary>A T5EncoderModel's hidden states are those of the whole model's encoder.</summary>
    [Theory]
    [InlineData("t5", false, "t5")]
    [InlineData("t5-v1_1", true, "t5")]
    [InlineData("t5-v1_1", true, "umt5")]
    public void An_encoder_alone_gives_the_hidden_states_of_the_whole_model(string folder, bool otherName, string type)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", folder));
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        config["architectures"] = new JsonArray("T5EncoderModel");
        config["is_encoder_decoder"] = false;
        config["model_type"] = type;
        TensorData[] tensors =
        [
            .. (type == "umt5" ? WithTables(source, changed: false) : source.Tensors).Where(t => t.Info.Name.StartsWith("encoder.", StringComparison.Ordinal) && !t.Info.Name.Contains("embed_tokens", StringComparison.Ordinal)),
            Copy(source.FindTensor("shared.weight")!, otherName ? "encoder.embed_tokens.weight" : "shared.weight"),
        ];
        EncoderModel model = Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, tensors)));
        var expected = new SafetensorsFixture(SharedFiles.Require("fixtures", "architectures", folder, "expected.safetensors"));
        (int rows, int length) = ((int)expected.Shape("input_ids")[0], (int)expected.Shape("input_ids")[1]);
        GgufDescription description = GgufExport.Describe(model);
        var middle = Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)));
        Assert.Equal((model.ArchitectureName, model.Spec), (middle.ArchitectureName, middle.Spec));
        HuggingFaceDescription back = HuggingFaceExport.Describe(middle);
        Assert.True(JsonNode.DeepEquals(config, back.Config), back.Config.ToJsonString());
        using Encoder encoder = Encoder.Load(model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        using Encoder converted = Encoder.Load(middle, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        foreach (Encoder each in (Encoder[])[encoder, converted])
        {
            for (int row = 0; row < rows; row++)
            {
                bool[] mask = [.. expected.Integers("attention_mask").Skip(row * length).Take(length).Select(value => value == 1)];
                EncoderOutput output = each.Encode(Ids(expected, "input_ids", row), mask, cancellationToken: Cancellation);
                for (int position = 0; position < length; position++)
                {
                    if (mask[position])
                        Closeness.Assert(
                            expected.Singles("encoder_last_hidden_state").Slice((row * length + position) * output.HiddenSize, output.HiddenSize), output.At(position),
                            (double)ReferenceCheckpoint.IndexOf(folder)["tolerance"]!, $"encoder state {row}, {position}");
                }
            }
        }
        HuggingFaceDescription again = HuggingFaceExport.Describe(model);
        Assert.True(JsonNode.DeepEquals(config, again.Config), again.Config.ToJsonString());
        Assert.Equal(model.Spec, Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(again.Config, again.Tensors))).Spec);
    }

    private static double LargestDifference(EncoderDecoderModel model, SafetensorsFixture expected)
    {
        (int length, int targetLength) = ((int)expected.Shape("input_ids")[1], (int)expected.Shape("decoder_input_ids")[1]);
        double worst = 0;
        using EncoderDecoder engine = EncoderDecoder.Load(model, new DecoderOptions { ThreadCount = 1 }, Cancellation);
        for (int row = 0; row < (int)expected.Shape("input_ids")[0]; row++)
        {
            bool[] mask = [.. expected.Integers("attention_mask").Skip(row * length).Take(length).Select(value => value == 1)];
            using DecoderSession session = engine.StartSession(engine.Encode(Ids(expected, "input_ids", row), mask, Cancellation), targetLength, Cancellation);
            session.Score(Ids(expected, "decoder_input_ids", row), 0, (position, values) =>
            {
                ReadOnlySpan<float> reference = expected.Singles("logits").Slice((row * targetLength + position) * values.Length, values.Length);
                worst = Math.Max(worst, Closeness.LargestDifference(reference, values));
            }, Cancellation);
        }
        return worst;
    }

    private static int[] Ids(SafetensorsFixture expected, string name, int row)
    {
        int length = (int)expected.Shape(name)[1];
        return [.. expected.Integers(name).Skip(row * length).Take(length).Select(id => (int)id)];
    }

    private static List<TensorData> WithTables(HuggingFaceModelSource source, bool changed)
    {
        List<TensorData> tensors = [.. source.Tensors];
        foreach (TensorData table in source.Tensors.Where(t => t.Info.Name.EndsWith("block.0.layer.0.SelfAttention.relative_attention_bias.weight", StringComparison.Ordinal)))
        {
            string stack = table.Info.Name.Split('.')[0];
            int blocks = source.Tensors.Select(t => Block().Match(t.Info.Name)).Where(m => m.Success && m.Groups[1].Value == stack).Max(m => int.Parse(m.Groups[2].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)) + 1;
            for (int block = 1; block < blocks; block++)
                tensors.Add(Copy(table, table.Info.Name.Replace("block.0", $"block.{block}", StringComparison.Ordinal), changed && stack == "decoder" && block == blocks - 1 ? 1 : 0));
        }
        return tensors;
    }

    private static MemoryTensor Copy(TensorData tensor, string name, float addedToEverySecond = 0)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        for (int i = 0; i < values.Length; i += 2)
            values[i] += addedToEverySecond;
        return MemoryTensor.FromValues(name, tensor.Info.Shape, values);
    }

    [GeneratedRegex(@"^(\w+)\.block\.(\d+)\.")]
    private static partial Regex Block();
}
