using System.Globalization;

namespace Decant.Compression.Methods.Mixtures;

/// <summary>What GGUF tensor names say: category, layer, and whether a tensor may be quantized at all.</summary>
internal static class GgufTensorNames
{
    /// <summary>Name parts of two-dimensional weights that stay as they are: small, or used as tables and not in products (llama-quant.cpp).</summary>
    private static readonly string[] untouchedParts =
    [
        "_norm.weight",
        "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight",                       // routers
        "altup", "laurel", "per_layer_model_proj",                              // Gemma 3n
        "ssm_conv1d", "shortconv.conv.weight",                                  // short convolutions
        "indexer.k_proj.weight", "indexer.q_proj.weight",                       // MiniMax
        "time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight",
        "time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
        "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight", // RWKV
        "attn_rel_b.weight",                                                    // T5
        ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger", // vision
        "a.rvq.codebook", "mm.a.code_embd",                                     // audio
    ];

    private static readonly string[] untouchedNames = ["position_embd.weight", "token_types.weight"];

    /// <summary>Name parts in the order in which they are tried.</summary>
    private static readonly (string Part, TensorCategory Category)[] categoryParts =
    [
        ("attn_qkv.weight", TensorCategory.Value),
        ("attn_kv_b.weight", TensorCategory.Value),
        ("attn_v.weight", TensorCategory.Value),
        ("attn_k.weight", TensorCategory.Key),
        ("attn_q.weight", TensorCategory.Query),
        ("attn_output.weight", TensorCategory.AttentionOutput),
        ("ffn_up", TensorCategory.Up),
        ("ffn_gate", TensorCategory.Gate),
        ("ffn_down", TensorCategory.Down),
    ];

    /// <summary>The category of a tensor name.</summary>
    public static TensorCategory Categorise(string name)
    {
        if (name == "output.weight")
            return TensorCategory.Output;
        if (IsTokenEmbedding(name))
            return TensorCategory.TokenEmbedding;
        foreach ((string part, TensorCategory category) in categoryParts)
        {
            if (name.Contains(part, StringComparison.Ordinal))
                return category;
        }
        return TensorCategory.Other;
    }

    /// <summary>True for embedding tables.</summary>
    public static bool IsTokenEmbedding(string name) => name is "token_embd.weight" or "per_layer_token_embd.weight";

    /// <summary>True if a tensor of this name and rank may get another type: matrices called weight, without norms, routers and the like.</summary>
    public static bool MayQuantize(string name, int rank) =>
        rank >= 2
        && name.EndsWith("weight", StringComparison.Ordinal)
        && !untouchedNames.Contains(name)
        && !untouchedParts.Any(part => name.Contains(part, StringComparison.Ordinal));

    /// <summary>The block number in <c>blk.N.</c>, or null.</summary>
    public static int? Layer(string name)
    {
        if (!name.StartsWith("blk.", StringComparison.Ordinal))
            return null;
        int end = name.IndexOf('.', 4);
        return end > 4 && int.TryParse(name.AsSpan(4, end - 4), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) ? layer : null;
    }

    /// <summary>llama.cpp's order of tensors: outside the blocks first, then block by block, names by their bytes.</summary>
    public static int Compare(string left, string right)
    {
        int byLayer = (Layer(left) ?? -1).CompareTo(Layer(right) ?? -1);
        return byLayer != 0 ? byLayer : string.CompareOrdinal(left, right);
    }
}
