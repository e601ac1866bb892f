using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>Encoders and encoder–decoders: names, keys, GGUF and back.</summary>
public sealed class EncoderConversionTests
{
    public static TheoryData<string, string> AllConfigs => [.. EncoderFolders().SelectMany(folder => Fixtures.Configs(folder).Select(config => (folder, config)))];

    public static TheoryData<string, string> GgufConfigs => [.. EncoderFolders().Where(IsInGguf).SelectMany(folder => Fixtures.Configs(folder).Select(config => (folder, config)))];

    public static TheoryData<string> GgufFolders => [.. EncoderFolders().Where(IsInGguf)];

    /// <summary>Without encoder–decoders, which the driver of llama.cpp does not run: it decodes without encoding.</summary>
    public static TheoryData<string> GgufFoldersOfEncoders => [.. EncoderFolders().Where(folder => IsInGguf(folder) && Fixtures.FamilyOf(folder) is EncoderArchitecture)];

    [Fact]
    public void Every_encoder_is_visited()
    {
        SharedFiles.RequireWholeSet();
        Assert.True(EncoderFolders().Count() >= 10);
        Assert.True(EncoderFolders().Count(IsInGguf) >= 9);
    }

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
        Assert.Equal(new TensorId(TensorRole.TokenEmbedding), expected[0].Id);
        using HuggingFaceModelSource other = Fixtures.Open(folder);
        Assert.Equal(ArchitectureRegistry.Bind(other).Spec, model.Spec);
    }

    /// <summary>Through a real file and back: every tensor that GGUF holds bit for bit, every config value equal.</summary>
    [Theory]
    [MemberData(nameof(GgufConfigs))]
    public void Through_GGUF_and_back_everything_that_it_holds_is_equal(string folder, string config)
    {
        using var files = new TemporaryFolder();
        using HuggingFaceModelSource source = Fixtures.Open(folder, config);
        Model model = ArchitectureRegistry.Bind(source);
        GgufDescription description = GgufExport.Describe(model);
        string path = ConvertedFile.Write(files, description);

        using IModelSource gguf = ModelSources.Open(path);
        Model middle = ArchitectureRegistry.Bind(gguf);
        Assert.Equal(model.ArchitectureName, middle.ArchitectureName);
        Assert.Empty(middle.Notices);
        HuggingFaceDescription back = HuggingFaceExport.Describe(middle);
        Assert.True(ConfigCarriage.AreEqual(source.HuggingFace.Config, back.Config), back.Config.ToJsonString());

        Dictionary<string, TensorData> original = source.Tensors.ToDictionary(t => Modern(t.Info.Name), StringComparer.Ordinal);
        foreach (TensorData tensor in back.Tensors)
        {
            Assert.True(original.Remove(tensor.Info.Name, out TensorData? stored), tensor.Info.Name);
            Assert.Equal(stored.Info.Shape, tensor.Info.Shape);
            Assert.Equal(stored.Info.Format, tensor.Info.Format);
            Assert.True(Fixtures.Bytes(stored).SequenceEqual(Fixtures.Bytes(tensor)), tensor.Info.Name);
            Assert.Equal(Fixtures.Bytes(tensor), Fixtures.BytesRowByRow(tensor));
        }
        string[] heads = ["cls.", "lm_head.", "vocab_", "head.", "decoder.bias", "bert.pooler", "bert.embeddings.position_ids"];
        Assert.All(original.Keys, left => Assert.True(heads.Any(head => left.StartsWith(head, StringComparison.Ordinal)), left));
        bool hasHead = original.Keys.Any(left => left.Contains("transform", StringComparison.Ordinal) || left.Contains("head.dense", StringComparison.Ordinal));
        Assert.Equal(hasHead, description.Notices.Any(notice => notice.Contains("masked language modelling", StringComparison.Ordinal)));
        Model again = ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(back.Config, back.Tensors));
        Assert.Null(ArchitectureRegistry.FindByName(model.ArchitectureName)!.DifferenceOf(model.Spec, again.Spec));
    }

    [Theory]
    [InlineData("bert", "bert", "token_embd,position_embd,token_types,token_embd_norm", "attn_q,attn_k,attn_v,attn_output,attn_output_norm,ffn_up,ffn_down,layer_output_norm", true, "")]
    [InlineData("bert-classify", "bert", "token_embd,position_embd,token_types,token_embd_norm,cls,cls.output", "attn_q,attn_k,attn_v,attn_output,attn_output_norm,ffn_up,ffn_down,layer_output_norm", true, "")]
    [InlineData("roberta", "bert", "token_embd,position_embd,token_types,token_embd_norm", "attn_q,attn_k,attn_v,attn_output,attn_output_norm,ffn_up,ffn_down,layer_output_norm", true, "")]
    [InlineData("distilbert", "bert", "token_embd,position_embd,token_embd_norm", "attn_q,attn_k,attn_v,attn_output,attn_output_norm,ffn_up,ffn_down,layer_output_norm", true, "")]
    [InlineData("modernbert", "modern-bert", "token_embd,token_embd_norm,output_norm", "attn_norm,attn_qkv,attn_output,ffn_norm,ffn_up,ffn_down", false, "blk.0.attn_norm.weight")]
    public void Tensors_have_the_names_that_llama_cpp_asks_for(string folder, string architecture, string modules, string block, bool biases, string without)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        Model model = ArchitectureRegistry.Bind(source);
        GgufDescription description = GgufExport.Describe(model);
        Assert.Equal(architecture, description.Metadata.GetString("general.architecture"));
        var expected = new List<string>();
        foreach (string module in modules.Split(',').Concat(Enumerable.Range(0, model.Spec.LayerCountOf(StackKind.Main)).SelectMany(layer => block.Split(',').Select(name => $"blk.{layer}.{name}"))))
        {
            expected.Add(module + ".weight");
            if (biases && module is not ("token_embd" or "position_embd" or "token_types"))
                expected.Add(module + ".bias");
        }
        expected.Remove(without);
        Assert.Equal(expected.Order(StringComparer.Ordinal), description.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("t5", "ffn_up,ffn_down")]
    [InlineData("t5-v1_1", "ffn_gate,ffn_up,ffn_down")]
    public void Both_stacks_of_T5_have_the_names_that_llama_cpp_asks_for(string folder, string feedForward)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        GgufDescription description = GgufExport.Describe(ArchitectureRegistry.Bind(source));
        string[] self = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_o", "ffn_norm", .. feedForward.Split(',')];
        string[] cross = ["cross_attn_norm", "cross_attn_q", "cross_attn_k", "cross_attn_v", "cross_attn_o"];
        string[] expected =
        [
            "token_embd", "enc.output_norm", "dec.output_norm", "enc.blk.0.attn_rel_b", "dec.blk.0.attn_rel_b",
            .. Enumerable.Range(0, 2).SelectMany(layer => self.Select(name => $"enc.blk.{layer}.{name}")),
            .. Enumerable.Range(0, 3).SelectMany(layer => self.Concat(cross).Select(name => $"dec.blk.{layer}.{name}")),
        ];
        Assert.Equal(expected.Select(name => name + ".weight").Order(StringComparer.Ordinal), description.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal));
        GgufMetadata metadata = description.Metadata;
        Assert.Equal(
            (2, 3, 3, 10, 10, 12, 0, 44, 512),
            (metadata.GetInteger("t5.block_count"), metadata.GetInteger("t5.decoder_block_count"), metadata.GetInteger("t5.attention.head_count"), metadata.GetInteger("t5.attention.key_length"),
                metadata.GetInteger("t5.attention.value_length"), metadata.GetInteger("t5.attention.relative_buckets_count"), metadata.GetInteger("t5.decoder_start_token_id"),
                metadata.GetInteger("t5.feed_forward_length"), metadata.GetInteger("t5.context_length")));
        Assert.Equal(0.002f, (float)metadata.GetNumber("t5.attention.layer_norm_rms_epsilon"));
        Assert.Equal(0.002f, (float)metadata.GetNumber("t5.attention.layer_norm_epsilon"));
        Assert.Contains(description.Notices, notice => notice.Contains("20", StringComparison.Ordinal) && notice.Contains("last bucket", StringComparison.Ordinal));
        Assert.Contains(description.Notices, notice => notice.Contains("more blocks (3) than the encoder (2)", StringComparison.Ordinal));
        Assert.Equal(folder == "t5", description.Notices.Any(notice => notice.Contains("does not multiply the logits", StringComparison.Ordinal)));
    }

    [Fact]
    public void Keys_of_encoders_are_those_that_llama_cpp_reads()
    {
        using HuggingFaceModelSource source = Fixtures.Open("roberta");
        GgufMetadata metadata = GgufExport.Describe(ArchitectureRegistry.Bind(source)).Metadata;
        // Two of the 64 rows of positions lie in front of the first position.
        Assert.Equal(62, metadata.GetInteger("bert.context_length"));
        Assert.Equal((40, 2, 72, 5), (metadata.GetInteger("bert.embedding_length"), metadata.GetInteger("bert.block_count"), metadata.GetInteger("bert.feed_forward_length"), metadata.GetInteger("bert.attention.head_count")));
        Assert.False(metadata.FindBool("bert.attention.causal"));
        Assert.Equal(0.002f, (float)metadata.GetNumber("bert.attention.layer_norm_epsilon"));
        Assert.Equal(1, metadata.GetInteger("tokenizer.ggml.token_type_count"));
        Assert.Equal(80, metadata.FindSingles("decant.position.rows")!.Length);

        using HuggingFaceModelSource modern = Fixtures.Open("modernbert");
        metadata = GgufExport.Describe(ArchitectureRegistry.Bind(modern)).Metadata;
        Assert.Equal((8, 3), (metadata.GetInteger("modern-bert.attention.sliding_window"), metadata.GetInteger("modern-bert.attention.sliding_window_pattern")));
        Assert.Equal((16000f, 100f), ((float)metadata.GetNumber("modern-bert.rope.freq_base"), (float)metadata.GetNumber("modern-bert.rope.freq_base_swa")));

        using HuggingFaceModelSource classifier = Fixtures.Open("bert-classify");
        metadata = GgufExport.Describe(ArchitectureRegistry.Bind(classifier)).Metadata;
        Assert.Equal(["LABEL_0", "LABEL_1", "LABEL_2"], metadata.FindStrings("bert.classifier.output_labels")!);
    }

    /// <summary>Its loader asks for every tensor by name and shape and refuses a file with others.</summary>
    [Theory]
    [MemberData(nameof(GgufFoldersOfEncoders))]
    public void Llama_cpp_loads_the_file(string folder)
    {
        Peer.RequireProgram();
        using var files = new TemporaryFolder();
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        string path = ConvertedFile.Write(files, GgufExport.Describe(ArchitectureRegistry.Bind(source)));
        Assert.NotEmpty(Peer.Logits(files, path, [5, 6, 7]));
    }

    /// <summary>A file by another program: the family is told by its tokenizer and tensors.</summary>
    [Theory]
    [InlineData("bert", "bert", "bert")]
    [InlineData("distilbert", "bert", "distilbert")]
    [InlineData("roberta", "gpt2", "roberta")]
    [InlineData("xlm-roberta", "t5", "xlm-roberta")]
    [InlineData("modernbert", "gpt2", "modernbert")]
    [InlineData("t5", "t5", "t5")]
    [InlineData("t5-v1_1", "t5", "t5")]
    public void A_file_without_keys_of_our_own_is_still_understood(string folder, string tokenizer, string family)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        Model model = ArchitectureRegistry.Bind(source);
        GgufDescription description = GgufExport.Describe(model);
        GgufMetadata foreign = description.Metadata.Copy();
        foreach ((string key, _) in description.Metadata.Entries.Where(e => e.Key.StartsWith("decant.", StringComparison.Ordinal)))
            foreign.Remove(key);
        foreign.Set("tokenizer.ggml.model", GgufValue.From(tokenizer));
        Model read = ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(foreign, description.Tensors));
        Assert.Equal(family, read.ArchitectureName);
        Assert.Equal(model.Spec.LayerCountOf(StackKind.Main), read.Spec.LayerCountOf(StackKind.Main));
        HuggingFaceDescription back = HuggingFaceExport.Describe(read);
        Model again = ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(back.Config, back.Tensors));
        Assert.Null(ArchitectureRegistry.FindByName(family)!.DifferenceOf(ArchitectureRegistry.FindByName(family)!.AsHuggingFace(read.Spec), again.Spec));
        if (family is "roberta" or "xlm-roberta")
            Assert.Equal(new TensorShape(64, 40), again.Tensors[new TensorId(TensorRole.PositionEmbedding)].Info.Shape);
    }

    [Theory]
    [MemberData(nameof(GgufFolders))]
    public void Vectors_and_tables_are_F32_and_matrices_as_asked(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        TensorFormat half = TensorFormats.FindByName("F16")!;
        foreach (TensorData tensor in GgufExport.Describe(ArchitectureRegistry.Bind(source), half).Tensors)
        {
            bool plain = tensor.Info.Shape.Rank == 1 || ((string[])["position_embd", "token_types", "attn_rel_b"]).Any(name => tensor.Info.Name.Contains(name, StringComparison.Ordinal));
            Assert.Equal(plain ? TensorFormats.F32 : half, tensor.Info.Format);
        }
    }

    /// <summary>Model types that are another family's under another name.</summary>
    [Theory]
    [InlineData("roberta", "camembert")]
    [InlineData("t5-v1_1", "mt5")]
    public void Another_name_of_a_family_gives_the_same_model(string folder, string type)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        config["model_type"] = type;
        Model model = ArchitectureRegistry.Bind(source), other = ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors));
        Assert.Equal((model.ArchitectureName, model.Spec), (other.ArchitectureName, other.Spec));
        Assert.Equal(model.Tensors.Keys.ToHashSet(), other.Tensors.Keys.ToHashSet());
    }

    [Fact]
    public void Shared_blocks_have_no_place_in_GGUF()
    {
        using HuggingFaceModelSource source = Fixtures.Open("albert");
        Model model = ArchitectureRegistry.Bind(source);
        Assert.Contains("GGUF has no architecture for albert models", Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(model)).Message, StringComparison.Ordinal);
        Assert.Equal([0, 0, 1, 1], ((EncoderModel)model).Spec.Steps);
        HuggingFaceDescription folder = HuggingFaceExport.Describe(model);
        Assert.Equal(source.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal), folder.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Old_names_and_unused_heads_are_left_out_with_a_notice()
    {
        using HuggingFaceModelSource source = Fixtures.Open("bert-oddities");
        Model model = ArchitectureRegistry.Bind(source);
        Assert.Contains(model.Notices, notice => notice.Contains("cls.seq_relationship.weight", StringComparison.Ordinal) && notice.Contains("pre-training", StringComparison.Ordinal));
        Assert.Contains(model.Notices, notice => notice.Contains("position_ids", StringComparison.Ordinal));
        HuggingFaceDescription folder = HuggingFaceExport.Describe(model);
        Assert.Contains(folder.Tensors, tensor => tensor.Info.Name == "bert.embeddings.LayerNorm.weight");
        Assert.DoesNotContain(folder.Tensors, tensor => tensor.Info.Name.EndsWith("gamma", StringComparison.Ordinal));
    }

    /// <summary>What checkpoints of the hub store beside what the fixtures do: tied matrices and biases twice, no prefix, no head, several embeddings.</summary>
    [Fact]
    public void Other_spellings_of_the_same_model_are_read()
    {
        using HuggingFaceModelSource bert = Fixtures.Open("bert");
        TensorData embedding = bert.FindTensor("bert.embeddings.word_embeddings.weight")!, bias = bert.FindTensor("cls.predictions.bias")!;
        Model twice = ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(
            bert.HuggingFace.Config,
            [.. bert.Tensors, Named(embedding, "cls.predictions.decoder.weight"), Named(bias, "cls.predictions.decoder.bias")]));
        Assert.Equal(2, twice.Notices.Count);
        Assert.Contains(twice.Notices, notice => notice.Contains("cls.predictions.decoder.bias", StringComparison.Ordinal));

        TensorData[] bare = [.. bert.Tensors.Where(t => t.Info.Name.StartsWith("bert.", StringComparison.Ordinal)).Select(t => Named(t, t.Info.Name["bert.".Length..]))];
        var headless = (EncoderModel)ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(bert.HuggingFace.Config, bare));
        Assert.Null(headless.Spec.TokenHead);
        Assert.Null(headless.Spec.Pooler);
        Assert.Empty(headless.Notices);

        using HuggingFaceModelSource t5 = Fixtures.Open("t5-v1_1");
        TensorData shared = t5.FindTensor("shared.weight")!;
        Model several = ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(
            t5.HuggingFace.Config, [.. t5.Tensors, Named(shared, "encoder.embed_tokens.weight"), Named(shared, "decoder.embed_tokens.weight")]));
        Assert.Contains("encoder.embed_tokens.weight", Assert.Single(several.Notices), StringComparison.Ordinal);
        // As v1.1 is published: a head of its own, with either spelling of the config.
        TensorData head = MemoryTensor.FromValues("lm_head.weight", shared.Info.Shape, [.. Fixtures.Values(shared).Select(value => -value)]);
        JsonObject published = (JsonObject)t5.HuggingFace.Config.DeepClone();
        published["tie_word_embeddings"] = false;
        published.Remove("scale_decoder_outputs");
        foreach (JsonObject config in (JsonObject[])[t5.HuggingFace.Config, published])
        {
            var untied = (EncoderDecoderModel)ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, [.. t5.Tensors, head]));
            Assert.Equal(new HeadSpec { Tied = false }, untied.Spec.Decoder.Head);
            Model gguf = ReadAgain(GgufExport.Describe(untied));
            Assert.Equal(untied.Spec, gguf.Spec);
        }
    }

    private static IEnumerable<string> EncoderFolders() => Fixtures.AllFolders.Where(folder => Fixtures.FamilyOf(folder)!.Kind.Contains("encoder", StringComparison.Ordinal));

    private static bool IsInGguf(string folder) => Fixtures.FamilyOf(folder)!.GgufName is not null;

    private static string Modern(string name) => name.Replace(".gamma", ".weight", StringComparison.Ordinal).Replace(".beta", ".bias", StringComparison.Ordinal);

    private static MemoryTensor Named(TensorData tensor, string name) => new(new TensorInfo(name, tensor.Info.Shape, tensor.Info.Format), Fixtures.Bytes(tensor));

    private static Model ReadAgain(GgufDescription description) => ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors));
}
