using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Engine.Tests.Inference;

/// <summary>Binds plain Llama checkpoints without the product's architecture code, so that the engine can be tested apart from it.</summary>
internal static class LlamaByHand
{
    public static DecoderModel Bind(IModelSource source) => source.HuggingFace is { } files ? BindFolder(source, files.Config) : BindGguf(source);

    private static DecoderModel BindFolder(IModelSource source, JsonObject config)
    {
        int hidden = (int)config["hidden_size"]!;
        int heads = (int)config["num_attention_heads"]!;
        int headSize = (int?)config["head_dim"] ?? hidden / heads;
        JsonObject rope = config["rope_parameters"]!.AsObject();
        RopeScaling scaling = (string?)rope["rope_type"] switch
        {
            "default" => RopeScaling.None,
            "linear" => new RopeScaling.Linear((double)rope["factor"]!),
            "llama3" => new RopeScaling.Llama3(
                (double)rope["factor"]!, (double)rope["low_freq_factor"]!, (double)rope["high_freq_factor"]!, (int)rope["original_max_position_embeddings"]!),
            "dynamic" => new RopeScaling.DynamicNtk((double)rope["factor"]!, (int)config["max_position_embeddings"]!),
            var other => throw new InvalidOperationException($"no {other} by hand"),
        };
        DecoderSpec spec = Spec(
            (int)config["vocab_size"]!, hidden, (int)config["max_position_embeddings"]!, (int)config["num_hidden_layers"]!, heads,
            (int)config["num_key_value_heads"]!, headSize, (int)config["intermediate_size"]!, (float)config["rms_norm_eps"]!,
            new RopeSpec { Pairing = RopePairing.Half, RotaryCount = headSize, Base = (double)rope["rope_theta"]!, Scaling = scaling },
            (bool)config["tie_word_embeddings"]!);
        (TensorRole, string)[] names =
        [
            (TensorRole.AttentionNorm, "input_layernorm"), (TensorRole.Query, "self_attn.q_proj"), (TensorRole.Key, "self_attn.k_proj"),
            (TensorRole.Value, "self_attn.v_proj"), (TensorRole.AttentionOutput, "self_attn.o_proj"), (TensorRole.FeedForwardNorm, "post_attention_layernorm"),
            (TensorRole.Gate, "mlp.gate_proj"), (TensorRole.Up, "mlp.up_proj"), (TensorRole.Down, "mlp.down_proj"),
        ];
        return Bind(source, spec, names, "model.layers.{0}.", ("model.embed_tokens", "model.norm", "lm_head"));
    }

    private static DecoderModel BindGguf(IModelSource source)
    {
        GgufMetadata data = source.Gguf!;
        int Number(string key) => (int)data.GetInteger("llama." + key)!;
        int hidden = Number("embedding_length");
        int heads = Number("attention.head_count");
        DecoderSpec spec = Spec(
            (int)source.FindTensor("token_embd.weight")!.Info.Shape.RowCount, hidden, Number("context_length"), Number("block_count"), heads,
            Number("attention.head_count_kv"), hidden / heads, Number("feed_forward_length"), (float)data.GetNumber("llama.attention.layer_norm_rms_epsilon"),
            new RopeSpec { Pairing = RopePairing.Interleaved, RotaryCount = hidden / heads, Base = data.FindNumber("llama.rope.freq_base") ?? 10000 },
            source.FindTensor("output.weight") is null);
        (TensorRole, string)[] names =
        [
            (TensorRole.AttentionNorm, "attn_norm"), (TensorRole.Query, "attn_q"), (TensorRole.Key, "attn_k"), (TensorRole.Value, "attn_v"),
            (TensorRole.AttentionOutput, "attn_output"), (TensorRole.FeedForwardNorm, "ffn_norm"), (TensorRole.Gate, "ffn_gate"), (TensorRole.Up, "ffn_up"),
            (TensorRole.Down, "ffn_down"),
        ];
        return Bind(source, spec, names, "blk.{0}.", ("token_embd", "output_norm", "output"));
    }

    private static DecoderSpec Spec(
        int vocabulary, int hidden, int context, int layers, int heads, int keyHeads, int headSize, int width, float epsilon, RopeSpec rope, bool tied)
    {
        var norm = new NormSpec(NormKind.RootMeanSquare, epsilon);
        var layer = new LayerSpec
        {
            Norm = norm,
            Attention = new AttentionSpec
            {
                HeadCount = heads, KeyValueHeadCount = keyHeads, HeadSize = headSize, ValueSize = headSize, Scale = 1 / MathF.Sqrt(headSize), Rope = rope,
            },
            FeedForward = new FeedForwardSpec { Gated = true, Activation = Activation.Silu, Width = width },
        };
        return new DecoderSpec
        {
            VocabularySize = vocabulary, HiddenSize = hidden, ContextLength = context, Layers = [.. Enumerable.Repeat(layer, layers)], FinalNorm = norm,
            Head = new HeadSpec { Tied = tied },
        };
    }

    private static DecoderModel Bind(
        IModelSource source, DecoderSpec spec, (TensorRole Role, string Name)[] names, string prefix, (string Embedding, string Norm, string Head) outer)
    {
        var tensors = new Dictionary<TensorId, TensorData>
        {
            [new TensorId(TensorRole.TokenEmbedding)] = source.FindTensor(outer.Embedding + ".weight")!,
            [new TensorId(TensorRole.FinalNorm)] = source.FindTensor(outer.Norm + ".weight")!,
        };
        if (!spec.Head.Tied)
            tensors[new TensorId(TensorRole.Head)] = source.FindTensor(outer.Head + ".weight")!;
        for (int layer = 0; layer < spec.Layers.Length; layer++)
        {
            foreach ((TensorRole role, string name) in names)
            {
                string full = string.Format(System.Globalization.CultureInfo.InvariantCulture, prefix, layer) + name;
                tensors[new TensorId(role, layer)] = source.FindTensor(full + ".weight")!;
                if (source.FindTensor(full + ".bias") is { } bias)
                    tensors[new TensorId(role, layer).Bias] = bias;
            }
        }
        return new DecoderModel(source, "by hand", spec, tensors);
    }
}
