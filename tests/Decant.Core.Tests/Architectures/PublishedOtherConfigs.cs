using System.Collections.Immutable;

namespace Decant.Core.Tests.Architectures;

/// <summary>config.json of encoders, encoder-decoders, scans and Reformers with the keys and values that published checkpoints have.</summary>
internal static class PublishedOtherConfigs
{
    /// <summary>Model, parameters as they are published (of what a spec lists) if they are known, config.json.</summary>
    public static ImmutableArray<(string Model, long? Parameters, string Config)> All { get; } =
    [
        ("mamba-130m-hf", 129_135_360, """
            {"architectures":["MambaForCausalLM"],"bos_token_id":0,"conv_kernel":4,"d_inner":1536,"d_model":768,"eos_token_id":0,"expand":2,"fused_add_norm":true,
            "hidden_act":"silu","hidden_size":768,"initializer_range":0.1,"intermediate_size":1536,"layer_norm_epsilon":1e-05,"model_type":"mamba","n_layer":24,
            "num_hidden_layers":24,"pad_token_id":0,"pad_vocab_size_multiple":8,"rescale_prenorm_residual":false,"residual_in_fp32":true,"rms_norm":true,
            "ssm_cfg":{},"state_size":16,"time_step_floor":0.0001,"time_step_init_scheme":"random","time_step_max":0.1,"time_step_min":0.001,"time_step_rank":48,
            "time_step_scale":1.0,"torch_dtype":"float32","transformers_version":"4.39.0.dev0","use_bias":false,"use_cache":true,"use_conv_bias":true,
            "vocab_size":50280}
            """),
        ("Mamba-Codestral-7B", 7_285_403_648, """
            {"architectures":["Mamba2ForCausalLM"],"bos_token_id":0,"chunk_size":256,"conv_kernel":4,"eos_token_id":0,"expand":2,"head_dim":64,
            "hidden_act":"silu","hidden_size":4096,"initializer_range":0.1,"intermediate_size":8192,"layer_norm_epsilon":1e-05,"model_type":"mamba2","n_groups":8,
            "norm_before_gate":true,"num_heads":128,"num_hidden_layers":64,"pad_token_id":0,"rescale_prenorm_residual":false,"residual_in_fp32":true,
            "rms_norm":true,"state_size":128,"tie_word_embeddings":false,"time_step_floor":0.0001,"time_step_init_scheme":"random","time_step_limit":[0.0,
            {"__float__":"Infinity"}],"time_step_max":0.1,"time_step_min":0.001,"time_step_rank":256,"time_step_scale":1.0,"torch_dtype":"bfloat16",
            "transformers_version":"4.44.0.dev0","use_bias":false,"use_cache":true,"use_conv_bias":true,"vocab_size":32768}
            """),
        ("mamba2-130m-hf", null, """
            {"architectures":["Mamba2ForCausalLM"],"bos_token_id":0,"chunk_size":256,"conv_kernel":4,"eos_token_id":0,"expand":2,"head_dim":64,
            "hidden_act":"silu","hidden_size":768,"initializer_range":0.1,"intermediate_size":1536,"layer_norm_epsilon":1e-05,"model_type":"mamba2","n_groups":1,
            "norm_before_gate":true,"num_heads":24,"num_hidden_layers":24,"pad_token_id":0,"rescale_prenorm_residual":false,"residual_in_fp32":true,
            "rms_norm":true,"state_size":128,"tie_word_embeddings":true,"time_step_floor":0.0001,"time_step_init_scheme":"random","time_step_limit":[0.0,
            {"__float__":"Infinity"}],"time_step_max":0.1,"time_step_min":0.001,"time_step_rank":48,"time_step_scale":1.0,"torch_dtype":"bfloat16",
            "transformers_version":"4.44.0.dev0","use_bias":false,"use_cache":true,"use_conv_bias":true,"vocab_size":50288}
            """),
        ("rwkv-4-169m-pile", 169_342_464, """
            {"architectures":["RwkvForCausalLM"],"attention_hidden_size":768,"bos_token_id":0,"context_length":1024,"eos_token_id":0,"hidden_size":768,
            "intermediate_size":3072,"layer_norm_epsilon":1e-05,"model_type":"rwkv","num_hidden_layers":12,"rescale_every":6,"tie_word_embeddings":false,
            "transformers_version":"4.29.0.dev0","use_cache":true,"vocab_size":50277}
            """),
        ("reformer-crime-and-punishment", null, """
            {"architectures":["ReformerModelWithLMHead"],"attention_head_size":64,"attention_probs_dropout_prob":0.1,"attn_layers":["local","lsh","local","lsh",
            "local","lsh"],"axial_norm_std":1.0,"axial_pos_embds":true,"axial_pos_embds_dim":[64,192],"axial_pos_shape":[512,1024],"chunk_size_feed_forward":0,
            "chunk_size_lm_head":0,"eos_token_id":2,"feed_forward_size":512,"hash_seed":null,"hidden_act":"relu","hidden_dropout_prob":0.05,"hidden_size":256,
            "initializer_range":0.02,"intermediate_size":3072,"is_decoder":true,"layer_norm_eps":1e-12,"local_attention_probs_dropout_prob":0.05,
            "local_attn_chunk_length":64,"local_num_chunks_after":0,"local_num_chunks_before":1,"lsh_attention_probs_dropout_prob":0.0,"lsh_attn_chunk_length":64,
            "lsh_num_chunks_after":0,"lsh_num_chunks_before":1,"max_position_embeddings":524288,"model_type":"reformer","num_attention_heads":2,"num_buckets":[64,
            128],"num_chunks_after":0,"num_chunks_before":1,"num_hashes":1,"num_hidden_layers":6,"output_past":true,"pad_token_id":0,
            "task_specific_params":{"text-generation":{"do_sample":true,"max_length":100}},"vocab_size":320}
            """),
        ("all-MiniLM-L6-v2", null, """
            {"_name_or_path":"MiniLM-L6-H384-uncased","architectures":["BertModel"],"attention_probs_dropout_prob":0.1,"gradient_checkpointing":false,
            "hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":384,"initializer_range":0.02,"intermediate_size":1536,"layer_norm_eps":1e-12,
            "max_position_embeddings":512,"model_type":"bert","num_attention_heads":12,"num_hidden_layers":6,"pad_token_id":0,
            "position_embedding_type":"absolute","transformers_version":"4.8.2","type_vocab_size":2,"use_cache":true,"vocab_size":30522}
            """),
        ("bert-tiny", null, """
            {"attention_probs_dropout_prob":0.1,"hidden_act":"gelu","hidden_dropout_prob":0.1,"initializer_range":0.02,"max_position_embeddings":512,
            "model_type":"bert","type_vocab_size":2,"vocab_size":30522,"hidden_size":128,"num_attention_heads":2,"num_hidden_layers":2,"intermediate_size":512}
            """),
        ("bge-small-en-v1.5", null, """
            {"_name_or_path":"MiniLM-L6-H384-uncased","architectures":["BertModel"],"attention_probs_dropout_prob":0.1,"gradient_checkpointing":false,
            "hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":384,"initializer_range":0.02,"intermediate_size":1536,"layer_norm_eps":1e-12,
            "max_position_embeddings":512,"model_type":"bert","num_attention_heads":12,"num_hidden_layers":12,"pad_token_id":0,
            "position_embedding_type":"absolute","transformers_version":"4.8.2","type_vocab_size":2,"use_cache":true,"vocab_size":30522,"classifier_dropout":null,
            "id2label":{"0":"LABEL_0"},"label2id":{"LABEL_0":0}}
            """),
        ("ms-marco-MiniLM-L6-v2", null, """
            {"_name_or_path":"MiniLM-L6-H384-uncased","architectures":["BertForSequenceClassification"],"attention_probs_dropout_prob":0.1,
            "gradient_checkpointing":false,"hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":384,"initializer_range":0.02,"intermediate_size":1536,
            "layer_norm_eps":1e-12,"max_position_embeddings":512,"model_type":"bert","num_attention_heads":12,"num_hidden_layers":6,"pad_token_id":0,
            "position_embedding_type":"absolute","transformers_version":"4.8.2","type_vocab_size":2,"use_cache":true,"vocab_size":30522,
            "id2label":{"0":"LABEL_0"},"label2id":{"LABEL_0":0},"classifier_dropout":null,
            "sbert_ce_default_activation_function":"torch.nn.modules.linear.Identity","sentence_transformers":{"activation_fn":"torch.nn.modules.linear.Identity",
            "version":"4.1.0.dev0"}}
            """),
        ("bert-base-NER", null, """
            {"_name_or_path":"MiniLM-L6-H384-uncased","architectures":["BertForTokenClassification"],"attention_probs_dropout_prob":0.1,
            "gradient_checkpointing":false,"hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":384,"initializer_range":0.02,"intermediate_size":1536,
            "layer_norm_eps":1e-12,"max_position_embeddings":512,"model_type":"bert","num_attention_heads":12,"num_hidden_layers":6,"pad_token_id":0,
            "position_embedding_type":"absolute","transformers_version":"4.8.2","type_vocab_size":2,"use_cache":true,"vocab_size":28996,"_num_labels":2,
            "directionality":"bidi","id2label":{"0":"O","1":"B-PER"},"label2id":{"O":0,"B-PER":1},"output_past":true,"pooler_fc_size":768,
            "pooler_num_attention_heads":12,"pooler_num_fc_layers":3,"pooler_size_per_head":128,"pooler_type":"first_token_transform"}
            """),
        ("legal-bert-small", null, """
            {"_name_or_path":"MiniLM-L6-H384-uncased","architectures":["BertForPreTraining"],"attention_probs_dropout_prob":0.1,"gradient_checkpointing":false,
            "hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":384,"initializer_range":0.02,"intermediate_size":1536,"layer_norm_eps":1e-12,
            "max_position_embeddings":512,"model_type":"bert","num_attention_heads":12,"num_hidden_layers":6,"pad_token_id":0,
            "position_embedding_type":"absolute","transformers_version":"4.8.2","type_vocab_size":2,"use_cache":true,"vocab_size":30522,"bos_token_id":0,
            "eos_token_ids":0,"output_past":true,"do_sample":false,"is_decoder":false,"pruned_heads":{},"xla_device":null,"num_labels":2,"finetuning_task":null,
            "eos_token_id":0}
            """),
        ("roberta-base-squad2", null, """
            {"architectures":["RobertaModel"],"attention_probs_dropout_prob":0.1,"bos_token_id":0,"eos_token_id":2,"gradient_checkpointing":false,
            "hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":768,"initializer_range":0.02,"intermediate_size":3072,"language":"english",
            "layer_norm_eps":1e-05,"max_position_embeddings":514,"model_type":"roberta","name":"Roberta","num_attention_heads":12,"num_hidden_layers":12,
            "pad_token_id":1,"type_vocab_size":1,"vocab_size":50265}
            """),
        ("camembert-base", null, """
            {"architectures":["CamembertForMaskedLM"],"attention_probs_dropout_prob":0.1,"bos_token_id":5,"eos_token_id":6,"hidden_act":"gelu",
            "hidden_dropout_prob":0.1,"hidden_size":768,"initializer_range":0.02,"intermediate_size":3072,"layer_norm_eps":1e-05,"max_position_embeddings":514,
            "model_type":"camembert","num_attention_heads":12,"num_hidden_layers":12,"pad_token_id":1,"type_vocab_size":1,"vocab_size":32005,"output_past":true}
            """),
        ("bge-m3", null, """
            {"architectures":["XLMRobertaModel"],"attention_probs_dropout_prob":0.1,"bos_token_id":0,"eos_token_id":2,"hidden_act":"gelu",
            "hidden_dropout_prob":0.1,"hidden_size":1024,"initializer_range":0.02,"intermediate_size":4096,"layer_norm_eps":1e-05,"max_position_embeddings":8194,
            "model_type":"xlm-roberta","num_attention_heads":16,"num_hidden_layers":24,"pad_token_id":1,"type_vocab_size":1,"vocab_size":250002,
            "classifier_dropout":null,"torch_dtype":"float32","transformers_version":"4.33.0","use_cache":true,"output_past":true,
            "position_embedding_type":"absolute"}
            """),
        ("distilbert-sst-2", null, """
            {"activation":"gelu","architectures":["DistilBertForSequenceClassification"],"attention_dropout":0.1,"dim":768,"dropout":0.1,
            "finetuning_task":"sst-2","hidden_dim":3072,"id2label":{"0":"NEGATIVE","1":"POSITIVE"},"initializer_range":0.02,"label2id":{"NEGATIVE":0,
            "POSITIVE":1},"max_position_embeddings":512,"model_type":"distilbert","n_heads":12,"n_layers":6,"output_past":true,"pad_token_id":0,"qa_dropout":0.1,
            "seq_classif_dropout":0.2,"sinusoidal_pos_embds":false,"tie_weights_":true,"transformers_version":"4.10.0.dev0","vocab_size":30522}
            """),
        ("albert-xxlarge-v1", null, """
            {"architectures":["AlbertForMaskedLM"],"attention_probs_dropout_prob":0,"bos_token_id":2,"classifier_dropout_prob":0.1,"down_scale_factor":1,
            "embedding_size":128,"eos_token_id":3,"gap_size":0,"hidden_act":"gelu","hidden_dropout_prob":0,"hidden_size":4096,"initializer_range":0.02,
            "inner_group_num":1,"intermediate_size":16384,"layer_norm_eps":1e-12,"layers_to_keep":[],"max_position_embeddings":512,"model_type":"albert",
            "net_structure_type":0,"num_attention_heads":64,"num_hidden_groups":1,"num_hidden_layers":12,"num_memory_blocks":0,"output_past":true,
            "pad_token_id":0,"type_vocab_size":2,"vocab_size":30000}
            """),
        ("gte-modernbert-base", null, """
            {"architectures":["ModernBertModel"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":50281,"classifier_activation":"gelu",
            "classifier_bias":false,"classifier_dropout":0.0,"classifier_pooling":"mean","cls_token_id":50281,"decoder_bias":true,
            "deterministic_flash_attn":false,"embedding_dropout":0.0,"eos_token_id":50282,"global_attn_every_n_layers":3,"global_rope_theta":160000.0,
            "gradient_checkpointing":false,"hidden_activation":"gelu","hidden_size":768,"initializer_cutoff_factor":2.0,"initializer_range":0.02,
            "intermediate_size":1152,"layer_norm_eps":1e-05,"local_attention":128,"local_rope_theta":10000.0,"max_position_embeddings":8192,"mlp_bias":false,
            "mlp_dropout":0.0,"model_type":"modernbert","norm_bias":false,"norm_eps":1e-05,"num_attention_heads":12,"num_hidden_layers":22,"pad_token_id":50283,
            "position_embedding_type":"absolute","reference_compile":false,"repad_logits_with_grad":false,"sep_token_id":50282,"sparse_pred_ignore_index":-100,
            "sparse_prediction":false,"tie_word_embeddings":true,"torch_dtype":"float32","transformers_version":"4.47.0.dev0","vocab_size":50368}
            """),
        ("t5-v1_1-small", 76_961_152, """
            {"architectures":["T5ForConditionalGeneration"],"d_ff":1024,"d_kv":64,"d_model":512,"decoder_start_token_id":0,"dense_act_fn":"gelu_new",
            "dropout_rate":0.1,"eos_token_id":1,"feed_forward_proj":"gated-gelu","initializer_factor":1.0,"is_encoder_decoder":true,"is_gated_act":true,
            "layer_norm_epsilon":1e-06,"model_type":"t5","num_decoder_layers":8,"num_heads":6,"num_layers":8,"output_past":true,"pad_token_id":0,
            "relative_attention_max_distance":128,"relative_attention_num_buckets":32,"tie_word_embeddings":false,"tokenizer_class":"T5Tokenizer",
            "transformers_version":"4.23.1","use_cache":true,"vocab_size":32128}
            """),
        ("umt5-small", 306_601_984, """
            {"architectures":["UMT5ForConditionalGeneration"],"d_ff":1024,"d_kv":64,"d_model":512,"decoder_start_token_id":0,"dense_act_fn":"gelu_new",
            "dropout_rate":0.1,"eos_token_id":1,"feed_forward_proj":"gated-gelu","initializer_factor":1.0,"is_encoder_decoder":true,"is_gated_act":true,
            "layer_norm_epsilon":1e-06,"model_type":"umt5","num_decoder_layers":8,"num_heads":6,"num_layers":8,"output_past":true,"pad_token_id":0,
            "relative_attention_max_distance":128,"relative_attention_num_buckets":32,"tie_word_embeddings":false,"tokenizer_class":"T5Tokenizer",
            "transformers_version":"4.23.1","use_cache":true,"vocab_size":256384,"scalable_attention":true,"classifier_dropout":0.0,"torch_dtype":"float32"}
            """),
        ("byt5-small", 299_637_760, """
            {"architectures":["T5ForConditionalGeneration"],"d_ff":3584,"d_kv":64,"d_model":1472,"decoder_start_token_id":0,"dense_act_fn":"gelu_new",
            "dropout_rate":0.1,"eos_token_id":1,"feed_forward_proj":"gated-gelu","initializer_factor":1.0,"is_encoder_decoder":true,"is_gated_act":true,
            "layer_norm_epsilon":1e-06,"model_type":"t5","num_decoder_layers":4,"num_heads":6,"num_layers":12,"output_past":true,"pad_token_id":0,
            "relative_attention_max_distance":128,"relative_attention_num_buckets":32,"tie_word_embeddings":false,"tokenizer_class":"ByT5Tokenizer",
            "transformers_version":"4.23.1","use_cache":true,"vocab_size":384,"gradient_checkpointing":false}
            """),
        ("codet5-small", 60_492_288, """
            {"architectures":["T5ForConditionalGeneration"],"d_ff":2048,"d_kv":64,"d_model":512,"decoder_start_token_id":0,"dense_act_fn":"relu",
            "dropout_rate":0.1,"eos_token_id":2,"feed_forward_proj":"relu","initializer_factor":1.0,"is_encoder_decoder":true,"is_gated_act":false,
            "layer_norm_epsilon":1e-06,"model_type":"t5","num_decoder_layers":6,"num_heads":8,"num_layers":6,"output_past":true,"pad_token_id":0,
            "relative_attention_max_distance":128,"relative_attention_num_buckets":32,"tie_word_embeddings":true,"tokenizer_class":"T5Tokenizer",
            "transformers_version":"4.23.1","use_cache":true,"vocab_size":32100,"bos_token_id":1,"gradient_checkpointing":false,"id2label":{"0":"LABEL_0"},
            "label2id":{"LABEL_0":0},"task_specific_params":{"summarization":{"prefix":"summarize: "}},"n_positions":512}
            """),
    ];
}
