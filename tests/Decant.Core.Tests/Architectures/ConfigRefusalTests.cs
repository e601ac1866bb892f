using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

public sealed class ConfigRefusalTests
{
    /// <summary>Keys that may say anything: they change no logits, or the reference does not read them.</summary>
    internal static readonly string[] Harmless =
    [
        "architectures", "attention_dropout", "bos_token_id", "dtype", "torch_dtype", "eos_token_id", "initializer_range", "pad_token_id", "pretraining_tp",
        "transformers_version", "use_cache", "output_router_logits", "router_aux_loss_coef", "router_jitter_noise", "attn_pdrop", "embd_pdrop",
        "resid_pdrop", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "hidden_dropout", "is_decoder", "dropout", "layerdrop", "classifier_dropout", "init_std",
        "attention_probs_dropout_prob", "hidden_dropout_prob", "classifier_dropout_prob", "qa_dropout", "seq_classif_dropout", "sinusoidal_pos_embds", "mlp_dropout",
        "embedding_dropout", "deterministic_flash_attn", "initializer_cutoff_factor", "sparse_prediction", "sparse_pred_ignore_index", "cls_token_id", "sep_token_id",
        "id2label", "label2id", "dropout_rate", "initializer_factor", "add_cross_attention",
        "rescale_prenorm_residual", "residual_in_fp32", "time_step_floor", "time_step_init_scheme", "time_step_max", "time_step_min", "time_step_scale",
        "use_associative_scan", "use_mambapy", "chunk_size", "axial_norm_std", "chunk_size_lm_head", "local_attention_probs_dropout_prob", "lsh_attention_probs_dropout_prob",
        "slow_but_exact", "num_nextn_predict_layers", "ep_size", "seq_aux", "aux_loss_alpha", "summary_type", "summary_use_proj",
    ];

    [Theory]
    [MemberData(nameof(Fixtures.ConfigsOfAnyKind), MemberType = typeof(Fixtures))]
    public void A_key_of_the_wrong_type_is_refused_by_name(string folder, string file)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, file);
        int tried = 0;
        var wrongs = new List<string>();
        foreach (string key in Fixtures.Config(folder, file).Select(pair => pair.Key).Except(Harmless))
        {
            // Mamba's key, which Mamba 2 carries along.
            if ((folder, key) == ("mamba2", "time_step_rank"))
                continue;
            foreach (JsonNode wrong in (JsonNode[])[JsonValue.Create("nonsense"), new JsonArray(1), new JsonObject { ["nonsense"] = 1 }, JsonValue.Create(-1.5)])
            {
                // A list of one layer is what this key is for.
                if (key == "mlp_only_layers" && wrong is JsonArray)
                    continue;
                JsonObject config = Fixtures.Config(folder, file);
                config[key] = wrong;
                Exception? error = Record.Exception(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
                if (error is not (BadFileException or NotSupportedModelException) || !error.Message.Contains(key, StringComparison.Ordinal) || !SaysWhatWasWanted(error))
                    wrongs.Add($"{key} {wrong.ToJsonString()}: {error?.Message ?? "not refused"}");
                tried++;
            }
        }
        Assert.Empty(wrongs);
        Assert.True(tried > 20);
    }

    // A file that is wrong, or a value that has no implementation: that one names what has.
    private static bool SaysWhatWasWanted(Exception error) => error is BadFileException
        ? error.Message.Contains("expected", StringComparison.Ordinal) && error.Message.Contains("got", StringComparison.Ordinal)
        : error.Message.Contains("support", StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Fixtures.ConfigsOfAnyKind), MemberType = typeof(Fixtures))]
    public void A_size_that_contradicts_the_tensors_is_refused_by_name(string folder, string file)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, file);
        string[] sizes = ["hidden_size", "n_embd", "intermediate_size", "n_inner", "num_hidden_layers", "n_layer", "num_key_value_heads", "head_dim", "vocab_size", "n_positions", "num_local_experts",
            "ffn_dim", "word_embed_proj_dim", "ffn_hidden_size", "n_routed_experts", "moe_intermediate_size", "q_lora_rank", "kv_lora_rank", "v_head_dim", "qk_nope_head_dim",
            "dim", "hidden_dim", "n_layers", "d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "type_vocab_size", "embedding_size", "num_hidden_groups", "relative_attention_num_buckets",
            "attention_hidden_size", "state_size", "conv_kernel", "num_heads", "n_groups", "expand", "attention_head_size", "feed_forward_size"];
        JsonObject original = Fixtures.Config(folder, file);
        int tried = 0;
        var wrongs = new List<string>();
        foreach (string key in sizes.Where(key => original[key] is not null && !IsUnused(folder, key)))
        {
            foreach (int change in (int[])[-1, 1])
            {
                JsonObject config = Fixtures.Config(folder, file);
                config[key] = (int)original[key]! + change;
                Exception? error = Record.Exception(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
                tried++;
                // One head fewer may be noticed first as heads that do not divide.
                bool named = error is BadFileException && error.Message.Contains("expected", StringComparison.Ordinal) && error.Message.Contains("got", StringComparison.Ordinal)
                    && (error.Message.Contains(key, StringComparison.Ordinal) || error.Message.Contains("heads", StringComparison.Ordinal) || error.Message.Contains("n_head", StringComparison.Ordinal));
                if (!named)
                    wrongs.Add($"{key} {config[key]}: {error?.Message ?? "not refused"}");
            }
        }
        Assert.Empty(wrongs);
        Assert.True(tried >= 6);
    }

    [Theory]
    [MemberData(nameof(Fixtures.OfAnyKind), MemberType = typeof(Fixtures))]
    public void A_missing_size_is_refused_by_name(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        string[] required = ["hidden_size", "n_embd", "intermediate_size", "num_hidden_layers", "n_layer", "num_attention_heads", "n_head", "vocab_size", "model_type",
            "dim", "hidden_dim", "n_layers", "n_heads", "d_model", "d_kv", "d_ff", "num_layers", "num_heads"];
        int tried = 0;
        foreach (string key in required)
        {
            JsonObject config = Fixtures.Config(folder);
            if (FollowsFromOthers(folder, key) || !config.Remove(key))
                continue;
            tried++;
            BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
            Assert.Contains($" {key}: expected", error.Message, StringComparison.Ordinal);
        }
        Assert.True(tried >= 4);
    }

    /// <summary>Widths that are a multiple of the hidden size if nothing else is said, and the length of a list.</summary>
    private static bool FollowsFromOthers(string folder, string key) =>
        (key == "intermediate_size" && folder is "rwkv" or "mamba") || (key == "num_hidden_layers" && folder.StartsWith("reformer", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Fixtures.OfAnyKind), MemberType = typeof(Fixtures))]
    public void An_unknown_key_is_refused_by_name_unless_it_is_null(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        JsonObject config = Fixtures.Config(folder);
        config["logit_multiplier_of_tomorrow"] = null;
        ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors));
        config["logit_multiplier_of_tomorrow"] = 2.5;
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.Contains("logit_multiplier_of_tomorrow: 2.5", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.NotSupported, error.ExitCode);
    }

    [Theory]
    [InlineData("llama", "hidden_act", "\"quick_gelu\"", "gelu_pytorch_tanh")]
    [InlineData("gpt2", "activation_function", "\"mish\"", "gelu_new")]
    [InlineData("llama", "rope_parameters", "{\"rope_type\":\"ntk\",\"factor\":2}", "llama3")]
    [InlineData("llama", "rope_parameters", "{\"rope_type\":\"mrope\",\"mrope_section\":[1,1,2]}", "llama3")]
    [InlineData("llama", "rope_parameters", "{\"rope_type\":\"linear\",\"factor\":2,\"mystery\":1}", "rope_parameters.mystery")]
    [InlineData("llama", "rope_parameters", "{\"rope_type\":\"default\",\"partial_rotary_factor\":0.5}", "partial_rotary_factor")]
    [InlineData("llama", "partial_rotary_factor", "0.5", "partial_rotary_factor")]
    [InlineData("llama", "quantization_config", "{\"quant_method\":\"gptq\"}", "quantization_config")]
    [InlineData("llama", "model_type", "\"lamma\"", "llama")]
    [InlineData("llama", "is_encoder_decoder", "true", "is_encoder_decoder")]
    [InlineData("gpt2", "add_cross_attention", "true", "add_cross_attention")]
    [InlineData("bert", "hidden_act", "\"mish\"", "gelu_new")]
    [InlineData("bert", "position_embedding_type", "\"relative_key\"", "absolute")]
    [InlineData("bert", "is_decoder", "true", "is_decoder")]
    [InlineData("distilbert", "activation", "\"mish\"", "gelu_new")]
    [InlineData("modernbert", "classifier_pooling", "\"max\"", "cls, mean")]
    [InlineData("modernbert", "hidden_activation", "\"mish\"", "gelu_new")]
    [InlineData("t5", "feed_forward_proj", "\"gated-mish\"", "gated-gelu")]
    [InlineData("t5", "is_encoder_decoder", "false", "is_encoder_decoder")]
    [InlineData("gemma2", "use_bidirectional_attention", "true", "use_bidirectional_attention")]
    [InlineData("qwen2", "layer_types", "[\"full_attention\",\"chunked_attention\"]", "sliding_attention")]
    [InlineData("phi3", "attention_bias", "true", "attention_bias")]
    public void A_value_without_an_implementation_is_refused_with_what_is_supported(string folder, string key, string value, string named)
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        JsonObject config = Fixtures.Config(folder);
        config[key] = JsonNode.Parse(value);
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.NotSupported, error.ExitCode);
    }

    [Theory]
    [InlineData("bert", "num_attention_heads", "3", "num_attention_heads")]
    [InlineData("bert", "tie_word_embeddings", "false", "cls.predictions.decoder.weight")]
    [InlineData("bert-classify", "id2label", "{\"0\":\"a\",\"1\":\"b\"}", "classifier")]
    [InlineData("roberta", "pad_token_id", "131", "pad_token_id")]
    [InlineData("roberta", "pad_token_id", "63", "max_position_embeddings")]
    [InlineData("albert", "num_hidden_groups", "5", "num_hidden_groups")]
    [InlineData("modernbert", "layer_types", "[\"full_attention\"]", "layer_types")]
    [InlineData("modernbert", "norm_bias", "true", "norm.bias")]
    [InlineData("t5", "relative_attention_num_buckets", "3", "relative_attention_num_buckets")]
    [InlineData("t5", "relative_attention_max_distance", "6", "relative_attention_max_distance")]
    [InlineData("t5", "dense_act_fn", "\"gelu\"", "dense_act_fn")]
    [InlineData("t5", "is_gated_act", "true", "is_gated_act")]
    [InlineData("t5", "feed_forward_proj", "\"gelu\"", "dense_act_fn")]
    [InlineData("t5", "decoder_start_token_id", "113", "decoder_start_token_id")]
    [InlineData("llama", "rope_parameters", "{\"rope_type\":\"linear\"}", "factor")]
    [InlineData("llama", "rope_parameters", "{\"rope_type\":\"linear\",\"factor\":0}", "factor")]
    [InlineData("llama", "rope_parameters", "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":1}", "high_freq_factor")]
    [InlineData("llama", "rope_parameters", "{\"rope_type\":\"yarn\",\"factor\":4,\"beta_fast\":1,\"beta_slow\":32}", "beta_fast")]
    [InlineData("llama", "rope_parameters", "{\"rope_theta\":1}", "rope_theta")]
    [InlineData("phi3-longrope", "rope_parameters", "{\"rope_type\":\"longrope\",\"short_factor\":[1,2],\"long_factor\":[1,1,1,1]}", "short_factor")]
    [InlineData("llama", "num_attention_heads", "4", "num_attention_heads")]
    [InlineData("llama", "num_key_value_heads", "4", "num_key_value_heads")]
    [InlineData("llama", "attention_bias", "true", "self_attn.q_proj.bias")]
    [InlineData("llama-tied", "attention_bias", "false", "self_attn")]
    [InlineData("llama-tied", "tie_word_embeddings", "false", "lm_head")]
    [InlineData("qwen2", "layer_types", "[\"full_attention\"]", "layer_types")]
    [InlineData("qwen2", "layer_types", "[\"full_attention\",\"sliding_attention\"]", "layer_types")]
    [InlineData("mixtral", "num_experts_per_tok", "5", "num_experts_per_tok")]
    [InlineData("llama", "num_hidden_layers", "2000000000", "num_hidden_layers")]
    [InlineData("llama", "vocab_size", "1e400", "vocab_size")]
    public void A_contradicting_or_impossible_value_is_refused_by_name(string folder, string key, string value, string named)
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        JsonObject config = Fixtures.Config(folder);
        config[key] = JsonNode.Parse(value);
        BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rope_theta", "9999")]
    [InlineData("partial_rotary_factor", "0.5")]
    public void A_rope_value_beside_its_section_must_agree_with_it(string key, string value)
    {
        using HuggingFaceModelSource source = Fixtures.Open("phi3");
        JsonObject config = Fixtures.Config("phi3");
        config["rope_parameters"] = JsonNode.Parse("{\"rope_type\":\"default\",\"rope_theta\":10000,\"partial_rotary_factor\":1}");
        config[key] = JsonNode.Parse(value);
        BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Both_rope_spellings_at_once_must_agree()
    {
        using HuggingFaceModelSource source = Fixtures.Open("llama-linear");
        JsonObject config = Fixtures.Config("llama-linear");
        config["rope_scaling"] = JsonNode.Parse("{\"type\":\"linear\",\"factor\":2.5}");
        config["rope_theta"] = 10000;
        Assert.Equal(new RopeScaling.Linear(2.5), ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, source.Tensors)).Spec.Layers[0].Attention.Rope!.Scaling);
        config["rope_scaling"] = JsonNode.Parse("{\"type\":\"linear\",\"factor\":3}");
        BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.Contains("rope_scaling", error.Message, StringComparison.Ordinal);
        config.Remove("rope_scaling");
        config["rope_theta"] = 20000;
        Assert.Contains("rope_theta", Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors))).Message, StringComparison.Ordinal);
    }

    /// <summary>2,000 configs, each with a few random changes: only documented errors, quickly, and without large allocations.</summary>
    [Fact]
    public void Mutated_configs_give_documented_errors_only()
    {
        SharedFiles.Require("fixtures", "architectures");
        var random = new Random(20260101);
        string[] folders = [.. Fixtures.Folders];
        var sources = folders.ToDictionary(folder => folder, folder => Fixtures.Open(folder));
        int refused = 0;
        for (int i = 0; i < 2000; i++)
        {
            string folder = folders[i % folders.Length];
            string[] names = [.. Fixtures.Configs(folder)];
            JsonObject config = Fixtures.Config(folder, names[random.Next(names.Length)]);
            for (int change = random.Next(1, 4); change > 0; change--)
                Mutate(config, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, sources[folder].Tensors));
            }
            catch (DecantException error)
            {
                Assert.True(error is BadFileException or NotSupportedModelException, config.ToJsonString());
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"{folder}: {config.ToJsonString()}: {error}");
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
        }
        Assert.InRange(refused, 500, 1999);
        foreach (HuggingFaceModelSource source in sources.Values)
            source.Dispose();
    }

    private static void Mutate(JsonObject config, Random random)
    {
        string[] keys = [.. config.Select(pair => pair.Key)];
        string key = keys[random.Next(keys.Length)];
        if (config[key] is JsonObject section && section.Count > 0 && random.Next(4) > 0)
        {
            Mutate(section, random);
            return;
        }
        switch (random.Next(10))
        {
            case 0:
                config.Remove(key);
                break;
            case 1:
                config[key] = null;
                break;
            case 2 when config[key]?.GetValueKind() == JsonValueKind.Number:
                config[key] = double.Parse(config[key]!.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture) * random.Next(-2, 5);
                break;
            case 3 when config[key]?.GetValueKind() == JsonValueKind.Number:
                config[key] = (long)double.Parse(config[key]!.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture) + random.Next(-3, 4);
                break;
            case 4:
                config[key] = long.MaxValue - random.Next(3);
                break;
            case 5:
                config[key] = random.Next(2) == 0;
                break;
            case 6:
                config[key] = new JsonArray([.. Enumerable.Range(0, random.Next(6)).Select(i => (JsonNode)i)]);
                break;
            case 7:
                string other = keys[random.Next(keys.Length)];
                config[key] = config[other]?.DeepClone();
                break;
            case 8:
                config[key] = (string[])["default", "linear", "dynamic", "yarn", "longrope", "llama3", "gelu", "", "llama", "gpt2", "mixtral", "phi3"] is var words ? words[random.Next(words.Length)] : null;
                break;
            default:
                config["new_" + random.Next(10)] = random.Next();
                break;
        }
    }

    /// <summary>Sizes that no tensor has: of dense blocks where all are sparse, and what DeepSeek's configs state for other programs.</summary>
    private static bool IsUnused(string folder, string key) =>
        (folder == "albert" && key == "num_hidden_layers") || (folder == "qwen3_moe" && key == "intermediate_size") || (folder.StartsWith("deepseek", StringComparison.Ordinal) && key == "head_dim");
}
