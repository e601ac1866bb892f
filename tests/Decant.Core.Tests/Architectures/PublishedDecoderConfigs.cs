using System.Collections.Immutable;

namespace Decant.Core.Tests.Architectures;

/// <summary>config.json of decoders with the keys and values that published checkpoints have, those of older versions of transformers too.</summary>
internal static class PublishedDecoderConfigs
{
    /// <summary>Model, parameters as they are published (of what a spec lists) if they are known, config.json.</summary>
    public static ImmutableArray<(string Model, long? Parameters, string Config)> All { get; } =
    [
        ("gpt2-medium", 354_823_168, """
            {"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,
            "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":1024,"n_head":16,"n_layer":24,"n_positions":1024,
            "n_special":0,"predict_special_tokens":true,"resid_pdrop":0.1,"summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,
            "summary_type":"cls_index","summary_use_proj":true,"task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},"vocab_size":50257}
            """),
        ("gpt2-xl", 1_557_611_200, """
            {"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,
            "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":1600,"n_head":25,"n_layer":48,"n_positions":1024,
            "n_special":0,"predict_special_tokens":true,"resid_pdrop":0.1,"summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,
            "summary_type":"cls_index","summary_use_proj":true,"task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},"vocab_size":50257,
            "output_past":true}
            """),
        ("distilgpt2", 81_912_576, """
            {"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,
            "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":6,"n_positions":1024,
            "resid_pdrop":0.1,"summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,"summary_type":"cls_index",
            "summary_use_proj":true,"task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},"vocab_size":50257,"_num_labels":1,
            "id2label":{"0":"LABEL_0"},"label2id":{"LABEL_0":0}}
            """),
        ("a GPT-2 of transformers 2", null, """
            {"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,
            "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":1024,"n_head":16,"n_layer":24,"n_positions":1024,
            "n_special":0,"predict_special_tokens":true,"resid_pdrop":0.1,"summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,
            "summary_type":"cls_index","summary_use_proj":true,"task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},"vocab_size":50257,
            "finetuning_task":null,"is_decoder":false,"is_encoder_decoder":false,"eos_token_ids":null,"length_penalty":1.0,"num_beams":1,"num_labels":1,
            "output_attentions":false,"output_hidden_states":false,"pruned_heads":{},"torchscript":false,"use_bfloat16":false,"xla_device":null,"top_k":50}
            """),
        ("openai-gpt", 116_534_784, """
            {"afn":"gelu","architectures":["OpenAIGPTLMHeadModel"],"attn_pdrop":0.1,"embd_pdrop":0.1,"initializer_range":0.02,"layer_norm_epsilon":1e-05,
            "model_type":"openai-gpt","n_ctx":512,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":512,"n_special":0,"predict_special_tokens":true,
            "resid_pdrop":0.1,"summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,"summary_type":"cls_index",
            "summary_use_proj":true,"task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},"vocab_size":40478}
            """),
        ("opt-125m", 125_239_296, """
            {"_name_or_path":"opt-125m","_remove_final_layer_norm":false,"activation_dropout":0.0,"activation_function":"relu","architectures":["OPTForCausalLM"],
            "attention_dropout":0.0,"bos_token_id":2,"do_layer_norm_before":true,"dropout":0.1,"eos_token_id":2,"ffn_dim":3072,"hidden_size":768,"init_std":0.02,
            "layerdrop":0.0,"max_position_embeddings":2048,"model_type":"opt","num_attention_heads":12,"num_hidden_layers":12,"pad_token_id":1,"prefix":"</s>",
            "torch_dtype":"float16","transformers_version":"4.21.0.dev0","use_cache":true,"vocab_size":50272,"word_embed_proj_dim":768}
            """),
        ("opt-350m", 331_196_416, """
            {"_name_or_path":"opt-125m","_remove_final_layer_norm":false,"activation_dropout":0.0,"activation_function":"relu","architectures":["OPTForCausalLM"],
            "attention_dropout":0.0,"bos_token_id":2,"do_layer_norm_before":false,"dropout":0.1,"eos_token_id":2,"ffn_dim":4096,"hidden_size":1024,
            "init_std":0.02,"layerdrop":0.0,"max_position_embeddings":2048,"model_type":"opt","num_attention_heads":16,"num_hidden_layers":24,"pad_token_id":1,
            "prefix":"</s>","torch_dtype":"float16","transformers_version":"4.21.0.dev0","use_cache":true,"vocab_size":50272,"word_embed_proj_dim":512}
            """),
        ("galactica-125m", null, """
            {"_name_or_path":"opt-125m","_remove_final_layer_norm":false,"activation_dropout":0.0,"activation_function":"gelu","architectures":["OPTForCausalLM"],
            "attention_dropout":0.0,"bos_token_id":0,"do_layer_norm_before":true,"dropout":0.1,"eos_token_id":2,"ffn_dim":3072,"hidden_size":768,"init_std":0.02,
            "layerdrop":0.0,"max_position_embeddings":2048,"model_type":"opt","num_attention_heads":12,"num_hidden_layers":12,"pad_token_id":1,"prefix":null,
            "torch_dtype":"float16","transformers_version":"4.21.0.dev0","use_cache":true,"vocab_size":50000,"word_embed_proj_dim":768,"enable_bias":true,
            "layer_norm_elementwise_affine":true,"learned_embeddings":true,"scale_embeddings":false}
            """),
        ("bloom-560m", 559_214_592, """
            {"apply_residual_connection_post_layernorm":false,"architectures":["BloomForCausalLM"],"attention_dropout":0.0,"attention_softmax_in_fp32":true,
            "bias_dropout_fusion":true,"bos_token_id":1,"eos_token_id":2,"pad_token_id":3,"unk_token_id":0,"hidden_dropout":0.0,"initializer_range":0.02,
            "layer_norm_epsilon":1e-05,"masked_softmax_fusion":true,"model_type":"bloom","n_embed":1024,"n_inner":null,"n_layer":24,"num_attention_heads":16,
            "offset_alibi":100,"pretraining_tp":1,"seq_length":2048,"skip_bias_add":true,"skip_bias_add_qkv":false,"transformers_version":"4.20.0",
            "use_cache":true,"vocab_size":250880}
            """),
        ("pythia-70m", 70_426_624, """
            {"architectures":["GPTNeoXForCausalLM"],"bos_token_id":0,"classifier_dropout":0.1,"eos_token_id":0,"hidden_act":"gelu","hidden_size":512,
            "initializer_range":0.02,"intermediate_size":2048,"layer_norm_eps":1e-05,"max_position_embeddings":2048,"model_type":"gpt_neox",
            "num_attention_heads":8,"num_hidden_layers":6,"rotary_emb_base":10000,"rotary_pct":0.25,"tie_word_embeddings":false,"torch_dtype":"float16",
            "transformers_version":"4.24.0","use_cache":true,"use_parallel_residual":true,"vocab_size":50304}
            """),
        ("gpt-neox-20b", 20_554_567_680, """
            {"architectures":["GPTNeoXForCausalLM"],"bos_token_id":0,"classifier_dropout":0.1,"eos_token_id":0,"hidden_act":"gelu_fast","hidden_size":6144,
            "initializer_range":0.02,"intermediate_size":24576,"layer_norm_eps":1e-05,"max_position_embeddings":2048,"model_type":"gpt_neox",
            "num_attention_heads":64,"num_hidden_layers":44,"rotary_emb_base":10000,"rotary_pct":0.25,"tie_word_embeddings":false,"torch_dtype":"float16",
            "transformers_version":"4.24.0","use_cache":true,"use_parallel_residual":true,"vocab_size":50432,"attention_probs_dropout_prob":0,
            "hidden_dropout_prob":0}
            """),
        ("polyglot-ko-1.3b", null, """
            {"architectures":["GPTNeoXForCausalLM"],"bos_token_id":2,"classifier_dropout":0.1,"eos_token_id":0,"hidden_act":"gelu","hidden_size":2048,
            "initializer_range":0.02,"intermediate_size":8192,"layer_norm_eps":1e-05,"max_position_embeddings":2048,"model_type":"gpt_neox",
            "num_attention_heads":16,"num_hidden_layers":24,"rotary_emb_base":10000,"rotary_pct":0.5,"tie_word_embeddings":false,"torch_dtype":"float16",
            "transformers_version":"4.24.0","use_cache":true,"use_parallel_residual":true,"vocab_size":30080,"num_steps":"global_step200000"}
            """),
        ("dolly-v2-3b", null, """
            {"architectures":["GPTNeoXForCausalLM"],"bos_token_id":0,"classifier_dropout":0.1,"eos_token_id":0,"hidden_act":"gelu","hidden_size":2560,
            "initializer_range":0.02,"intermediate_size":10240,"layer_norm_eps":1e-05,"max_position_embeddings":2048,"model_type":"gpt_neox",
            "num_attention_heads":32,"num_hidden_layers":32,"rotary_emb_base":10000,"rotary_pct":0.25,"tie_word_embeddings":false,"torch_dtype":"float16",
            "transformers_version":"4.24.0","use_cache":true,"use_parallel_residual":true,"vocab_size":50280,"attention_dropout":0.0,"hidden_dropout":0.0,
            "attention_bias":true,"rope_scaling":null,"custom_pipelines":{"text-generation":{"impl":"instruct_pipeline.InstructionTextGenerationPipeline",
            "pt":"AutoModelForCausalLM","tf":"TFAutoModelForCausalLM"}}}
            """),
        ("falcon-7b", 6_921_720_704, """
            {"alibi":false,"apply_residual_connection_post_layernorm":false,"architectures":["FalconForCausalLM"],"attention_dropout":0.0,
            "auto_map":{"AutoConfig":"configuration_falcon.FalconConfig"},"bias":false,"bos_token_id":11,"eos_token_id":11,"hidden_dropout":0.0,
            "hidden_size":4544,"initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"falcon","multi_query":true,"new_decoder_architecture":false,
            "num_attention_heads":71,"num_hidden_layers":32,"parallel_attn":true,"torch_dtype":"bfloat16","transformers_version":"4.27.4","use_cache":true,
            "vocab_size":65024}
            """),
        ("falcon-rw-1b", 1_311_625_216, """
            {"alibi":true,"apply_residual_connection_post_layernorm":false,"architectures":["FalconForCausalLM"],"attention_dropout":0.0,
            "auto_map":{"AutoConfig":"configuration_falcon.FalconConfig"},"bias":true,"bos_token_id":1,"eos_token_id":2,"hidden_dropout":0.0,"hidden_size":2048,
            "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"falcon","multi_query":false,"new_decoder_architecture":false,
            "num_attention_heads":32,"num_hidden_layers":24,"parallel_attn":false,"torch_dtype":"bfloat16","transformers_version":"4.27.4","use_cache":true,
            "vocab_size":50304}
            """),
        ("falcon-11B", null, """
            {"alibi":false,"apply_residual_connection_post_layernorm":false,"architectures":["FalconForCausalLM"],"attention_dropout":0.0,
            "auto_map":{"AutoConfig":"configuration_falcon.FalconConfig"},"bias":false,"bos_token_id":11,"eos_token_id":11,"hidden_dropout":0.0,
            "hidden_size":4096,"initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"falcon","multi_query":true,"new_decoder_architecture":true,
            "num_attention_heads":32,"num_hidden_layers":60,"parallel_attn":true,"torch_dtype":"bfloat16","transformers_version":"4.27.4","use_cache":true,
            "vocab_size":65024,"activation":"gelu","ff_factor":4,"ffn_hidden_size":16384,"num_kv_heads":8,"num_ln_in_parallel_attn":1,"rope_scaling":null,
            "rope_theta":5000042.0,"max_position_embeddings":8192}
            """),
        ("phi-1_5", 1_418_270_720, """
            {"_name_or_path":"phi-1_5","architectures":["PhiForCausalLM"],"attention_dropout":0.0,"bos_token_id":null,"embd_pdrop":0.0,"eos_token_id":null,
            "hidden_act":"gelu_new","hidden_size":2048,"initializer_range":0.02,"intermediate_size":8192,"layer_norm_eps":1e-05,"max_position_embeddings":2048,
            "model_type":"phi","num_attention_heads":32,"num_hidden_layers":24,"num_key_value_heads":null,"partial_rotary_factor":0.5,"qk_layernorm":false,
            "resid_pdrop":0.0,"rope_scaling":null,"rope_theta":10000.0,"tie_word_embeddings":false,"torch_dtype":"float16","transformers_version":"4.37.0",
            "use_cache":true,"vocab_size":51200}
            """),
        ("phi-2", 2_779_683_840, """
            {"_name_or_path":"phi-1_5","architectures":["PhiForCausalLM"],"attention_dropout":0.0,"bos_token_id":50256,"embd_pdrop":0.0,"eos_token_id":50256,
            "hidden_act":"gelu_new","hidden_size":2560,"initializer_range":0.02,"intermediate_size":10240,"layer_norm_eps":1e-05,"max_position_embeddings":2048,
            "model_type":"phi","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":32,"partial_rotary_factor":0.4,"qk_layernorm":false,
            "resid_pdrop":0.1,"rope_scaling":null,"rope_theta":10000.0,"tie_word_embeddings":false,"torch_dtype":"float16","transformers_version":"4.37.0",
            "use_cache":true,"vocab_size":51200}
            """),
        ("Phi-3.5-mini", 3_821_079_552, """
            {"_name_or_path":"Phi-3.5-mini-instruct","architectures":["Phi3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,
            "auto_map":{"AutoConfig":"configuration_phi3.Phi3Config"},"bos_token_id":1,"embd_pdrop":0.0,"eos_token_id":32000,"hidden_act":"silu",
            "hidden_size":3072,"initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":131072,"model_type":"phi3","num_attention_heads":32,
            "num_hidden_layers":32,"num_key_value_heads":32,"original_max_position_embeddings":4096,"pad_token_id":32000,"resid_pdrop":0.0,"rms_norm_eps":1e-05,
            "rope_scaling":{"long_factor":[1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,
            1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5],"short_factor":[1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,
            1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0],
            "type":"longrope"},"rope_theta":10000.0,"sliding_window":262144,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.43.3",
            "use_cache":true,"vocab_size":32064}
            """),
        ("stablelm-2-1_6b", 1_644_515_328, """
            {"architectures":["StableLmForCausalLM"],"bos_token_id":100257,"eos_token_id":100257,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,
            "intermediate_size":5632,"layer_norm_eps":1e-05,"max_position_embeddings":4096,"model_type":"stablelm","num_attention_heads":32,
            "num_hidden_layers":24,"num_key_value_heads":32,"partial_rotary_factor":0.25,"rope_theta":10000,"tie_word_embeddings":false,"torch_dtype":"float16",
            "transformers_version":"4.38.0","use_cache":true,"use_qkv_bias":true,"vocab_size":100352}
            """),
        ("stablelm-3b-4e1t", 2_795_443_200, """
            {"architectures":["StableLmForCausalLM"],"bos_token_id":0,"eos_token_id":0,"hidden_act":"silu","hidden_size":2560,"initializer_range":0.02,
            "intermediate_size":6912,"layer_norm_eps":1e-05,"max_position_embeddings":4096,"model_type":"stablelm","num_attention_heads":32,
            "num_hidden_layers":32,"num_key_value_heads":32,"partial_rotary_factor":0.25,"rope_theta":10000,"tie_word_embeddings":false,"torch_dtype":"float16",
            "transformers_version":"4.38.0","use_cache":true,"use_qkv_bias":false,"vocab_size":50304,"rotary_scaling_factor":1.0}
            """),
        ("Qwen1.5-MoE-A2.7B", 14_315_784_192, """
            {"architectures":["Qwen2MoeForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151643,"hidden_act":"silu","hidden_size":2048,
            "initializer_range":0.02,"intermediate_size":5632,"max_position_embeddings":8192,"max_window_layers":21,"model_type":"qwen2_moe",
            "num_attention_heads":16,"num_hidden_layers":24,"num_key_value_heads":16,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":32768,
            "tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.39.0.dev0","use_cache":true,"use_sliding_window":false,
            "vocab_size":151936,"decoder_sparse_step":1,"moe_intermediate_size":1408,"shared_expert_intermediate_size":5632,"num_experts_per_tok":4,
            "num_experts":60,"norm_topk_prob":false,"output_router_logits":false,"router_aux_loss_coef":0.001}
            """),
        ("Qwen3-30B-A3B", 30_532_122_624, """
            {"architectures":["Qwen3MoeForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151643,"hidden_act":"silu","hidden_size":2048,
            "initializer_range":0.02,"intermediate_size":6144,"max_position_embeddings":40960,"max_window_layers":48,"model_type":"qwen3_moe",
            "num_attention_heads":32,"num_hidden_layers":48,"num_key_value_heads":4,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":null,
            "tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.39.0.dev0","use_cache":true,"use_sliding_window":false,
            "vocab_size":151936,"decoder_sparse_step":1,"moe_intermediate_size":768,"num_experts_per_tok":8,"num_experts":128,"norm_topk_prob":true,
            "output_router_logits":false,"router_aux_loss_coef":0.001,"attention_bias":false,"head_dim":128,"mlp_only_layers":[],"rope_scaling":null}
            """),
        ("a fine-tune of Qwen2.5-0.5B", 494_032_768, """
            {"_name_or_path":"Qwen2.5-0.5B","architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151645,
            "hidden_act":"silu","hidden_size":896,"initializer_range":0.02,"intermediate_size":4864,"max_position_embeddings":32768,"max_window_layers":21,
            "model_type":"qwen2","num_attention_heads":14,"num_hidden_layers":24,"num_key_value_heads":2,"pad_token_id":151654,"rms_norm_eps":1e-06,
            "rope_scaling":null,"rope_theta":1000000.0,"sliding_window":null,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.48.1",
            "unsloth_fixed":true,"use_cache":true,"use_sliding_window":false,"vocab_size":151936,"use_mrope":false,"neftune_noise_alpha":5,"total_flos":1.5e+18,
            "trust_remote_code":true,"sentence_transformers":{"version":"4.1.0"},"model_max_length":32768}
            """),
        ("gemma-2b", 2_506_172_416, """
            {"architectures":["GemmaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":2,"eos_token_id":1,"head_dim":256,
            "hidden_act":"gelu","hidden_activation":"gelu_pytorch_tanh","hidden_size":2048,"initializer_range":0.02,"intermediate_size":16384,
            "max_position_embeddings":8192,"model_type":"gemma","num_attention_heads":8,"num_hidden_layers":18,"num_key_value_heads":1,"pad_token_id":0,
            "rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":10000.0,"torch_dtype":"bfloat16","transformers_version":"4.38.0.dev0","use_cache":true,
            "vocab_size":256000}
            """),
        ("gemma-2b, first config", 2_506_172_416, """
            {"architectures":["GemmaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":2,"eos_token_id":1,"head_dim":256,
            "hidden_act":"gelu","hidden_activation":null,"hidden_size":2048,"initializer_range":0.02,"intermediate_size":16384,"max_position_embeddings":8192,
            "model_type":"gemma","num_attention_heads":8,"num_hidden_layers":18,"num_key_value_heads":1,"pad_token_id":0,"rms_norm_eps":1e-06,"rope_scaling":null,
            "rope_theta":10000.0,"torch_dtype":"bfloat16","transformers_version":"4.38.0.dev0","use_cache":true,"vocab_size":256000}
            """),
        ("gemma-2-9b", 9_241_705_984, """
            {"architectures":["Gemma2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":2,"eos_token_id":1,"head_dim":256,
            "hidden_act":"gelu_pytorch_tanh","hidden_activation":"gelu_pytorch_tanh","hidden_size":3584,"initializer_range":0.02,"intermediate_size":14336,
            "max_position_embeddings":8192,"model_type":"gemma2","num_attention_heads":16,"num_hidden_layers":42,"num_key_value_heads":8,"pad_token_id":0,
            "rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":10000.0,"torch_dtype":"bfloat16","transformers_version":"4.38.0.dev0","use_cache":true,
            "vocab_size":256000,"_attn_implementation":"eager","attn_logit_softcapping":50.0,"final_logit_softcapping":30.0,"cache_implementation":"hybrid",
            "query_pre_attn_scalar":256,"sliding_window":4096,"sliding_window_size":4096}
            """),
        ("gemma-3-1b", 999_885_952, """
            {"architectures":["Gemma3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attn_logit_softcapping":null,"bos_token_id":2,
            "cache_implementation":"hybrid","eos_token_id":[1,106],"final_logit_softcapping":null,"head_dim":256,"hidden_activation":"gelu_pytorch_tanh",
            "hidden_size":1152,"initializer_range":0.02,"intermediate_size":6912,"max_position_embeddings":32768,"model_type":"gemma3_text",
            "num_attention_heads":4,"num_hidden_layers":26,"num_key_value_heads":1,"pad_token_id":0,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,
            "rope_local_base_freq":10000,"rope_scaling":null,"rope_theta":1000000,"sliding_window":512,"sliding_window_pattern":6,"torch_dtype":"bfloat16",
            "transformers_version":"4.50.0.dev0","use_cache":true,"vocab_size":262144}
            """),
        ("gemma-3-270m", 268_098_176, """
            {"architectures":["Gemma3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attn_logit_softcapping":null,"bos_token_id":2,
            "cache_implementation":"hybrid","eos_token_id":[1,106],"final_logit_softcapping":null,"head_dim":256,"hidden_activation":"gelu_pytorch_tanh",
            "hidden_size":640,"initializer_range":0.02,"intermediate_size":2048,"max_position_embeddings":32768,"model_type":"gemma3_text",
            "num_attention_heads":4,"num_hidden_layers":18,"num_key_value_heads":1,"pad_token_id":0,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,
            "rope_local_base_freq":10000,"rope_scaling":null,"rope_theta":1000000,"sliding_window":512,"sliding_window_pattern":6,"torch_dtype":"bfloat16",
            "transformers_version":"4.50.0.dev0","use_cache":true,"vocab_size":262144,"_sliding_window_pattern":6,"layer_types":["sliding_attention",
            "sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention",
            "sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention",
            "sliding_attention","sliding_attention","full_attention"],"use_bidirectional_attention":false}
            """),
        ("Mistral-Nemo", 12_247_782_400, """
            {"architectures":["MistralForCausalLM"],"attention_dropout":0.0,"bos_token_id":1,"eos_token_id":2,"head_dim":128,"hidden_act":"silu",
            "hidden_size":5120,"initializer_range":0.02,"intermediate_size":14336,"max_position_embeddings":131072,"model_type":"mistral",
            "num_attention_heads":32,"num_hidden_layers":40,"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":1000000.0,"sliding_window":null,
            "tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.43.0.dev0","use_cache":true,"vocab_size":131072}
            """),
        ("OLMo-2-1B", 1_484_916_736, """
            {"architectures":["Olmo2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"eos_token_id":100257,"hidden_act":"silu","hidden_size":2048,
            "initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":4096,"model_type":"olmo2","num_attention_heads":16,"num_hidden_layers":16,
            "num_key_value_heads":16,"pad_token_id":100277,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":500000,"tie_word_embeddings":false,
            "torch_dtype":"float32","transformers_version":"4.47.0","use_cache":true,"vocab_size":100352}
            """),
        ("c4ai-command-r-v01", 34_980_831_232, """
            {"architectures":["CohereForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":5,"eos_token_id":255001,"hidden_act":"silu",
            "hidden_size":8192,"initializer_range":0.02,"intermediate_size":22528,"layer_norm_eps":1e-05,"logit_scale":0.0625,"max_position_embeddings":8192,
            "model_max_length":131072,"model_type":"cohere","num_attention_heads":64,"num_hidden_layers":40,"num_key_value_heads":64,"pad_token_id":0,
            "rope_theta":8000000.0,"torch_dtype":"float16","transformers_version":"4.38.2","use_cache":true,"use_qk_norm":false,"vocab_size":256000}
            """),
        ("aya-23-8B", 8_028_033_024, """
            {"architectures":["CohereForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":5,"eos_token_id":255001,"hidden_act":"silu",
            "hidden_size":4096,"initializer_range":0.02,"intermediate_size":14336,"layer_norm_eps":1e-05,"logit_scale":0.0625,"max_position_embeddings":8192,
            "model_max_length":131072,"model_type":"cohere","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"pad_token_id":0,
            "rope_theta":10000,"torch_dtype":"float16","transformers_version":"4.38.2","use_cache":true,"use_qk_norm":false,"vocab_size":256000}
            """),
        ("granite-3.0-2b", null, """
            {"architectures":["GraniteForCausalLM"],"attention_bias":false,"attention_dropout":0.1,"attention_multiplier":0.015625,"bos_token_id":0,
            "embedding_multiplier":12.0,"eos_token_id":0,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":8192,
            "logits_scaling":8.0,"max_position_embeddings":4096,"mlp_bias":false,"model_type":"granite","num_attention_heads":32,"num_hidden_layers":40,
            "num_key_value_heads":8,"pad_token_id":0,"residual_multiplier":0.22,"rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":10000.0,
            "tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.46.0.dev0","use_cache":true,"vocab_size":49155}
            """),
        ("SmolLM3-3B", 3_075_098_624, """
            {"architectures":["SmolLM3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":null,"eos_token_id":128012,"hidden_act":"silu",
            "hidden_size":2048,"initializer_range":0.02,"intermediate_size":11008,"layer_types":["full_attention","full_attention","full_attention",
            "full_attention","full_attention","full_attention","full_attention","full_attention","full_attention","full_attention","full_attention",
            "full_attention","full_attention","full_attention","full_attention","full_attention","full_attention","full_attention","full_attention",
            "full_attention","full_attention","full_attention","full_attention","full_attention","full_attention","full_attention","full_attention",
            "full_attention","full_attention","full_attention","full_attention","full_attention","full_attention","full_attention","full_attention",
            "full_attention"],"max_position_embeddings":65536,"max_window_layers":28,"mlp_bias":false,"model_type":"smollm3","no_rope_layer_interval":4,
            "no_rope_layers":[1,1,1,0,1,1,1,0,1,1,1,0,1,1,1,0,1,1,1,0,1,1,1,0,1,1,1,0,1,1,1,0,1,1,1,0],"num_attention_heads":16,"num_hidden_layers":36,
            "num_key_value_heads":4,"pad_token_id":128004,"pretraining_tp":2,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":5000000.0,
            "sliding_window":null,"torch_dtype":"bfloat16","transformers_version":"4.54.0.dev0","use_cache":false,"use_sliding_window":false,"vocab_size":128256}
            """),
        ("DeepSeek-V2-Lite", 15_706_484_224, """
            {"architectures":["DeepseekV2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,
            "auto_map":{"AutoConfig":"configuration_deepseek.DeepseekV2Config"},"aux_loss_alpha":0.001,"bos_token_id":100000,"eos_token_id":100001,
            "first_k_dense_replace":1,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":10944,"kv_lora_rank":512,
            "max_position_embeddings":163840,"model_type":"deepseek_v2","moe_intermediate_size":1408,"moe_layer_freq":1,"n_group":1,"n_routed_experts":64,
            "n_shared_experts":2,"norm_topk_prob":false,"num_attention_heads":16,"num_experts_per_tok":6,"num_hidden_layers":27,"num_key_value_heads":16,
            "pretraining_tp":1,"q_lora_rank":null,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"rms_norm_eps":1e-06,"rope_scaling":{"beta_fast":32,"beta_slow":1,
            "factor":40,"mscale":0.707,"mscale_all_dim":0.707,"original_max_position_embeddings":4096,"type":"yarn"},"rope_theta":10000,
            "routed_scaling_factor":1.0,"scoring_func":"softmax","seq_aux":true,"tie_word_embeddings":false,"topk_group":1,"topk_method":"greedy",
            "torch_dtype":"bfloat16","transformers_version":"4.33.1","use_cache":true,"v_head_dim":128,"vocab_size":102400}
            """),
        ("Moonlight-16B-A3B", null, """
            {"architectures":["DeepseekV3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,
            "auto_map":{"AutoConfig":"configuration_deepseek.DeepseekV2Config"},"aux_loss_alpha":0.001,"bos_token_id":100000,"eos_token_id":100001,
            "first_k_dense_replace":1,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":11264,"kv_lora_rank":512,
            "max_position_embeddings":8192,"model_type":"deepseek_v3","moe_intermediate_size":1408,"moe_layer_freq":1,"n_group":1,"n_routed_experts":64,
            "n_shared_experts":2,"norm_topk_prob":true,"num_attention_heads":16,"num_experts_per_tok":6,"num_hidden_layers":27,"num_key_value_heads":16,
            "pretraining_tp":1,"q_lora_rank":null,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":50000.0,
            "routed_scaling_factor":2.446,"scoring_func":"sigmoid","seq_aux":true,"tie_word_embeddings":false,"topk_group":1,"topk_method":"noaux_tc",
            "torch_dtype":"bfloat16","transformers_version":"4.33.1","use_cache":true,"v_head_dim":128,"vocab_size":163840,"ep_size":1,
            "num_nextn_predict_layers":0}
            """),
        ("bitnet-b1.58-2B-4T-bf16", 2_412_820_480, """
            {"architectures":["BitNetForCausalLM"],"auto_map":{"AutoConfig":"configuration_bitnet.BitNetConfig"},"bos_token_id":128000,"eos_token_id":128001,
            "hidden_act":"relu2","hidden_size":2560,"initializer_range":0.02,"intermediate_size":6912,"max_position_embeddings":4096,"model_type":"bitnet",
            "num_attention_heads":20,"num_hidden_layers":30,"num_key_value_heads":5,"quantization_config":{"linear_class":"autobitlinear","quant_method":"bitnet",
            "quantization_mode":"online"},"rms_norm_eps":1e-05,"rope_theta":500000.0,"tie_word_embeddings":true,"torch_dtype":"bfloat16",
            "transformers_version":"4.53.0.dev0","use_cache":true,"vocab_size":128256}
            """),
        ("llama-7b", 6_738_415_616, """
            {"architectures":["LlamaForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,
            "intermediate_size":11008,"max_sequence_length":2048,"model_type":"llama","num_attention_heads":32,"num_hidden_layers":32,"pad_token_id":0,
            "rms_norm_eps":1e-06,"torch_dtype":"float16","transformers_version":"4.27.0.dev0","use_cache":true,"vocab_size":32000}
            """),
        ("TinyLlama-1.1B", 1_100_048_384, """
            {"architectures":["LlamaForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,
            "intermediate_size":5632,"max_sequence_length":2048,"model_type":"llama","num_attention_heads":32,"num_hidden_layers":22,"pad_token_id":0,
            "rms_norm_eps":1e-05,"torch_dtype":"float16","transformers_version":"4.27.0.dev0","use_cache":true,"vocab_size":32000,"attention_bias":false,
            "max_position_embeddings":2048,"num_key_value_heads":4,"pretraining_tp":1,"rope_scaling":null,"rope_theta":10000.0,"tie_word_embeddings":false}
            """),
    ];
}
