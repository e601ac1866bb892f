using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>Tensor names of GGUF files (llama.cpp's name tables). Most decoders share them.</summary>
internal static class GgufNames
{
    /// <summary>Projections and norms apart, experts stacked: Llama, Qwen, Gemma.</summary>
    public static TensorLayout Usual { get; } = With();

    /// <summary>Names for families that GGUF has no architecture for: the usual ones, and a short one where a checkpoint's own is longer than GGUF can hold.</summary>
    public static TensorLayout WithoutArchitecture { get; } = With(TensorLayout.Module("blk.{layer}.attn_qk", TensorRole.QueryKey));

    /// <summary>The usual names after lines that come first: what a family stores otherwise, such as fused projections.</summary>
    public static TensorLayout With(params ReadOnlySpan<TensorMapping> first) => new(
    [
        .. first,
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("position_embd", TensorRole.PositionEmbedding),
        TensorLayout.Module("token_embd_norm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("rope_freqs", TensorRole.RopeFrequencyDivisors),
        TensorLayout.Module("rope_factors_long", TensorRole.RopeLongFactors),
        TensorLayout.Module("rope_factors_short", TensorRole.RopeShortFactors),
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.AttentionNorm),
        TensorLayout.Module("blk.{layer}.attn_q", TensorRole.Query),
        TensorLayout.Module("blk.{layer}.attn_k", TensorRole.Key),
        TensorLayout.Module("blk.{layer}.attn_v", TensorRole.Value),
        TensorLayout.Module("blk.{layer}.attn_q_norm", TensorRole.QueryNorm),
        TensorLayout.Module("blk.{layer}.attn_k_norm", TensorRole.KeyNorm),
        TensorLayout.Module("blk.{layer}.attn_output", TensorRole.AttentionOutput),
        TensorLayout.Module("blk.{layer}.post_attention_norm", TensorRole.AttentionPostNorm),
        TensorLayout.Module("blk.{layer}.ffn_norm", TensorRole.FeedForwardNorm),
        TensorLayout.Module("blk.{layer}.ffn_gate_inp", TensorRole.Router),
        TensorLayout.Whole("blk.{layer}.exp_probs_b.bias", TensorRole.ExpertChoiceBias),
        TensorLayout.Module("blk.{layer}.ffn_gate_inp_shexp", TensorRole.SharedRouter) with { IsVector = true },
        TensorLayout.Module("blk.{layer}.ffn_gate_shexp", TensorRole.SharedGate),
        TensorLayout.Module("blk.{layer}.ffn_up_shexp", TensorRole.SharedUp),
        TensorLayout.Module("blk.{layer}.ffn_down_shexp", TensorRole.SharedDown),
        TensorLayout.Module("blk.{layer}.ffn_gate", TensorRole.Gate),
        TensorLayout.Module("blk.{layer}.ffn_up", TensorRole.Up),
        TensorLayout.Module("blk.{layer}.ffn_down", TensorRole.Down),
        TensorLayout.Experts("blk.{layer}.ffn_gate_exps", TensorRole.Gate),
        TensorLayout.Experts("blk.{layer}.ffn_up_exps", TensorRole.Up),
        TensorLayout.Experts("blk.{layer}.ffn_down_exps", TensorRole.Down),
        // Mixtral files of early 2024 hold every expert apart.
        TensorLayout.Module("blk.{layer}.ffn_gate.{expert}", TensorRole.Gate),
        TensorLayout.Module("blk.{layer}.ffn_up.{expert}", TensorRole.Up),
        TensorLayout.Module("blk.{layer}.ffn_down.{expert}", TensorRole.Down),
        TensorLayout.Module("blk.{layer}.post_ffw_norm", TensorRole.FeedForwardPostNorm),
        // Some files fuse what their architecture usually stores apart; llama.cpp loads both.
        TensorLayout.Fused("blk.{layer}.attn_qkv", TensorRole.Query, TensorRole.Key, TensorRole.Value),
        TensorLayout.Module("output_norm", TensorRole.FinalNorm),
        TensorLayout.Module("output", TensorRole.Head),
    ]);
}
