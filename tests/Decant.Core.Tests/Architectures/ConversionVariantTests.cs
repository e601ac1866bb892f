using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>Configs unlike those of the reference checkpoints, with random weights: what they mean, what comes back from GGUF, and what conversion says of llama.cpp.</summary>
public sealed class ConversionVariantTests
{
    private const string Refused = "llama.cpp does not load this model";

    [Theory]
    [InlineData("deepseek_v3", """{ "rope_interleave": false }""")]
    [InlineData("deepseek_v3", """{ "first_k_dense_replace": 2 }""")]
    [InlineData("deepseek_v3", """{ "norm_topk_prob": false, "n_group": 1, "topk_group": 1 }""")]
    // Without mscale_all_dim scores have no factor, and llama.cpp's has to be undone.
    [InlineData("deepseek_v3", """{ "rope_parameters": { "rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 16 } }""")]
    [InlineData("deepseek_v2", """{ "rope_parameters": { "rope_type": "yarn", "rope_theta": 100.0, "factor": 1.7, "original_max_position_embeddings": 40, "attention_factor": 1.2 } }""")]
    [InlineData("qwen2_moe", """{ "norm_topk_prob": true }""")]
    [InlineData("qwen3_moe", """{ "norm_topk_prob": false }""")]
    [InlineData("gemma2", """{ "layer_types": [ "sliding_attention", "sliding_attention", "sliding_attention" ] }""")]
    [InlineData("gemma2", """{ "layer_types": [ "full_attention", "full_attention", "full_attention" ] }""")]
    [InlineData("gemma3", """{ "layer_types": [ "full_attention", "full_attention", "full_attention" ] }""")]
    [InlineData("gemma3", """{ "attn_logit_softcapping": 5.0 }""")]
    [InlineData("gemma3", """{ "rope_parameters": { "full_attention": { "rope_type": "yarn", "rope_theta": 5000.0, "factor": 4.0, "original_max_position_embeddings": 16, "attention_factor": 0.9 }, "sliding_attention": { "rope_type": "default", "rope_theta": 100.0 } } }""")]
    [InlineData("llama", """{ "rope_parameters": { "rope_type": "linear", "rope_theta": 5000.0, "factor": 1.0 } }""")]
    [InlineData("llama", """{ "hidden_act": "gelu_new" }""")]
    [InlineData("mistral", """{ "hidden_act": "relu" }""")]
    [InlineData("mixtral", """{ "hidden_act": "gelu" }""")]
    [InlineData("qwen2", """{ "hidden_act": "relu2" }""")]
    [InlineData("qwen3", """{ "hidden_act": "tanh", "attention_bias": true }""")]
    [InlineData("phi3", """{ "hidden_act": "sigmoid", "head_dim": 10 }""")]
    [InlineData("gpt_neox", """{ "tie_word_embeddings": true, "attention_bias": false }""")]
    [InlineData("smollm3", """{ "attention_bias": true, "mlp_bias": true }""")]
    public void What_a_config_says_comes_back_through_GGUF(string folder, string changes)
    {
        DecoderModel model = Make(folder, changes);
        GgufDescription description = GgufExport.Describe(model);
        DecoderModel middle = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors));
        AssertEqual(model, HuggingFaceExport.Describe(middle));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_folder_made_of_a_folder_keeps_its_rotated_halves(bool interleaved)
    {
        DecoderModel model = Make("deepseek_v3", $$"""{ "rope_interleave": {{(interleaved ? "true" : "false")}} }""");
        Assert.Equal(interleaved ? RopePairing.Interleaved : RopePairing.Half, model.Spec.FirstRope!.Pairing);
        AssertEqual(model, HuggingFaceExport.Describe(model));
    }

    /// <summary>transformers' Gemma 3 reads the key of Gemma 2, and passes no cap on to attention.</summary>
    [Fact]
    public void Gemma_3_caps_no_scores() =>
        Assert.All(Make("gemma3", """{ "attn_logit_softcapping": 5.0 }""").Spec.Layers, layer => Assert.Null(layer.Attention.SoftCap));

    [Fact]
    public void A_linear_scaling_by_one_is_none() =>
        Assert.Equal(RopeScaling.None, Make("llama", """{ "rope_parameters": { "rope_type": "linear", "rope_theta": 5000.0, "factor": 1 } }""").Spec.FirstRope!.Scaling);

    [Theory]
    [InlineData("cohere", """{ "tie_word_embeddings": false }""", "a head of its own")]
    [InlineData("cohere", """{ "attention_bias": true }""", "a bias of the attention's output")]
    [InlineData("gemma", """{ "tie_word_embeddings": false }""", "a head of its own")]
    [InlineData("gemma2", """{ "tie_word_embeddings": false }""", "a head of its own")]
    [InlineData("gemma2", """{ "layer_types": [ "full_attention", "full_attention", "full_attention" ] }""", "a sliding window")]
    [InlineData("gpt_neox", """{ "tie_word_embeddings": true }""", "a head that is the embedding")]
    [InlineData("gpt_neox", """{ "attention_bias": false }""", "biases of queries, keys and values")]
    [InlineData("falcon", """{ "bias": true }""", "biases of the feed-forward")]
    [InlineData("olmo2", """{ "tie_word_embeddings": true }""", "a head that is the embedding")]
    [InlineData("phi", """{ "tie_word_embeddings": true }""", "a head that is the embedding")]
    [InlineData("stablelm", """{ "tie_word_embeddings": true }""", "a head that is the embedding")]
    [InlineData("qwen2_moe", """{ "tie_word_embeddings": true }""", "a head that is the embedding")]
    [InlineData("qwen2", """{ "head_dim": 10 }""", "7 heads of 10 for a hidden size of 42")]
    [InlineData("olmo2", """{ "head_dim": 10 }""", "6 heads of 10 for a hidden size of 48")]
    [InlineData("phi3", """{ "head_dim": 10 }""", "6 heads of 10 for a hidden size of 48")]
    [InlineData("qwen3", """{ "attention_bias": true }""", "a bias of the attention's output")]
    [InlineData("qwen3_moe", """{ "attention_bias": true }""", "a bias of the attention's output")]
    [InlineData("smollm3", """{ "mlp_bias": true }""", "biases of the feed-forward")]
    public void What_the_peer_does_not_load_is_said_and_true(string folder, string changes, string reason)
    {
        GgufDescription description = GgufExport.Describe(Make(folder, changes));
        Assert.Contains(description.Notices, notice => notice.StartsWith(Refused, StringComparison.Ordinal) && notice.Contains(reason, StringComparison.Ordinal));
        Assert.DoesNotContain(GgufExport.Describe(Make(folder, "{}")).Notices, notice => notice.StartsWith(Refused, StringComparison.Ordinal));
        Peer.RequireProgram();
        using var files = new TemporaryFolder();
        string path = ConvertedFile.Write(files, description);
        Assert.Contains("failed", Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Peer.Logits(files, path, [1, 2, 3])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "beta_fast": 16.0, "beta_slow": 4.0 }""", true)]
    [InlineData("""{ "truncate": false }""", true)]
    [InlineData("""{ "attention_factor": 1.3 }""", false)]
    // Either bound lies above all frequencies there are: which of them it is makes no difference.
    [InlineData("""{ "beta_fast": 64.0 }""", false)]
    public void Bounds_of_YaRN_are_told_where_they_matter(string changes, bool isTold)
    {
        JsonObject rope = new() { ["rope_type"] = "yarn", ["rope_theta"] = 1000.0, ["factor"] = 1.7, ["original_max_position_embeddings"] = 64 };
        foreach ((string key, JsonNode? value) in (JsonObject)JsonNode.Parse(changes)!)
            rope[key] = value!.DeepClone();
        rope["partial_rotary_factor"] = 1.0;
        GgufDescription description = GgufExport.Describe(Make("stablelm", $$"""{ "rope_parameters": {{rope.ToJsonString()}} }"""));
        Assert.Equal(isTold, description.Notices.Any(notice => notice.Contains("YaRN's bounds", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("deepseek_v2", """{ "topk_method": "group_limited_greedy", "n_group": 2, "topk_group": 1 }""", "sum of their two best")]
    [InlineData("deepseek_v3", "{}", "outside the best groups")]
    [InlineData("qwen2_moe", """{ "norm_topk_prob": true }""", "norm_topk_prob")]
    [InlineData("qwen3_moe", """{ "norm_topk_prob": false }""", "norm_topk_prob")]
    [InlineData("gemma3", """{ "rope_parameters": { "full_attention": { "rope_type": "yarn", "rope_theta": 5000.0, "factor": 4.0, "original_max_position_embeddings": 16, "attention_factor": 0.9 }, "sliding_attention": { "rope_type": "default", "rope_theta": 100.0 } } }""", "attention_factor")]
    [InlineData("llama", """{ "hidden_act": "gelu_new" }""", "this one has gelu_new")]
    public void What_the_peer_computes_otherwise_is_said(string folder, string changes, string words)
    {
        // The deepseek_v2 checkpoint has no narrow vector for queries, which llama.cpp takes of 26 or 27 blocks only.
        DecoderModel model = Make(folder, folder == "deepseek_v2" ? changes.Replace("{ ", """{ "q_lora_rank": 7, """, StringComparison.Ordinal) : changes);
        Assert.Contains(GgufExport.Describe(model).Notices, notice => notice.Contains(words, StringComparison.Ordinal));
    }

    [Fact]
    public void A_dense_block_among_Qwen3s_mixtures_is_refused_in_words()
    {
        DecoderModel model = Make("qwen3_moe", """{ "mlp_only_layers": [1] }""");
        string message = Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(model)).Message;
        Assert.Contains("block 1 has none (mlp_only_layers, decoder_sparse_step)", message, StringComparison.Ordinal);
    }

    /// <summary>A model of random weights from a checkpoint's config with changes.</summary>
    private static DecoderModel Make(string folder, string changes)
    {
        JsonObject config = Fixtures.Config(folder);
        foreach ((string key, JsonNode? value) in (JsonObject)JsonNode.Parse(changes)!)
            config[key] = value?.DeepClone();
        (Decant.Core.Architectures.Architecture family, ModelSpec spec) = ArchitectureRegistry.ReadConfig("config.json", config);
        var random = new Random(5);
        Dictionary<TensorId, TensorData> tensors = spec.ListTensors().ToDictionary(tensor => tensor.Id, tensor => (TensorData)MemoryTensor.FromValues(
            tensor.Id.ToString(), tensor.Shape, [.. Enumerable.Range(0, (int)tensor.Shape.ElementCount).Select(_ => (float)(random.NextDouble() - 0.5))]));
        var made = new DecoderModel(MemoryModelSource.WithConfig(config, []), family.Name, (DecoderSpec)spec, tensors, [], []);
        return ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, HuggingFaceExport.Describe(made).Tensors));
    }

    private static void AssertEqual(DecoderModel model, HuggingFaceDescription back)
    {
        Assert.True(ConfigCarriage.AreEqual(model.Source.HuggingFace!.Config, back.Config), back.Config.ToJsonString());
        Assert.Equal(model.Source.Tensors.Select(tensor => tensor.Info.Name).Order(StringComparer.Ordinal), back.Tensors.Select(tensor => tensor.Info.Name).Order(StringComparer.Ordinal));
        Assert.All(back.Tensors, tensor => Assert.Equal(Fixtures.Values(model.Source.FindTensor(tensor.Info.Name)!), Fixtures.Values(tensor)));
    }
}
