using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>Recurrent models and reversible transformers: bindings, containers, refusals.</summary>
public sealed class RecurrentAndReversibleModelTests
{
    public static TheoryData<string, string> AllConfigs =>
        [.. Fixtures.FoldersOf<RecurrentArchitecture>().Concat(Fixtures.FoldersOf<Architecture<ReformerSpec>>()).SelectMany(folder => Fixtures.Configs(folder).Select(config => (folder, config)))];

    public static TheoryData<string> Convertible => [.. Fixtures.FoldersOf<RecurrentArchitecture>().Where(folder => Fixtures.FamilyOf(folder)!.GgufName is not null)];

    [Theory]
    [MemberData(nameof(AllConfigs))]
    public void Every_canonical_tensor_is_bound_with_the_shape_of_the_spec(string folder, string config)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, config);
        Model model = ArchitectureRegistry.Bind(source);
        IReadOnlyList<ModelTensor> expected = model.Spec.ListTensors();
        Assert.Equal(expected.Select(t => t.Id).ToHashSet(), model.Tensors.Keys.ToHashSet());
        Assert.All(expected, t => Assert.Equal(t.Shape, model.Tensors[t.Id].Info.Shape));
        Assert.Empty(model.UnknownTensors);
        Assert.Empty(model.Notices);
        Assert.Equal(source.Tensors.Sum(t => t.Info.Shape.ElementCount), model.Tensors.Values.Sum(t => t.Info.Shape.ElementCount));
    }

    [Theory]
    [MemberData(nameof(AllConfigs))]
    public void Written_again_as_a_folder_everything_is_equal(string folder, string config)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, config);
        HuggingFaceDescription again = HuggingFaceExport.Describe(ArchitectureRegistry.Bind(source));
        Assert.True(ConfigCarriage.AreEqual(source.HuggingFace.Config, again.Config), again.Config.ToJsonString());
        AssertTensorsAreEqual(source, again.Tensors);
    }

    /// <summary>The config that follows from the spec alone describes the same model.</summary>
    [Theory]
    [MemberData(nameof(AllConfigs))]
    public void A_config_made_from_the_spec_reads_back_as_it(string folder, string config)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, config);
        Model model = ArchitectureRegistry.Bind(source);
        JsonObject made = Fixtures.FamilyOf(folder)!.WriteConfig(model.Spec);
        Assert.Equal(model.Spec, ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(made, source.Tensors)).Spec);
        Assert.NotEqual(model.Spec, model.Spec with { ContextLength = model.Spec.ContextLength + 1 });
        Assert.NotEqual(model.Spec, model.Spec with { HiddenSize = model.Spec.HiddenSize + 1 });
    }

    [Theory]
    [MemberData(nameof(Convertible))]
    public void Through_GGUF_and_back_everything_is_equal(string folder)
    {
        using var files = new TemporaryFolder();
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        Model<RecurrentSpec> model = Bind(source);
        using IModelSource gguf = ModelSources.Open(ConvertedFile.Write(files, GgufExport.Describe(model)));
        Model<RecurrentSpec> middle = Bind(gguf);
        Assert.Equal(model.ArchitectureName, middle.ArchitectureName);
        Assert.Equal(model.Spec, middle.Spec);
        HuggingFaceDescription back = HuggingFaceExport.Describe(middle);
        Assert.True(ConfigCarriage.AreEqual(source.HuggingFace.Config, back.Config), back.Config.ToJsonString());
        Assert.True(ConfigCarriage.AreEqual(source.HuggingFace.GenerationConfig, back.GenerationConfig));
        AssertTensorsAreEqual(source, back.Tensors);
    }

    /// <summary>Without Decant's own keys a file is what llama.cpp's converter writes.</summary>
    [Theory]
    [MemberData(nameof(Convertible))]
    public void A_file_without_keys_of_our_own_is_still_understood(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        Model<RecurrentSpec> model = Bind(source);
        GgufDescription description = GgufExport.Describe(model);
        foreach (string key in description.Metadata.Entries.Select(entry => entry.Key).Where(key => key.StartsWith("decant.", StringComparison.Ordinal)).ToArray())
            description.Metadata.Remove(key);
        Assert.Equal(model.Spec, Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)).Spec);
    }

    /// <summary>Names, shapes and types as llama.cpp's loader asks for them.</summary>
    [Fact]
    public void Tensors_are_named_and_shaped_as_llama_cpp_does()
    {
        (string, string, string)[] mamba =
        [
            ("token_embd.weight", "[131, 36]", "F16"), ("output_norm.weight", "[36]", "F32"),
            ("blk.1.attn_norm.weight", "[36]", "F32"), ("blk.1.ssm_in.weight", "[144, 36]", "F16"), ("blk.1.ssm_conv1d.weight", "[72, 3]", "F32"),
            ("blk.1.ssm_conv1d.bias", "[72]", "F32"), ("blk.1.ssm_x.weight", "[17, 72]", "F16"), ("blk.1.ssm_dt.weight", "[72, 5]", "F16"), ("blk.1.ssm_dt.bias", "[72]", "F32"),
            ("blk.1.ssm_a", "[72, 6]", "F32"), ("blk.1.ssm_d", "[72]", "F32"), ("blk.1.ssm_out.weight", "[36, 72]", "F16"),
        ];
        (string, string, string)[] mamba2 =
        [
            ("token_embd.weight", "[131, 36]", "F16"), ("output_norm.weight", "[36]", "F32"), ("output.weight", "[131, 36]", "F16"),
            ("blk.1.attn_norm.weight", "[36]", "F32"), ("blk.1.ssm_in.weight", "[189, 36]", "F16"), ("blk.1.ssm_conv1d.weight", "[108, 4]", "F32"),
            ("blk.1.ssm_conv1d.bias", "[108]", "F32"), ("blk.1.ssm_dt.bias", "[9]", "F32"), ("blk.1.ssm_a", "[9, 1]", "F32"), ("blk.1.ssm_d", "[9, 1]", "F32"),
            ("blk.1.ssm_norm.weight", "[3, 24]", "F32"), ("blk.1.ssm_out.weight", "[36, 72]", "F16"),
        ];
        foreach ((string folder, (string Name, string Shape, string Format)[] expected) in new[] { ("mamba", mamba), ("mamba2", mamba2) })
        {
            using HuggingFaceModelSource source = Fixtures.Open(folder);
            GgufDescription description = GgufExport.Describe(Bind(source), TensorFormats.FindByName("F16"));
            Dictionary<string, TensorInfo> written = description.Tensors.ToDictionary(t => t.Info.Name, t => t.Info);
            foreach ((string name, string shape, string format) in expected)
                Assert.Equal((name, shape, format), (name, written[name].Shape.ToString(), written[name].Format.Name));
            Assert.Equal(expected.Length + expected.Count(e => e.Name.StartsWith("blk.", StringComparison.Ordinal)), written.Count);
            Assert.Equal(folder, description.Metadata.FindString("general.architecture"));
            Assert.Equal(3 + (folder == "mamba2" ? 1 : 0), description.Metadata.FindInteger($"{folder}.ssm.conv_kernel"));
            Assert.Equal(folder == "mamba" ? 5 : 9, description.Metadata.FindInteger($"{folder}.ssm.time_step_rank"));
            Assert.Equal(0, description.Metadata.FindInteger($"{folder}.attention.head_count"));
            // The rate of decay itself, not its logarithm.
            float[] logarithms = Fixtures.Values(source.FindTensor("backbone.layers.1.mixer.A_log")!);
            float[] rates = Fixtures.Values(description.Tensors.Single(t => t.Info.Name == "blk.1.ssm_a"));
            Assert.All(logarithms.Zip(rates), pair => Assert.Equal(-Math.Exp(pair.First), pair.Second, 1e-6 * Math.Exp(pair.First)));
        }
    }

    [Fact]
    public void What_llama_cpp_does_otherwise_is_said_or_refused()
    {
        using HuggingFaceModelSource mamba2 = Fixtures.Open("mamba2");
        Assert.DoesNotContain(GgufExport.Describe(Bind(mamba2)).Notices, n => n.Contains("llama.cpp", StringComparison.Ordinal));
        JsonObject limited = Fixtures.Config("mamba2");
        limited["time_step_limit"] = new JsonArray(0.01, 0.5);
        Model<RecurrentSpec> model = Bind(MemoryModelSource.WithConfig(limited, mamba2.Tensors));
        GgufDescription description = GgufExport.Describe(model);
        Assert.Contains(description.Notices, n => n.Contains("0.01 to 0.5", StringComparison.Ordinal));
        Assert.Equal(model.Spec, Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)).Spec);

        using HuggingFaceModelSource rwkv = Fixtures.Open("rwkv");
        using HuggingFaceModelSource reformer = Fixtures.Open("reformer");
        Assert.Contains("reformer", Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(ArchitectureRegistry.Bind(reformer))).Message, StringComparison.Ordinal);
        Assert.Contains("rwkv", Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(Bind(rwkv))).Message, StringComparison.Ordinal);
        using HuggingFaceModelSource mamba = Fixtures.Open("mamba");
        JsonObject relu = Fixtures.Config("mamba");
        relu["hidden_act"] = "relu";
        Assert.Contains("relu", Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(Bind(MemoryModelSource.WithConfig(relu, mamba.Tensors)))).Message, StringComparison.Ordinal);
        JsonObject unbiased = Fixtures.Config("mamba");
        unbiased["use_conv_bias"] = false;
        TensorData[] tensors = [.. mamba.Tensors.Where(t => !t.Info.Name.EndsWith("conv1d.bias", StringComparison.Ordinal))];
        Assert.Contains("use_conv_bias", Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(Bind(MemoryModelSource.WithConfig(unbiased, tensors)))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(AllConfigs))]
    public void Missing_and_misshapen_tensors_are_named(string folder, string file)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, file);
        foreach (TensorData missing in source.Tensors)
        {
            TensorData[] others = [.. source.Tensors.Where(t => t != missing)];
            BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(source.HuggingFace.Config, others)));
            Assert.Contains(missing.Info.Name, error.Message, StringComparison.Ordinal);
            TensorData longer = MemoryTensor.FromValues(missing.Info.Name, new TensorShape(missing.Info.Shape.ElementCount + 1), new float[missing.Info.Shape.ElementCount + 1]);
            error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(source.HuggingFace.Config, [.. others, longer])));
            Assert.Contains(missing.Info.Name, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("mamba", "hidden_act", "\"quick_gelu\"", "silu")]
    [InlineData("mamba", "time_step_rank", "\"manual\"", "auto")]
    [InlineData("mamba", "rms_norm", "false", "true")]
    [InlineData("mamba", "ssm_cfg", "{\"layer\":\"Mamba2\"}", "ssm_cfg.layer")]
    [InlineData("mamba", "mystery", "1", "mystery")]
    [InlineData("rwkv", "mystery", "1", "mystery")]
    [InlineData("rwkv", "is_encoder_decoder", "true", "false")]
    [InlineData("reformer", "attn_layers", "[\"local\",\"global\"]", "lsh")]
    [InlineData("reformer", "tie_word_embeddings", "true", "false")]
    [InlineData("reformer", "hidden_act", "\"gelu_10\"", "relu")]
    public void A_value_without_an_implementation_is_refused_with_what_is_supported(string folder, string key, string value, string named)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        JsonObject config = Fixtures.Config(folder);
        config[key] = JsonNode.Parse(value);
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mamba", "expand", "1e12", "expand")]
    [InlineData("mamba", "intermediate_size", "70", "72")]
    [InlineData("mamba", "d_model", "70", "36")]
    [InlineData("mamba2", "n_groups", "2", "num_heads")]
    [InlineData("mamba2", "num_heads", "8", "head_dim")]
    [InlineData("mamba2", "time_step_limit", "[0.5,0.1]", "two numbers")]
    [InlineData("mamba2", "time_step_limit", "[0.5]", "two numbers")]
    [InlineData("mamba2", "time_step_limit", "[{\"__float__\":\"Infinity\"},1]", "a number")]
    [InlineData("rwkv", "rescale_every", "-1", "from 0")]
    [InlineData("reformer", "num_buckets", "3", "even")]
    [InlineData("reformer", "num_buckets", "[2,4,8]", "even")]
    [InlineData("reformer", "num_hidden_layers", "3", "attn_layers")]
    [InlineData("reformer", "axial_pos_shape", "[5,6]", "[0]")]
    [InlineData("reformer", "axial_pos_shape", "[4,7]", "[1]")]
    [InlineData("reformer", "axial_pos_embds_dim", "[15,21]", "[0]")]
    [InlineData("reformer", "axial_pos_shape", "[4,6,1]", "two whole numbers")]
    [InlineData("reformer", "axial_pos_embds_dim", "[16,21]", "36")]
    [InlineData("reformer", "local_attn_chunk_length", "0", "from 1")]
    [InlineData("reformer", "lsh_num_chunks_before", "-1", "from 0")]
    [InlineData("rwkv", "num_hidden_layers", "1000000", "from 1 to")]
    public void A_value_that_cannot_be_is_refused_with_what_was_expected(string folder, string key, string value, string named)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        JsonObject config = Fixtures.Config(folder);
        config[key] = JsonNode.Parse(value);
        BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    /// <summary>What checkpoints converted from the authors' repository carry along.</summary>
    [Fact]
    public void Keys_of_the_original_repository_are_understood()
    {
        using HuggingFaceModelSource source = Fixtures.Open("mamba");
        JsonObject config = Fixtures.Config("mamba");
        foreach ((string key, JsonNode value) in new (string, JsonNode)[]
        {
            ("d_model", 36), ("d_inner", 72), ("n_layer", 2), ("fused_add_norm", true), ("rms_norm", true), ("ssm_cfg", new JsonObject()), ("pad_vocab_size_multiple", 8),
        })
        {
            config[key] = value;
        }
        Assert.Equal(Bind(source).Spec, Bind(MemoryModelSource.WithConfig(config, source.Tensors)).Spec);
        config["hidden_size"] = 80;
        config.Remove("time_step_rank");
        config["d_model"] = 80;
        config["d_inner"] = 160;
        config["intermediate_size"] = 160;
        var scan = (SelectiveScanSpec)((RecurrentSpec)ArchitectureRegistry.ReadConfig("memory", config).Spec).Layers[0].Mixer;
        Assert.Equal(5, scan.TimeStepRank);
        config["time_step_rank"] = "auto";
        Assert.Equal(scan, ((RecurrentSpec)ArchitectureRegistry.ReadConfig("memory", config).Spec).Layers[0].Mixer);
    }

    [Theory]
    [InlineData("mamba", "mamba.ssm.inner_size", "ssm.inner_size")]
    [InlineData("mamba", "mamba.ssm.state_size", "ssm.state_size")]
    [InlineData("mamba", "mamba.ssm.conv_kernel", "ssm.conv_kernel")]
    [InlineData("mamba", "mamba.ssm.time_step_rank", "ssm.time_step_rank")]
    [InlineData("mamba", "mamba.attention.layer_norm_rms_epsilon", "layer_norm_rms_epsilon")]
    [InlineData("mamba2", "mamba2.ssm.group_count", "ssm.group_count")]
    public void A_missing_or_wrong_GGUF_key_is_refused_by_name(string folder, string key, string named)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        foreach (GgufValue? wrong in (GgufValue?[])[null, GgufValue.From("nonsense"), GgufValue.From(0u), GgufValue.From(7u)])
        {
            // Any ε is possible.
            if (key.EndsWith("epsilon", StringComparison.Ordinal) && wrong?.Value is 7u)
                continue;
            GgufDescription description = GgufExport.Describe(Bind(source));
            description.Metadata.Remove(key);
            if (wrong is not null)
                description.Metadata.Set(key, wrong);
            BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)));
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
        }
    }

    private static Model<RecurrentSpec> Bind(IModelSource source) => Assert.IsType<Model<RecurrentSpec>>(ArchitectureRegistry.Bind(source));

    private static void AssertTensorsAreEqual(HuggingFaceModelSource source, IReadOnlyList<TensorData> written)
    {
        Assert.Equal(source.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal), written.Select(t => t.Info.Name).Order(StringComparer.Ordinal));
        foreach (TensorData tensor in written)
        {
            TensorData stored = source.FindTensor(tensor.Info.Name)!;
            Assert.Equal(stored.Info.Shape, tensor.Info.Shape);
            Assert.Equal(stored.Info.Format, tensor.Info.Format);
            Assert.True(Fixtures.Bytes(stored).SequenceEqual(Fixtures.Bytes(tensor)), tensor.Info.Name);
            Assert.Equal(Fixtures.Bytes(tensor), Fixtures.BytesRowByRow(tensor));
        }
    }
}
