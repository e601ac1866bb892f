using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

public sealed class ConversionTests
{
    public static TheoryData<string> Folders => Fixtures.AllGguf;

    public static TheoryData<string, string> FoldersAndConfigs => Fixtures.AllGgufConfigs;

    /// <summary>Ids of tokens outlive the keys of our own; where a file states none, transformers is told so, for its config classes have ids of their own.</summary>
    [Fact]
    public void Token_ids_of_a_file_without_a_tokenizer_are_in_the_config()
    {
        using HuggingFaceModelSource source = Fixtures.Open("llama");
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        (config["bos_token_id"], config["eos_token_id"], config["pad_token_id"]) = (5, new JsonArray(7, 8), 9);
        GgufDescription description = GgufExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        GgufMetadata metadata = description.Metadata.Copy();
        foreach (string key in description.Metadata.Entries.Select(entry => entry.Key).Where(key => key.StartsWith("decant.", StringComparison.Ordinal)))
            metadata.Remove(key);
        JsonObject back = HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(metadata, description.Tensors))).Config;
        Assert.Equal((5, 7, 9), ((long)back["bos_token_id"]!, (long)back["eos_token_id"]!, (long)back["pad_token_id"]!));

        foreach (string name in (string[])["bos", "eos", "padding"])
            metadata.Remove($"tokenizer.ggml.{name}_token_id");
        back = HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(metadata, description.Tensors))).Config;
        Assert.All((string[])["bos_token_id", "eos_token_id"], key => Assert.True(back.TryGetPropertyValue(key, out JsonNode? id) && id is null, key));
        Assert.False(back.ContainsKey("pad_token_id"));
    }

    /// <summary>
    /// Through a real file and back: every tensor the model uses bit for bit, every config value equal. Weights that files hold rounded come back as others that round
    /// to the same (<see cref="TernaryConversionTests"/>).
    /// </summary>
    [Theory]
    [MemberData(nameof(FoldersAndConfigs))]
    public void Through_GGUF_and_back_everything_is_equal(string folder, string configName)
    {
        using var files = new TemporaryFolder();
        using HuggingFaceModelSource source = Fixtures.Open(folder, configName);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        string path = ConvertedFile.Write(files, GgufExport.Describe(model));

        using IModelSource gguf = ModelSources.Open(path);
        DecoderModel middle = ArchitectureRegistry.BindDecoder(gguf);
        Assert.Equal(model.ArchitectureName, middle.ArchitectureName);
        Assert.Empty(middle.Notices);
        HuggingFaceDescription back = HuggingFaceExport.Describe(middle);

        Assert.True(ConfigCarriage.AreEqual(source.HuggingFace.Config, back.Config), back.Config.ToJsonString());
        Assert.NotNull(back.GenerationConfig);
        Assert.True(ConfigCarriage.AreEqual(source.HuggingFace.GenerationConfig, back.GenerationConfig));
        Dictionary<string, TensorData> original = source.Tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);
        foreach (TensorData tensor in back.Tensors)
        {
            string name = tensor.Info.Name;
            TensorData stored = original.GetValueOrDefault(name) ?? original[name["transformer.".Length..]];
            original.Remove(stored.Info.Name);
            Assert.Equal(stored.Info.Shape, tensor.Info.Shape);
            Assert.Equal(stored.Info.Format, tensor.Info.Format);
            Assert.True(IsRounded(model, name) || Fixtures.Bytes(stored).SequenceEqual(Fixtures.Bytes(tensor)), name);
            Assert.Equal(Fixtures.Bytes(tensor), Fixtures.BytesRowByRow(tensor));
        }
        Assert.All(original.Keys, left => Assert.True(
            left.EndsWith("inv_freq", StringComparison.Ordinal) || left.EndsWith("position_ids", StringComparison.Ordinal)
            || left.EndsWith(".attn.bias", StringComparison.Ordinal) || left.EndsWith("masked_bias", StringComparison.Ordinal)
            || (left == "lm_head.weight" && model.Spec.Head.Tied), left));
        // And the folder is understood as the same model again.
        DecoderModel again = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(back.Config, back.Tensors));
        Assert.Equal(model.Spec, again.Spec);
        // What is carried along has the same spelling, whatever the order of the folder's keys.
        Assert.Equal(gguf.Gguf!.FindString(DecantKeys.Config), GgufExport.Describe(again).Metadata.FindString(DecantKeys.Config));
    }

    private static bool IsRounded(DecoderModel model, string name) =>
        model.Spec.Layers[0].Projections == ProjectionKind.Ternary && name.EndsWith("_proj.weight", StringComparison.Ordinal);

    /// <summary>1 + w rounds w to the spacing of numbers near 1; what that loses travels along, unless the file is to be rounded anyway.</summary>
    [Theory]
    [InlineData("BF16", null)]
    [InlineData("F32", null)]
    [InlineData("BF16", "F32")]
    [InlineData("F16", "F16")]
    public void Norms_without_their_one_come_back_bit_for_bit(string stored, string? wanted)
    {
        using HuggingFaceModelSource source = Fixtures.Open("gemma3");
        TensorFormat format = TensorFormats.FindByName(stored)!;
        TensorData[] tensors = [.. source.Tensors.Select(tensor => Recoded(tensor, format))];
        var folder = MemoryModelSource.WithConfig(source.HuggingFace.Config, tensors);
        Model model = ArchitectureRegistry.Bind(folder);
        GgufDescription description = GgufExport.Describe(model);
        string[] keys = [.. description.Metadata.Entries.Select(entry => entry.Key).Where(key => key.StartsWith("decant.remainder.", StringComparison.Ordinal))];
        Assert.Contains("decant.remainder.model.norm.weight", keys);
        Assert.DoesNotContain(GgufExport.Describe(model, isExact: false).Metadata.Entries, entry => keys.Contains(entry.Key));

        TensorFormat? asked = wanted is null ? null : TensorFormats.FindByName(wanted);
        HuggingFaceDescription back = HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)), asked);
        foreach (TensorData tensor in back.Tensors)
        {
            TensorData original = tensors.Single(candidate => candidate.Info.Name == tensor.Info.Name);
            Assert.Equal(asked ?? format, tensor.Info.Format);
            Assert.Equal(Fixtures.Values(original), Fixtures.Values(tensor));
        }

        description.Metadata.Set(keys[0], GgufValue.From(new float[] { 1 }));
        BadFileException refused = Assert.Throws<BadFileException>(() =>
            HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors))));
        Assert.Contains(keys[0], refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Every third number of a norm is tiny, where 1 + w leaves nothing of it.</summary>
    private static MemoryTensor Recoded(TensorData tensor, TensorFormat format)
    {
        float[] values = Fixtures.Values(tensor);
        if (tensor.Info.Shape.Rank == 1)
        {
            for (int i = 0; i < values.Length; i += 3)
                values[i] = (i + 1) * 1e-7f;
        }
        byte[] bytes = new byte[values.Length * format.BlockByteCount];
        format.EncodeRow(values, default, bytes);
        return new MemoryTensor(new TensorInfo(tensor.Info.Name, tensor.Info.Shape, format), bytes);
    }

    /// <summary>A folder made of a folder: the same tensors bit for bit, the same config.</summary>
    [Theory]
    [MemberData(nameof(Fixtures.AllConfigs), MemberType = typeof(Fixtures))]
    public void A_folder_written_again_is_equal(string folder, string configName)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, configName);
        Model model = ArchitectureRegistry.Bind(source);
        HuggingFaceDescription again = HuggingFaceExport.Describe(model);
        Assert.True(ConfigCarriage.AreEqual(source.HuggingFace.Config, again.Config), again.Config.ToJsonString());
        Dictionary<string, TensorData> original = source.Tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);
        Assert.NotEmpty(again.Tensors);
        foreach (TensorData tensor in again.Tensors)
        {
            string name = tensor.Info.Name;
            TensorData stored = original.GetValueOrDefault(name) ?? original[name["transformer.".Length..]];
            Assert.Equal(stored.Info.Shape, tensor.Info.Shape);
            Assert.Equal(stored.Info.Format, tensor.Info.Format);
            Assert.True(Fixtures.Bytes(stored).SequenceEqual(Fixtures.Bytes(tensor)), name);
        }
        Assert.Equal(model.Tensors.Count, ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(again.Config, again.Tensors)).Tensors.Count);
    }

    /// <summary>What a file of ours says of dense blocks in the form of mixtures is not believed blindly.</summary>
    [Theory]
    [InlineData("decant.dense_layers", "[true]")]
    [InlineData("decant.expert_shared_used_lengths", "[24,24]")]
    [InlineData("decant.expert_shared_used_lengths", "[24,0,24]")]
    [InlineData("decant.expert_shared_used_lengths", "[24,29,24]")]
    public void Keys_of_dense_blocks_must_fit_the_model(string key, string value)
    {
        using HuggingFaceModelSource source = Fixtures.Open("qwen2_moe");
        GgufDescription description = GgufExport.Describe(ArchitectureRegistry.Bind(source));
        JsonArray values = JsonNode.Parse(value)!.AsArray();
        description.Metadata.Set(key, key == "decant.dense_layers" ? GgufValue.From(values.Select(v => (bool)v!).ToArray()) : GgufValue.From(values.Select(v => (uint)v!).ToArray()));
        BadFileException refused = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)));
        Assert.Contains(key, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A notice is for what llama.cpp does otherwise, and there is one wherever the table of comparisons says that it does.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public void Conversion_warns_of_what_llama_cpp_does_otherwise_and_of_nothing_else(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        Model model = ArchitectureRegistry.Bind(source);
        IEnumerable<string> notices = GgufExport.Describe(model).Notices.Where(notice => notice.Contains("llama.cpp", StringComparison.Ordinal));
        // The form of longrope is said whatever the length of the text, that of GELU though it stays within the tolerance, that of groups whatever the biases.
        bool isGelu = model is DecoderModel { Spec.Layers: [{ FeedForward.Activation: Activation.GeluErf }, ..] };
        bool hasGroups = model is DecoderModel { Spec.Layers: [.., { FeedForward.Experts.Groups: not null }] };
        bool expected = isGelu || hasGroups || folder.StartsWith("phi3-longrope", StringComparison.Ordinal) || PeerCase.All.Single(peer => peer.Folder == folder).Ignored is not null;
        Assert.Equal(expected, notices.Any());
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Vectors_routers_and_positions_are_F32_and_matrices_as_asked(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        TensorFormat half = TensorFormats.FindByName("F16")!;
        foreach (TensorFormat? asked in (TensorFormat?[])[null, TensorFormats.F32, half])
        {
            GgufDescription description = GgufExport.Describe(model, asked);
            TensorFormat own = source.Tensors.First(t => t.Info.Shape.Rank == 2 && t.Info.Format is not I64Format).Info.Format;
            foreach (TensorData tensor in description.Tensors)
            {
                bool plain = tensor.Info.Shape.Rank == 1 || tensor.Info.Name.Contains("ffn_gate_inp", StringComparison.Ordinal)
                    || tensor.Info.Name.Contains("position_embd", StringComparison.Ordinal) || tensor.Info.Name.Contains("_norm", StringComparison.Ordinal);
                Assert.Equal(plain ? TensorFormats.F32 : asked ?? own, tensor.Info.Format);
            }
            Assert.Equal("none", description.Metadata.FindString("tokenizer.ggml.model"));
        }
    }

    /// <summary>llama.cpp's converter reshapes [heads, 2, half] and swaps the middle axes; done here on whole arrays.</summary>
    [Theory]
    [InlineData("llama")]
    [InlineData("llama-tied")]
    [InlineData("mistral")]
    [InlineData("mixtral")]
    public void Query_and_key_rows_and_biases_are_permuted_as_llama_cpp_does(string folder)
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        Dictionary<string, TensorData> written = GgufExport.Describe(model).Tensors.ToDictionary(t => t.Info.Name);
        AttentionSpec attention = model.Spec.Layers[1].Attention;
        int visited = 0;
        foreach ((string gguf, string name, int heads) in (ReadOnlySpan<(string, string, int)>)
            [("attn_q", "q_proj", attention.HeadCount), ("attn_k", "k_proj", attention.KeyValueHeadCount)])
        {
            foreach (string part in (ReadOnlySpan<string>)["weight", "bias"])
            {
                if (source.FindTensor($"model.layers.1.self_attn.{name}.{part}") is not { } stored)
                    continue;
                float[] values = Fixtures.Values(stored), expected = new float[values.Length];
                int columns = part == "bias" ? 1 : (int)stored.Info.Shape.RowLength, half = attention.HeadSize / 2;
                for (int head = 0; head < heads; head++)
                {
                    for (int i = 0; i < half; i++)
                    {
                        for (int side = 0; side < 2; side++)
                            values.AsSpan((head * 2 * half + side * half + i) * columns, columns).CopyTo(expected.AsSpan((head * 2 * half + i * 2 + side) * columns));
                    }
                }
                Assert.Equal(expected, Fixtures.Values(written[$"blk.1.{gguf}.{part}"]));
                visited++;
            }
        }
        Assert.Equal(folder == "llama-tied" ? 4 : 2, visited);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_file_without_keys_of_our_own_is_still_understood(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        GgufDescription description = GgufExport.Describe(model);
        GgufMetadata foreign = description.Metadata.Copy();
        foreach ((string key, _) in description.Metadata.Entries.Where(e => e.Key.StartsWith("decant.", StringComparison.Ordinal)))
            foreign.Remove(key);
        if (folder == "llama-yarn")
        {
            // Its bounds are not the default ones; only the factor on cosines tells a foreign reader that this is no plain set of divisors.
            Assert.Contains("attn_factor", Assert.Throws<NotSupportedModelException>(
                () => ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(foreign, description.Tensors))).Message, StringComparison.Ordinal);
            return;
        }
        DecoderModel read = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(foreign, description.Tensors));
        Assert.Equal(model.Spec.Layers.Length, read.Spec.Layers.Length);
        Assert.Equal(model.ArchitectureName, read.ArchitectureName);
        if (model.Spec.Layers[0].Attention.Rope is { Scaling: RopeScaling.Llama3 })
        {
            Assert.IsType<RopeScaling.FrequencyDivisors>(read.Spec.Layers[0].Attention.Rope!.Scaling);
        }
        HuggingFaceDescription back = HuggingFaceExport.Describe(read);
        DecoderModel again = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(back.Config, back.Tensors));
        if (model.Spec.FirstRope is { Scaling: RopeScaling.Llama3 } rope)
            Assert.All(RotaryDivisors.Of(rope).Zip(RotaryDivisors.Of(again.Spec.FirstRope!)), pair => Assert.Equal(pair.First, pair.Second, 1e-5f * pair.First));
    }

    [Fact]
    public void What_llama_cpp_will_do_otherwise_is_a_notice()
    {
        SharedFiles.RequireWholeSet();
        Assert.Contains(Notices("llama-dynamic"), n => n.Contains("dynamic NTK", StringComparison.Ordinal) && n.Contains("16", StringComparison.Ordinal));
        Assert.Contains(Notices("mistral"), n => n.Contains("sliding window", StringComparison.Ordinal) && n.Contains('9', StringComparison.Ordinal));
        Assert.Contains(Notices("phi3"), n => n.Contains("sliding window", StringComparison.Ordinal));
        Assert.Contains(Notices("phi3-longrope"), n => n.Contains("longrope", StringComparison.Ordinal));
        Assert.Contains(Notices("gemma2"), n => n.Contains("attention scores", StringComparison.Ordinal));
        Assert.All((string[])["llama", "llama-yarn", "llama-linear", "qwen3"], folder =>
            Assert.Contains("no tokenizer", Assert.Single(Notices(folder)), StringComparison.Ordinal));

        static IReadOnlyList<string> Notices(string folder)
        {
            using HuggingFaceModelSource source = Fixtures.Open(folder);
            return GgufExport.Describe(ArchitectureRegistry.BindDecoder(source)).Notices;
        }
    }

    [Fact]
    public void A_model_that_GGUF_cannot_hold_is_refused()
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource source = Fixtures.Open("gpt2");
        JsonObject config = Fixtures.Config("gpt2");
        config["scale_attn_by_inverse_layer_idx"] = true;
        DecoderModel scaled = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, source.Tensors));
        Assert.Contains("block 1: attention: Scale = ", Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(scaled)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_that_half_precision_cannot_hold_names_the_tensor()
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource source = Fixtures.Open("llama");
        TensorData[] tensors = [.. source.Tensors.Select(t => t.Info.Name == "lm_head.weight" ? Huge(t) : t)];
        GgufDescription description = GgufExport.Describe(
            ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(Fixtures.Config("llama"), tensors)), TensorFormats.FindByName("F16"));
        NumericalException error = Assert.Throws<NumericalException>(() => Fixtures.Bytes(description.Tensors.Single(t => t.Info.Name == "output.weight")));
        Assert.Contains("output.weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("row 3", error.Message, StringComparison.Ordinal);

        static MemoryTensor Huge(TensorData tensor)
        {
            float[] values = Fixtures.Values(tensor);
            values[3 * tensor.Info.Shape.RowLength + 5] = 1e6f;
            return MemoryTensor.FromValues(tensor.Info.Name, tensor.Info.Shape, values);
        }
    }

    [Theory]
    [InlineData("config.json", "dtype")]
    [InlineData("config.legacy.json", "torch_dtype")]
    public void A_folder_written_in_another_type_says_so_in_the_spelling_it_had(string configName, string key)
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource source = Fixtures.Open("llama-tied", configName);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        HuggingFaceDescription half = HuggingFaceExport.Describe(model, TensorFormats.FindByName("BF16"));
        Assert.Equal("bfloat16", (string?)half.Config[key]);
        Assert.Equal(source.HuggingFace.Config.Count, half.Config.Count);
        Assert.All(half.Tensors, t => Assert.Equal("BF16", t.Info.Format.Name));
        Assert.Equal("float32", (string?)source.HuggingFace.Config[key]);
        HuggingFaceDescription same = HuggingFaceExport.Describe(model);
        Assert.True(ConfigCarriage.AreEqual(source.HuggingFace.Config, same.Config));
        Assert.All(same.Tensors, t => Assert.Equal(Fixtures.Bytes(source.FindTensor(t.Info.Name)!), Fixtures.Bytes(t)));
        Assert.Equal(source.Tensors.Count, same.Tensors.Count);
    }

    [Fact]
    public void A_GGUF_model_described_as_GGUF_keeps_its_keys_and_names()
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource source = Fixtures.Open("llama");
        GgufDescription first = GgufExport.Describe(ArchitectureRegistry.BindDecoder(source));
        first.Metadata.Set("mine.own", GgufValue.From(5));
        DecoderModel gguf = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(first.Metadata, first.Tensors));
        GgufDescription again = GgufExport.Describe(gguf);
        Assert.Equal(first.Metadata.Entries, again.Metadata.Entries);
        Assert.Equal(first.Tensors, again.Tensors);
        GgufDescription half = GgufExport.Describe(gguf, TensorFormats.FindByName("F16"));
        Assert.Equal(first.Tensors.Select(t => t.Info.Name), half.Tensors.Select(t => t.Info.Name));
        Assert.All(half.Tensors, t => Assert.Equal(t.Info.Shape.Rank == 1 ? "F32" : "F16", t.Info.Format.Name));
    }

    /// <summary>
    /// YaRN with its default bounds goes into llama.cpp's keys; with others, into divisors and a factor, which a fixture checks. The two
    /// ways say the same thing: a factor moved by one part in 10⁹ takes the second way and changes nothing else.
    /// </summary>
    [Fact]
    public void YaRN_as_keys_and_YaRN_as_divisors_give_the_peer_the_same_logits()
    {
        SharedFiles.Require("fixtures", "architectures");
        Peer.RequireProgram();
        using HuggingFaceModelSource source = Fixtures.Open("llama-yarn");
        var results = new List<float[]>();
        foreach (double change in (double[])[1, 1 + 1e-9])
        {
            JsonObject config = Fixtures.Config("llama-yarn");
            JsonNode rope = config["rope_parameters"]!;
            rope["beta_fast"] = 32;
            rope["attention_factor"] = (0.1 * Math.Log(4) + 1) * change;
            GgufDescription description = GgufExport.Describe(ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, source.Tensors)), TensorFormats.F32);
            Assert.Equal(change == 1, description.Tensors.All(t => t.Info.Name != "rope_freqs.weight"));
            using var files = new TemporaryFolder();
            results.Add(Peer.Logits(files, ConvertedFile.Write(files, description), Enumerable.Range(5, 60).Select(i => (long)i)));
        }
        Assert.Equal(60 * 131, results[0].Length);
        for (int i = 0; i < results[0].Length; i++)
            Assert.Equal(results[0][i], results[1][i], 1e-4f);
    }

    /// <summary>What llama.cpp's own converter writes for longrope: two tensors and a factor, but no type.</summary>
    [Fact]
    public void Longrope_without_a_scaling_type_is_understood_from_its_tensors()
    {
        using HuggingFaceModelSource source = Fixtures.Open("phi3-longrope");
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        GgufDescription description = GgufExport.Describe(model);
        description.Metadata.Remove("phi3.rope.scaling.type");
        DecoderModel read = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors));
        var expected = (RopeScaling.LongRope)model.Spec.FirstRope!.Scaling;
        var got = Assert.IsType<RopeScaling.LongRope>(read.Spec.FirstRope!.Scaling);
        Assert.Equal(expected.ShortFactors, got.ShortFactors);
        Assert.Equal(expected.AttentionFactor, got.AttentionFactor, 1e-6);
    }
}
