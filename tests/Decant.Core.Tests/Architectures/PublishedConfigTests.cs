using System.Text.Json.Nodes;
using Decant.Core.Architectures;

namespace Decant.Core.Tests.Architectures;

/// <summary>
/// config.json as published model pages have it (file names and dropout keys shortened): nothing in them may be refused, and the spec must
/// be what is known of the model.
/// </summary>
public sealed class PublishedConfigTests
{
    private const string Llama32 = """
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":128000,"eos_token_id":[128001,128008,128009],
        "head_dim":64,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":131072,"mlp_bias":false,
        "model_type":"llama","num_attention_heads":32,"num_hidden_layers":16,"num_key_value_heads":8,"pretraining_tp":1,"rms_norm_eps":1e-05,
        "rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},
        "rope_theta":500000.0,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.45.0.dev0","use_cache":true,"vocab_size":128256}
        """;

    private const string SmolLM2 = """
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":576,
        "initializer_range":0.041666666666666664,"intermediate_size":1536,"is_llama_config":true,"max_position_embeddings":8192,"mlp_bias":false,"model_type":"llama",
        "num_attention_heads":9,"num_hidden_layers":30,"num_key_value_heads":3,"pad_token_id":2,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_interleaved":false,
        "rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers.js_config":{"kv_cache_dtype":{"q4f16":"float16"}},
        "transformers_version":"4.42.3","use_cache":true,"vocab_size":49152}
        """;

    private const string Mistral01 = """
        {"architectures":["MistralForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,
        "intermediate_size":14336,"max_position_embeddings":32768,"model_type":"mistral","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,
        "rms_norm_eps":1e-05,"rope_theta":10000.0,"sliding_window":4096,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.34.0.dev0",
        "use_cache":true,"vocab_size":32000}
        """;

    private const string Mixtral = """
        {"architectures":["MixtralForCausalLM"],"attention_dropout":0.0,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,
        "intermediate_size":14336,"max_position_embeddings":32768,"model_type":"mixtral","num_attention_heads":32,"num_experts_per_tok":2,"num_hidden_layers":32,
        "num_key_value_heads":8,"num_local_experts":8,"output_router_logits":false,"rms_norm_eps":1e-05,"rope_theta":1000000.0,"router_aux_loss_coef":0.02,
        "sliding_window":null,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.36.0.dev0","use_cache":true,"vocab_size":32000}
        """;

    private const string Qwen25 = """
        {"architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151643,"hidden_act":"silu","hidden_size":896,
        "initializer_range":0.02,"intermediate_size":4864,"max_position_embeddings":32768,"max_window_layers":24,"model_type":"qwen2","num_attention_heads":14,
        "num_hidden_layers":24,"num_key_value_heads":2,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":32768,"tie_word_embeddings":true,
        "torch_dtype":"bfloat16","transformers_version":"4.40.1","use_cache":true,"use_mrope":false,"use_sliding_window":false,"vocab_size":151936}
        """;

    private const string Qwen3 = """
        {"architectures":["Qwen3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151645,"head_dim":128,"hidden_act":"silu",
        "hidden_size":1024,"initializer_range":0.02,"intermediate_size":3072,"max_position_embeddings":40960,"max_window_layers":28,"model_type":"qwen3",
        "num_attention_heads":16,"num_hidden_layers":28,"num_key_value_heads":8,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":1000000,"sliding_window":null,
        "tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.51.0","use_cache":true,"use_sliding_window":false,"vocab_size":151936}
        """;

    private const string Gemma2 = """
        {"architectures":["Gemma2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attn_logit_softcapping":50.0,"bos_token_id":2,"cache_implementation":"hybrid",
        "eos_token_id":1,"final_logit_softcapping":30.0,"head_dim":256,"hidden_act":"gelu_pytorch_tanh","hidden_activation":"gelu_pytorch_tanh","hidden_size":2304,
        "initializer_range":0.02,"intermediate_size":9216,"max_position_embeddings":8192,"model_type":"gemma2","num_attention_heads":8,"num_hidden_layers":26,
        "num_key_value_heads":4,"pad_token_id":0,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_theta":10000.0,"sliding_window":4096,"torch_dtype":"float32",
        "transformers_version":"4.42.4","use_cache":true,"vocab_size":256000}
        """;

    private const string Gpt2 = """
        {"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,
        "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,"resid_pdrop":0.1,
        "summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,"summary_type":"cls_index","summary_use_proj":true,
        "task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},"vocab_size":50257}
        """;

    private const string Phi3 = """
        {"_name_or_path":"Phi-3-mini-4k-instruct","architectures":["Phi3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,
        "auto_map":{"AutoConfig":"configuration_phi3.Phi3Config"},"bos_token_id":1,"embd_pdrop":0.0,"eos_token_id":32000,"hidden_act":"silu","hidden_size":3072,
        "initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":4096,"model_type":"phi3","num_attention_heads":32,"num_hidden_layers":32,
        "num_key_value_heads":32,"original_max_position_embeddings":4096,"pad_token_id":32000,"resid_pdrop":0.0,"rms_norm_eps":1e-05,"rope_scaling":null,
        "rope_theta":10000.0,"sliding_window":2047,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.40.2","use_cache":true,"vocab_size":32064}
        """;

    public static TheoryData<string, string> Configs => new()
    {
        { "Llama-3.2-1B", Llama32 }, { "SmolLM2-135M", SmolLM2 }, { "Mistral-7B-v0.1", Mistral01 }, { "Mixtral-8x7B", Mixtral }, { "Qwen2.5-0.5B", Qwen25 },
        { "Qwen3-0.6B", Qwen3 }, { "Gemma-2-2B", Gemma2 }, { "GPT-2", Gpt2 }, { "Phi-3-mini-4k", Phi3 },
    };

    /// <summary>Published parameter counts, tied heads counted once.</summary>
    [Theory]
    [MemberData(nameof(Configs))]
    public void Is_read_and_has_the_published_number_of_parameters(string model, string config)
    {
        long parameters = DecoderTensors.List(Read(config)).Sum(tensor => tensor.Shape.ElementCount);
        long published = model switch
        {
            "Llama-3.2-1B" => 1_235_814_400,
            "SmolLM2-135M" => 134_515_008,
            "Mistral-7B-v0.1" => 7_241_732_096,
            "Mixtral-8x7B" => 46_702_792_704,
            "Qwen2.5-0.5B" => 494_032_768,
            "Qwen3-0.6B" => 596_049_920,
            "Gemma-2-2B" => 2_614_341_888,
            "GPT-2" => 124_439_808,
            "Phi-3-mini-4k" => 3_821_079_552,
            _ => 0,
        };
        Assert.Equal(published, parameters);
    }

    [Fact]
    public void Windows_and_scalings_are_those_of_the_model()
    {
        Assert.All(Read(Mistral01).Layers, layer => Assert.Equal(4096, layer.Attention.Window));
        Assert.All(Read(Qwen25).Layers, layer => Assert.Null(layer.Attention.Window));
        Assert.Equal(13, Read(Gemma2).Layers.Count(layer => layer.Attention.Window == 4096));
        Assert.Equal(new RopeScaling.Llama3(32, 1, 4, 8192), Read(Llama32).FirstRope!.Scaling);
        Assert.Equal(2047, Read(Phi3).FirstWindow);
        Assert.Equal(1f / 16, Read(Gemma2).Layers[0].Attention.Scale);
    }

    [Fact]
    public void A_missing_window_is_the_default_and_a_null_one_is_none()
    {
        JsonObject config = (JsonObject)JsonNode.Parse(Mistral01)!;
        config["sliding_window"] = null;
        Assert.Null(Read(config.ToJsonString()).FirstWindow);
        config.Remove("sliding_window");
        Assert.Equal(4096, Read(config.ToJsonString()).FirstWindow);
        config = (JsonObject)JsonNode.Parse(Qwen25)!;
        config["use_sliding_window"] = true;
        config["max_window_layers"] = 20;
        Assert.Equal([20, 21, 22, 23], Read(config.ToJsonString()).Layers.Select((layer, i) => (layer.Attention.Window, i)).Where(p => p.Window == 32768).Select(p => p.i));
    }

    [Fact]
    public void Options_of_GPT_2_reach_the_scale()
    {
        JsonObject config = (JsonObject)JsonNode.Parse(Gpt2)!;
        config["scale_attn_by_inverse_layer_idx"] = true;
        config["reorder_and_upcast_attn"] = true;
        Assert.Equal(1f / 8 / 12, Read(config.ToJsonString()).Layers[11].Attention.Scale);
        config["scale_attn_weights"] = false;
        Assert.Equal(1f / 12, Read(config.ToJsonString()).Layers[11].Attention.Scale);
        Assert.Equal(1f, Read(config.ToJsonString()).Layers[0].Attention.Scale);
    }

    /// <summary>Phi-4-mini: three quarters of each head rotated, longrope factors for those, keys at their neutral values.</summary>
    [Fact]
    public void Phi_4_mini_rotates_a_part_of_each_head()
    {
        JsonObject config = (JsonObject)JsonNode.Parse(Phi3)!;
        config["num_attention_heads"] = 24;
        config["num_key_value_heads"] = 8;
        config["partial_rotary_factor"] = 0.75;
        config["max_position_embeddings"] = 131072;
        config["full_attn_mod"] = 1;
        config["interpolate_factor"] = 1;
        config["lm_head_bias"] = false;
        config["mlp_bias"] = false;
        config["rope_scaling"] = new JsonObject
        {
            ["type"] = "longrope",
            ["long_factor"] = new JsonArray([.. Enumerable.Range(1, 48).Select(i => (JsonNode)i)]),
            ["short_factor"] = new JsonArray([.. Enumerable.Range(1, 48).Select(_ => (JsonNode)1.0)]),
        };
        RopeSpec rope = Read(config.ToJsonString()).FirstRope!;
        Assert.Equal(96, rope.RotaryCount);
        var scaling = Assert.IsType<RopeScaling.LongRope>(rope.Scaling);
        Assert.Equal(Math.Sqrt(1 + Math.Log(32) / Math.Log(4096)), scaling.AttentionFactor, 1e-12);
        Assert.Equal(48f, scaling.LongFactors[^1]);
    }

    private static DecoderSpec Read(string config) => (DecoderSpec)ArchitectureRegistry.ReadConfig("config.json", (JsonObject)JsonNode.Parse(config)!).Spec;
}
