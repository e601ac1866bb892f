namespace Decant.Compression.Methods.Mixtures;

/// <summary>What a mixture rule speaks about: kinds of tensors, told apart by their GGUF names as llama.cpp does.</summary>
public enum TensorCategory
{
    /// <summary>Anything without a rule of its own.</summary>
    Other,
    /// <summary><c>token_embd.weight</c>, <c>per_layer_token_embd.weight</c>.</summary>
    TokenEmbedding,
    /// <summary><c>output.weight</c>.</summary>
    Output,
    /// <summary><c>attn_q.weight</c>.</summary>
    Query,
    /// <summary><c>attn_k.weight</c>.</summary>
    Key,
    /// <summary><c>attn_v.weight</c>, the fused <c>attn_qkv.weight</c>, and <c>attn_kv_b.weight</c>: rounding these costs most.</summary>
    Value,
    /// <summary><c>attn_output.weight</c>.</summary>
    AttentionOutput,
    /// <summary>Names with <c>ffn_gate</c>.</summary>
    Gate,
    /// <summary>Names with <c>ffn_up</c>.</summary>
    Up,
    /// <summary>Names with <c>ffn_down</c>.</summary>
    Down,
}
