using System.Collections.Frozen;

namespace Decant.Core.Architectures.Configuration;

/// <summary>
/// Top-level keys of config.json that change no logits at inference, whatever their value: bookkeeping, token ids, training-only
/// settings, heads for classification, and defaults for generation that older versions of transformers wrote there.
/// </summary>
internal static class HarmlessKeys
{
    private static readonly FrozenSet<string> keys = FrozenSet.Create(
        StringComparer.Ordinal,
        // What wrote the file, and how it would be loaded.
        "_name_or_path", "_commit_hash", "_from_model_config", "architectures", "auto_map", "model_type", "name_or_path", "tokenizer_class",
        "transformers_version", "transformers.js_config", "torch_dtype", "dtype", "use_bfloat16", "torchscript", "tf_legacy_loss", "unsloth_fixed",
        "unsloth_version", "is_llama_config", "license", "language", "name", "custom_pipelines", "trust_remote_code",
        "max_sequence_length", "model_max_length",
        // Speed and memory, not results.
        "use_cache", "output_past", "cache_implementation", "_attn_implementation", "_attn_implementation_autoset", "attn_implementation", "_attn_implementation_internal",
        "_flash_attn_2_enabled", "use_flash_attn", "pretraining_tp", "gradient_checkpointing", "return_dict", "use_return_dict",
        "output_attentions", "output_hidden_states", "output_router_logits", "chunk_size_feed_forward", "is_decoder", "cross_attention_hidden_size", "xla_device",
        // Token ids.
        "bos_token_id", "eos_token_id", "eos_token_ids", "pad_token_id", "unk_token_id", "sep_token_id", "cls_token_id", "mask_token_id",
        "decoder_start_token_id",
        // Training.
        "initializer_range", "init_std", "attention_dropout", "hidden_dropout", "dropout", "activation_dropout", "resid_pdrop", "embd_pdrop",
        "attn_pdrop", "resid_dropout", "embd_dropout", "layerdrop", "router_aux_loss_coef", "router_jitter_noise", "keys_to_ignore_at_inference",
        "hidden_dropout_prob", "attention_probs_dropout_prob", "neftune_noise_alpha", "total_flos",
        // Classification heads, and what sentence-transformers does with what comes out of the model.
        "id2label", "label2id", "num_labels", "_num_labels", "sentence_transformers", "sbert_ce_default_activation_function",
        "problem_type", "finetuning_task", "classifier_dropout", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj",
        // Generation defaults.
        "bad_words_ids", "begin_suppress_tokens", "diversity_penalty", "do_sample", "early_stopping", "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty", "forced_bos_token_id", "forced_eos_token_id", "length_penalty", "max_length", "min_length",
        "max_new_tokens", "no_repeat_ngram_size", "num_beam_groups", "num_beams", "num_return_sequences", "output_scores", "prefix",
        "remove_invalid_values", "repetition_penalty", "return_dict_in_generate", "suppress_tokens", "task_specific_params", "temperature",
        "top_k", "top_p", "typical_p", "penalty_alpha", "epsilon_cutoff", "eta_cutoff", "min_new_tokens", "renormalize_logits", "force_words_ids");

    /// <summary>True if the key is on the list.</summary>
    public static bool Contains(string key) => keys.Contains(key);
}
