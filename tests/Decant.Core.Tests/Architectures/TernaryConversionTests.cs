using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>Weights of three values: rounded on their way into GGUF, and on the way back others that round to the same.</summary>
public sealed class TernaryConversionTests
{
    private const string Folder = "bitnet";

    private static readonly string[] projections = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];

    /// <summary>The definition in double precision: s · clamp(round(w / s), −1, 1).</summary>
    [Fact]
    public void Projections_are_written_rounded_and_nothing_else_is()
    {
        using HuggingFaceModelSource source = Fixtures.Open(Folder);
        GgufDescription description = Describe(source);
        int rounded = 0;
        foreach (TensorData tensor in description.Tensors)
        {
            float[] values = Fixtures.Values(tensor);
            Assert.True(Fixtures.SameBits(values, Fixtures.ValuesRowByRow(tensor)));
            float[] original = Fixtures.Values(source.FindTensor(NameInFolder(tensor.Info.Name))!);
            if (!projections.Any(name => tensor.Info.Name.EndsWith($".{name}.weight", StringComparison.Ordinal)))
            {
                Assert.Equal(original, values);
                continue;
            }
            rounded++;
            double scale = original.Average(value => Math.Abs((double)value));
            for (int i = 0; i < values.Length; i++)
                Assert.Equal(scale * Math.Clamp(Math.Round(original[i] / scale), -1, 1), values[i], 1e-6 * scale);
            Assert.Equal(3, values.Distinct().Count());
        }
        Assert.Equal(2 * projections.Length, rounded);
        Assert.Equal("relu2", description.Metadata.FindString("bitnet.hidden_activation"));
    }

    [Fact]
    public void Conversion_says_that_weights_before_rounding_are_lost()
    {
        using HuggingFaceModelSource source = Fixtures.Open(Folder);
        GgufDescription description = Describe(source);
        Assert.Contains(description.Notices, notice => notice.Contains("before rounding", StringComparison.Ordinal));
        Assert.Contains(description.Notices, notice => notice.Contains("8 bits", StringComparison.Ordinal));
        Assert.Contains(description.Notices, notice => notice.Contains("bitnet.hidden_activation", StringComparison.Ordinal) && notice.Contains("silu", StringComparison.Ordinal));
        Assert.Contains(HuggingFaceExport.Describe(Bind(description)).Notices, notice => notice.Contains("before rounding", StringComparison.Ordinal));
        Assert.DoesNotContain(HuggingFaceExport.Describe(ArchitectureRegistry.Bind(source)).Notices, notice => notice.Contains("rounding", StringComparison.Ordinal));
    }

    /// <summary>A folder made from a file gives the same file again: the same zeros and signs, and scales up to the rounding of single precision.</summary>
    [Theory]
    [InlineData("F32", 1e-6)]
    [InlineData("F16", 1.0 / 1024)]
    [InlineData("BF16", 1.0 / 128)]
    public void A_file_through_a_folder_and_back_has_the_same_weights(string format, double tolerance)
    {
        TensorFormat type = TensorFormats.FindByName(format)!;
        using HuggingFaceModelSource source = Fixtures.Open(Folder);
        GgufDescription first = Describe(source, type);
        DecoderModel read = Bind(first);
        Assert.All(read.Spec.Layers, layer => Assert.Equal(ProjectionKind.StoredTernary, layer.Projections));
        HuggingFaceDescription folder = HuggingFaceExport.Describe(read);
        Assert.Equal("online", (string?)folder.Config["quantization_config"]!["quantization_mode"]);
        DecoderModel again = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(folder.Config, folder.Tensors));
        Assert.All(again.Spec.Layers, layer => Assert.Equal(ProjectionKind.Ternary, layer.Projections));
        GgufDescription second = GgufExport.Describe(again);
        Assert.Equal(first.Metadata.Entries.Select(entry => entry.Key).Where(key => key != DecantKeys.GenerationConfig), second.Metadata.Entries.Select(entry => entry.Key));
        Assert.Equal(first.Tensors.Count, second.Tensors.Count);
        foreach ((TensorData expected, TensorData got) in first.Tensors.Zip(second.Tensors))
        {
            Assert.Equal(expected.Info, got.Info);
            foreach ((float a, float b) in Fixtures.Values(expected).Zip(Fixtures.Values(got)))
            {
                Assert.Equal(MathF.Sign(a), MathF.Sign(b));
                Assert.Equal(a, b, tolerance * Math.Abs(a));
            }
        }
    }

    /// <summary>A row of three values with one scale loses nothing in ternary types but the scale's digits beyond half precision.</summary>
    [Theory]
    [InlineData("TQ2_0")]
    [InlineData("TQ1_0")]
    public void Rounded_rows_are_exact_in_ternary_types(string format)
    {
        TensorFormat type = TensorFormats.FindByName(format)!;
        var random = new Random(6);
        var shape = new TensorShape(6, 512);
        float[] weights = [.. Enumerable.Range(0, 6 * 512).Select(_ => (float)(random.NextDouble() - 0.5) * 0.1f)];
        float[] rounded = Fixtures.Values(new TernaryTensor(MemoryTensor.FromValues("w", shape, weights)));
        float scale = (float)(Half)rounded.Max();
        byte[] bytes = new byte[type.RowByteCount(512) * 6];
        for (int row = 0; row < 6; row++)
            type.EncodeRow(rounded.AsSpan(row * 512, 512), default, bytes.AsSpan(row * (int)type.RowByteCount(512), (int)type.RowByteCount(512)));
        var stored = new MemoryTensor(new TensorInfo("w", shape, type), bytes);
        Assert.Equal(rounded.Select(value => MathF.Sign(value) * scale), Fixtures.Values(stored));

        // And the way back finds weights that round to the same.
        Assert.All(
            Fixtures.Values(new TernaryTensor(new TernarySourceTensor(stored))).Zip(Fixtures.Values(stored)),
            pair => Assert.Equal(pair.Second, pair.First, 1e-6f * scale));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-9f)]
    [InlineData(1e4f)]
    public void Matrices_of_any_magnitude_have_weights_that_round_to_them(float magnitude)
    {
        float[] weights = new float[64];
        (weights[3], weights[40], weights[41]) = (magnitude, -3 * magnitude, 0.02f * magnitude);
        TensorData rounded = new TernaryTensor(MemoryTensor.FromValues("w", new TensorShape(4, 16), weights));
        float[] expected = Fixtures.Values(rounded), got = Fixtures.Values(new TernaryTensor(new TernarySourceTensor(rounded)));
        Assert.All(expected.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 1e-6f * MathF.Abs(pair.First)));
        Assert.Equal(magnitude < 1 ? 0 : 2, expected.Count(value => value != 0));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(0.4f)]
    public void A_matrix_that_is_not_ternary_gives_no_folder(float odd)
    {
        using HuggingFaceModelSource source = Fixtures.Open(Folder);
        GgufDescription description = Describe(source);
        TensorData[] tensors = [.. description.Tensors.Select(tensor => tensor.Info.Name == "blk.1.ffn_up.weight" ? Changed(tensor, odd) : tensor)];
        HuggingFaceDescription folder = HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, tensors)));
        string message = Assert.Throws<NotSupportedModelException>(() => Fixtures.Values(folder.Tensors.Single(tensor => tensor.Info.Name == "model.layers.1.mlp.up_proj.weight"))).Message;
        Assert.Contains("blk.1.ffn_up.weight", message, StringComparison.Ordinal);

        static MemoryTensor Changed(TensorData tensor, float odd)
        {
            float[] values = Fixtures.Values(tensor);
            values[5] = odd * values.Max();
            return MemoryTensor.FromValues(tensor.Info.Name, tensor.Info.Shape, values);
        }
    }

    [Theory]
    [InlineData("tie_word_embeddings")]
    [InlineData("attention_bias")]
    [InlineData("head_dim")]
    public void What_llama_cpp_has_no_place_for_is_refused(string key)
    {
        using HuggingFaceModelSource source = Fixtures.Open(Folder);
        JsonObject config = Fixtures.Config(Folder);
        var tensors = new List<TensorData>(source.Tensors);
        switch (key)
        {
            case "tie_word_embeddings":
                config[key] = false;
                tensors.Add(MemoryTensor.FromValues("lm_head.weight", source.FindTensor("model.embed_tokens.weight")!.Info.Shape, new float[131 * 32]));
                break;
            case "attention_bias":
                config[key] = true;
                foreach (TensorData tensor in source.Tensors.Where(tensor => tensor.Info.Name.Contains("self_attn", StringComparison.Ordinal) && tensor.Info.Shape.Rank == 2))
                    tensors.Add(MemoryTensor.FromValues(tensor.Info.Name.Replace("weight", "bias", StringComparison.Ordinal), new TensorShape(tensor.Info.Shape[0]), new float[tensor.Info.Shape[0]]));
                break;
            default:
                // Half as many heads of the same size.
                (config["num_attention_heads"], config["num_key_value_heads"], config[key]) = (2, 2, 8);
                tensors = [.. tensors.Select(Halved)];
                break;
        }
        string message = Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, tensors)))).Message;
        Assert.Contains(key == "head_dim" ? "hidden_size / num_attention_heads" : key, message, StringComparison.Ordinal);

        static TensorData Halved(TensorData tensor)
        {
            string name = tensor.Info.Name;
            TensorShape? shape = name.Contains("q_proj", StringComparison.Ordinal) ? new TensorShape(16, 32)
                : name.Contains("o_proj", StringComparison.Ordinal) ? new TensorShape(32, 16)
                : name.Contains("attn_sub_norm", StringComparison.Ordinal) ? new TensorShape(16)
                : null;
            return shape is { } half ? MemoryTensor.FromValues(name, half, new float[half.ElementCount]) : tensor;
        }
    }

    [Fact]
    public void Scales_apart_from_weights_and_unknown_activations_are_refused()
    {
        using HuggingFaceModelSource source = Fixtures.Open(Folder);
        GgufDescription description = Describe(source);
        TensorData scale = MemoryTensor.FromValues("blk.1.ffn_down.scale", new TensorShape(1), [0.5f]);
        Assert.Contains("blk.1.ffn_down.scale", Assert.Throws<NotSupportedModelException>(() => Bind(description with { Tensors = [.. description.Tensors, scale] })).Message, StringComparison.Ordinal);
        description.Metadata.Set("bitnet.hidden_activation", GgufValue.From("snake"));
        Assert.Contains("snake", Assert.Throws<NotSupportedModelException>(() => Bind(description)).Message, StringComparison.Ordinal);
    }

    /// <summary>Files of llama.cpp's own converter: linear scaling by 1, and no activation, which is then SiLU.</summary>
    [Fact]
    public void A_file_without_an_activation_has_the_one_that_llama_cpp_computes()
    {
        using HuggingFaceModelSource source = Fixtures.Open(Folder);
        GgufDescription description = Describe(source);
        GgufMetadata foreign = description.Metadata.Copy();
        foreach (string key in description.Metadata.Entries.Select(entry => entry.Key).Where(key => key.StartsWith("decant.", StringComparison.Ordinal) || key == "bitnet.hidden_activation"))
            foreign.Remove(key);
        foreign.Set("bitnet.rope.scaling.type", GgufValue.From("linear"));
        foreign.Set("bitnet.rope.scaling.factor", GgufValue.From(1f));
        DecoderModel model = Bind(description with { Metadata = foreign });
        Assert.All(model.Spec.Layers, layer => Assert.Equal((Activation.Silu, ProjectionKind.StoredTernary), (layer.FeedForward.Activation, layer.Projections)));
        JsonObject config = HuggingFaceExport.Describe(model).Config;
        Assert.Equal("silu", (string?)config["hidden_act"]);
        Assert.Equal("bitnet", (string?)config["model_type"]);
    }

    /// <summary>An activation that llama.cpp's key has no name for travels under a key of our own.</summary>
    [Theory]
    [InlineData("gelu", null)]
    [InlineData("silu", null)]
    [InlineData("relu", "relu")]
    public void Every_activation_comes_back(string name, string? stated)
    {
        using HuggingFaceModelSource source = Fixtures.Open(Folder);
        JsonObject config = Fixtures.Config(Folder);
        config["hidden_act"] = name;
        DecoderModel model = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, source.Tensors));
        GgufDescription description = GgufExport.Describe(model);
        Assert.Equal(stated, description.Metadata.FindString("bitnet.hidden_activation"));
        Assert.Equal(model.Spec.Layers[0].FeedForward, Bind(description).Spec.Layers[0].FeedForward);
    }

    private static string NameInFolder(string name)
    {
        string[] parts = name.Split('.');
        return parts[0] switch
        {
            "token_embd" => "model.embed_tokens.weight",
            "output_norm" => "model.norm.weight",
            _ => $"model.layers.{parts[1]}." + parts[2] switch
            {
                "attn_norm" => "input_layernorm",
                "attn_sub_norm" => "self_attn.attn_sub_norm",
                "attn_q" => "self_attn.q_proj",
                "attn_k" => "self_attn.k_proj",
                "attn_v" => "self_attn.v_proj",
                "attn_output" => "self_attn.o_proj",
                "ffn_norm" => "post_attention_layernorm",
                "ffn_sub_norm" => "mlp.ffn_sub_norm",
                "ffn_gate" => "mlp.gate_proj",
                "ffn_up" => "mlp.up_proj",
                _ => "mlp.down_proj",
            } + ".weight",
        };
    }

    private static GgufDescription Describe(HuggingFaceModelSource source, TensorFormat? format = null) => GgufExport.Describe(ArchitectureRegistry.BindDecoder(source), format);

    private static DecoderModel Bind(GgufDescription description) =>
        ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors));
}
