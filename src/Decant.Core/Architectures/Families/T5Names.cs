using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>Names of tensors in T5's stacks, in Hugging Face checkpoints and in GGUF files.</summary>
internal static class T5Names
{
    /// <summary>Names of a stack's blocks.</summary>
    /// <param name="stack">encoder or decoder.</param>
    /// <param name="kind">The stack that their numbers count in.</param>
    /// <param name="isDecoder">True with attention to the encoder.</param>
    public static TensorMapping[] Block(string stack, StackKind kind, bool isDecoder)
    {
        string block = stack + ".block.{layer}.layer.", last = isDecoder ? "2" : "1";
        TensorMapping[] self =
        [
            TensorLayout.Module(block + "0.layer_norm", TensorRole.AttentionNorm),
            TensorLayout.Module(block + "0.SelfAttention.relative_attention_bias", TensorRole.RelativeBias),
            TensorLayout.Module(block + "0.SelfAttention.q", TensorRole.Query),
            TensorLayout.Module(block + "0.SelfAttention.k", TensorRole.Key),
            TensorLayout.Module(block + "0.SelfAttention.v", TensorRole.Value),
            TensorLayout.Module(block + "0.SelfAttention.o", TensorRole.AttentionOutput),
            TensorLayout.Module(block + last + ".layer_norm", TensorRole.FeedForwardNorm),
            TensorLayout.Module(block + last + ".DenseReluDense.wi", TensorRole.Up),
            TensorLayout.Module(block + last + ".DenseReluDense.wi_0", TensorRole.Gate),
            TensorLayout.Module(block + last + ".DenseReluDense.wi_1", TensorRole.Up),
            TensorLayout.Module(block + last + ".DenseReluDense.wo", TensorRole.Down),
        ];
        TensorMapping[] cross =
        [
            TensorLayout.Module(block + "1.layer_norm", TensorRole.CrossAttentionNorm),
            TensorLayout.Module(block + "1.EncDecAttention.q", TensorRole.CrossQuery),
            TensorLayout.Module(block + "1.EncDecAttention.k", TensorRole.CrossKey),
            TensorLayout.Module(block + "1.EncDecAttention.v", TensorRole.CrossValue),
            TensorLayout.Module(block + "1.EncDecAttention.o", TensorRole.CrossAttentionOutput),
        ];
        return [.. (isDecoder ? [.. self, .. cross] : self).Select(mapping => mapping with { Stack = kind })];
    }

    /// <summary>GGUF names of a stack's blocks.</summary>
    public static TensorMapping[] GgufBlock(string stack, StackKind kind)
    {
        string block = stack + ".blk.{layer}.";
        TensorMapping[] self =
        [
            TensorLayout.Module(block + "attn_norm", TensorRole.AttentionNorm),
            TensorLayout.Module(block + "attn_rel_b", TensorRole.RelativeBias),
            TensorLayout.Module(block + "attn_q", TensorRole.Query),
            TensorLayout.Module(block + "attn_k", TensorRole.Key),
            TensorLayout.Module(block + "attn_v", TensorRole.Value),
            TensorLayout.Module(block + "attn_o", TensorRole.AttentionOutput),
            TensorLayout.Module(block + "ffn_norm", TensorRole.FeedForwardNorm),
            TensorLayout.Module(block + "ffn_gate", TensorRole.Gate),
            TensorLayout.Module(block + "ffn_up", TensorRole.Up),
            TensorLayout.Module(block + "ffn_down", TensorRole.Down),
        ];
        TensorMapping[] cross =
        [
            TensorLayout.Module(block + "cross_attn_norm", TensorRole.CrossAttentionNorm),
            TensorLayout.Module(block + "cross_attn_q", TensorRole.CrossQuery),
            TensorLayout.Module(block + "cross_attn_k", TensorRole.CrossKey),
            TensorLayout.Module(block + "cross_attn_v", TensorRole.CrossValue),
            TensorLayout.Module(block + "cross_attn_o", TensorRole.CrossAttentionOutput),
        ];
        return [.. (stack == "enc" ? self : [.. self, .. cross]).Select(mapping => mapping with { Stack = kind })];
    }

    /// <summary>The names of models whose feed-forward part is gated, or is not.</summary>
    public static TensorLayout ForFeedForward(TensorLayout layout, bool gated)
    {
        string other = gated ? ".wi" : ".wi_1";
        return layout with { Mappings = [.. layout.Mappings.Where(mapping => !mapping.Module.EndsWith(other, StringComparison.Ordinal))] };
    }
}
