using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>
/// Every key of every config, nested ones too, changed in every way that a damaged or hostile file may have it: refused in one message that names the key,
/// or on one of these lists.
/// </summary>
public sealed class ConfigSweepTests
{
    private const long LargestAllocation = 64L << 20;

    /// <summary>Keys whose absence, or null, stands for the reference's default, which is another value than the fixtures'.</summary>
    private static readonly ImmutableHashSet<string> haveDefaults =
    [
        "attention_multiplier", "attn_logit_softcapping", "beta_fast", "context_length", "embedding_multiplier", "factor", "final_logit_softcapping", "full_attention", "global_rope_theta",
        "hash_seed", "is_decoder", "layer_norm_eps", "layer_norm_epsilon", "layer_types", "local_attention", "local_attn_chunk_length", "local_rope_theta", "logit_scale", "logits_scaling",
        "lsh_attn_chunk_length", "max_position_embeddings", "mscale", "mscale_all_dim", "no_rope_layers", "norm_eps", "norm_topk_prob", "num_buckets", "num_experts_per_tok", "num_hashes",
        "original_max_position_embeddings", "partial_rotary_factor", "query_pre_attn_scalar", "relative_attention_max_distance", "residual_multiplier", "rms_norm_eps", "rope_local_base_freq",
        "rope_parameters", "rope_scaling", "rope_theta", "rotary_pct", "routed_scaling_factor", "scale_decoder_outputs", "sliding_attention", "sliding_window", "sliding_window_pattern",
        "tie_word_embeddings", "topk_group", "use_parallel_residual",
    ];

    /// <summary>Keys whose value no tensor and no other key contradicts: what they say is computed.</summary>
    private static readonly ImmutableHashSet<string> free =
    [
        "alibi", "attention_multiplier", "attn_logit_softcapping", "beta_fast", "context_length", "embedding_multiplier", "factor", "final_logit_softcapping", "global_rope_theta", "hash_seed",
        "high_freq_factor", "is_decoder", "layer_norm_eps", "layer_norm_epsilon", "local_attention", "local_attn_chunk_length", "local_num_chunks_before", "local_rope_theta", "logit_scale",
        "logits_scaling", "lsh_attn_chunk_length", "lsh_num_chunks_before", "max_position_embeddings", "mscale", "mscale_all_dim", "norm_eps", "norm_topk_prob", "num_buckets",
        "original_max_position_embeddings", "pad_token_id", "query_pre_attn_scalar", "residual_multiplier", "rms_norm_eps", "rope_interleave", "rope_local_base_freq", "rope_theta",
        "rotary_emb_base", "routed_scaling_factor", "scale_attn_by_inverse_layer_idx", "scale_attn_weights", "scale_decoder_outputs", "sliding_window", "sliding_window_pattern",
        "tie_word_embeddings", "use_parallel_residual", "use_sliding_window",
    ];

    /// <summary>Numbers and switches that change nothing beside what else this config says, as in the reference.</summary>
    private static readonly ImmutableHashSet<(string Folder, string Key)> unused =
    [
        // The window is off, or a list says which blocks have it.
        ("gemma3", "_sliding_window_pattern"), ("modernbert", "global_attn_every_n_layers"), ("smollm3", "no_rope_layer_interval"),
        ("qwen2", "max_window_layers"), ("qwen2_moe", "max_window_layers"), ("qwen3", "max_window_layers"),
        ("qwen2", "sliding_window"), ("qwen2_moe", "sliding_window"), ("qwen3", "sliding_window"), ("qwen3_moe", "sliding_window"), ("smollm3", "sliding_window"),
        ("qwen2", "use_sliding_window"), ("qwen2_moe", "use_sliding_window"), ("qwen3", "use_sliding_window"), ("smollm3", "use_sliding_window"),
        // What only another form of the model reads.
        ("opt-350m", "_remove_final_layer_norm"), ("falcon-new", "multi_query"), ("falcon-new", "parallel_attn"), ("bert-classify", "tie_word_embeddings"), ("mamba2", "time_step_rank"), ("gemma3", "attn_logit_softcapping"),
        ("phi3", "original_max_position_embeddings"), ("phi3-longrope", "original_max_position_embeddings"), ("phi3-longrope-long", "original_max_position_embeddings"),
        ("deepseek_v2", "head_dim"), ("deepseek_v3", "head_dim"), ("qwen3_moe", "intermediate_size"), ("gpt2", "reorder_and_upcast_attn"), ("gpt2-oddities", "reorder_and_upcast_attn"),
        // Zero is what they say anyway, or stands for the default; more blocks than there are.
        ("deepseek_v3", "beta_slow"), ("llama-yarn", "beta_slow"), ("t5", "decoder_start_token_id"), ("t5-v1_1", "decoder_start_token_id"), ("rwkv", "rescale_every"),
        ("reformer", "local_num_chunks_after"), ("reformer", "lsh_num_chunks_after"), ("reformer-hashes", "local_num_chunks_after"), ("reformer-hashes", "lsh_num_chunks_after"),
    ];

    /// <summary>Switches that say which tensors there are: the tensor is named that contradicts them.</summary>
    private static readonly ImmutableHashSet<string> toldByTensors =
    [
        "_remove_final_layer_norm", "attention_bias", "axial_pos_embds", "classifier_bias", "decoder_bias", "decoder_sparse_step", "do_layer_norm_before", "enable_bias", "first_k_dense_replace",
        "0", "1", "mlp_bias", "mlp_only_layers", "multi_query", "n_shared_experts", "new_decoder_architecture", "norm_bias", "parallel_attn", "q_lora_rank", "qkv_bias", "use_bias",
        "use_conv_bias", "use_parallel_residual", "use_qk_norm", "use_qkv_bias", "word_embed_proj_dim",
    ];

    private static readonly (string Name, Action<JsonObject, string> Apply)[] changes =
    [
        ("deleted", (owner, key) => owner.Remove(key)),
        ("null", (owner, key) => owner[key] = null),
        ("text", (owner, key) => owner[key] = "nonsense"),
        ("array", (owner, key) => owner[key] = new JsonArray("nonsense")),
        ("object", (owner, key) => owner[key] = new JsonObject { ["nonsense"] = 1 }),
        ("negated", (owner, key) => owner[key] = owner[key] is JsonValue value && value.TryGetValue(out bool flag) ? !flag : -1.5),
        ("zero", (owner, key) => owner[key] = 0),
        ("large", (owner, key) => owner[key] = 1 << 28),
        ("huge", (owner, key) => owner[key] = 1L << 40),
        ("infinite", (owner, key) => owner[key] = JsonNode.Parse("1e400")),
    ];

    [Theory]
    [MemberData(nameof(Fixtures.ConfigsOfAnyKind), MemberType = typeof(Fixtures))]
    public void Every_change_of_a_key_is_refused_by_name_or_listed(string folder, string file)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, file);
        ModelSpec original = ArchitectureRegistry.Bind(source).Spec;
        var wrongs = new List<string>();
        int refused = 0;
        foreach (string[] path in Paths(Fixtures.Config(folder, file), []))
        {
            foreach ((string name, Action<JsonObject, string> apply) in changes)
            {
                JsonObject config = Fixtures.Config(folder, file);
                apply(path[..^1].Aggregate(config, (owner, key) => (JsonObject)owner[key]!), path[^1]);
                long before = GC.GetAllocatedBytesForCurrentThread();
                Model? model = null;
                Exception? error = Record.Exception(() => model = ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                bool expected = error is null ? IsListed(folder, path, name, original.Equals(model!.Spec)) : IsClear(error, path);
                if (!expected || allocated > LargestAllocation)
                    wrongs.Add($"{string.Join('.', path)} {name} ({allocated} bytes): {error?.ToString() ?? (original.Equals(model!.Spec) ? "passed over" : "taken")}");
                refused += error is null ? 0 : 1;
            }
        }
        Assert.Empty(wrongs);
        Assert.True(refused > 50);
    }

    /// <summary>What the reference takes when a key is missing, where a fixture cannot tell.</summary>
    [Theory]
    [InlineData("deepseek_v3", "routed_scaling_factor", "2.5")]
    [InlineData("deepseek_v3", "n_shared_experts", "1")]
    [InlineData("deepseek_v2", "routed_scaling_factor", "1")]
    [InlineData("deepseek_v2", "first_k_dense_replace", "0")]
    [InlineData("deepseek_v3", "first_k_dense_replace", "3")]
    [InlineData("deepseek_v3", "topk_group", "4")]
    [InlineData("deepseek_v3", "n_group", "8")]
    public void A_missing_key_is_what_the_reference_takes(string folder, string key, string value)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        string Outcome(Action<JsonObject> change)
        {
            JsonObject config = Fixtures.Config(folder);
            change(config);
            ModelSpec? spec = null;
            Exception? error = Record.Exception(() => spec = ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)).Spec);
            return error is null ? string.Join("; ", ((DecoderSpec)spec!).Layers) : error.GetType().Name;
        }
        Assert.Equal(Outcome(config => config[key] = JsonNode.Parse(value)), Outcome(config => config.Remove(key)));
    }

    [Theory]
    [InlineData("bert", "pruned_heads", "{\"0\":[1]}")]
    [InlineData("gpt2", "pruned_heads", "{\"0\":[1]}")]
    [InlineData("deepseek_v2", "rope_interleave", "false")]
    [InlineData("cohere", "rope_parameters", "{\"rope_type\":\"default\"}")]
    [InlineData("modernbert", "decoder_bias", "false")]
    [InlineData("llama", "rope_parameters", "{\"rope_theta\":10000,\"factor\":2}")]
    public void A_value_that_would_change_the_results_is_refused(string folder, string key, string value)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        JsonObject config = Fixtures.Config(folder);
        config[key] = JsonNode.Parse(value);
        Exception? error = Record.Exception(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.NotNull(error);
        Assert.True(error is BadFileException or NotSupportedModelException, error.ToString());
        Assert.True(error.Message.Contains(key, StringComparison.Ordinal) || toldByTensors.Contains(key), error.Message);
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("gpt2")]
    [InlineData("t5")]
    public void What_older_versions_wrote_without_meaning_is_passed_over(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        JsonObject config = Fixtures.Config(folder);
        config["pruned_heads"] = new JsonObject();
        config["output_past"] = true;
        Assert.Equal(ArchitectureRegistry.Bind(source).Spec, ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)).Spec);
    }

    /// <summary>SmolLM3 has the window where it does not rotate; Qwen2-MoE has it where a list says, for older keys mean different blocks in different versions.</summary>
    [Fact]
    public void Windows_lie_where_the_reference_has_them()
    {
        using HuggingFaceModelSource smol = Fixtures.Open("smollm3");
        JsonObject config = Fixtures.Config("smollm3");
        config.Remove("layer_types");
        config["use_sliding_window"] = true;
        config["sliding_window"] = 5;
        var spec = (DecoderSpec)ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, smol.Tensors)).Spec;
        Assert.Contains(spec.Layers, layer => layer.Attention.Rope is null);
        Assert.All(spec.Layers, layer => Assert.Equal(layer.Attention.Rope is null ? 5 : null, layer.Attention.Window));
        using HuggingFaceModelSource qwen = Fixtures.Open("qwen2_moe");
        config = Fixtures.Config("qwen2_moe");
        config.Remove("layer_types");
        config["use_sliding_window"] = true;
        config["sliding_window"] = 5;
        BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, qwen.Tensors)));
        Assert.Contains("layer_types", error.Message, StringComparison.Ordinal);
    }

    private static bool IsListed(string folder, string[] path, string change, bool same)
    {
        if (ConfigRefusalTests.Harmless.Contains(path[0]))
            return true;
        bool absent = change is "deleted" or "null";
        return same ? absent || unused.Contains((folder, path[^1])) : (absent ? haveDefaults : free).Contains(path[^1]);
    }

    private static bool IsClear(Exception error, string[] path)
    {
        string message = error.Message;
        bool named = message.Contains(path[^1], StringComparison.Ordinal) || (toldByTensors.Contains(path[^1]) && message.Contains("tensor ", StringComparison.Ordinal))
            // Deleted as a whole, one of its keys is missing; a list of blocks wants the window that is off.
            || (path[^1] == "rope_parameters" && message.Contains("rope_theta", StringComparison.Ordinal)) || (path[^1] == "sliding_window" && message.Contains("layer_types", StringComparison.Ordinal));
        bool complete = message.Contains("is not supported", StringComparison.Ordinal) || (message.Contains("expected", StringComparison.Ordinal) && message.Contains("got", StringComparison.Ordinal));
        return error is BadFileException or NotSupportedModelException && named && complete;
    }

    private static IEnumerable<string[]> Paths(JsonObject config, string[] above) => config.SelectMany(pair =>
    {
        string[] path = [.. above, pair.Key];
        return pair.Value is JsonObject section ? Paths(section, path).Prepend(path) : [path];
    });
}
