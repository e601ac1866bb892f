using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Kernels.Encoding;
using Decant.Engine.Tests.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>
/// Small decoders of random weights whose matrices are stored in any one format: rows of whole blocks of 256, heads of whole blocks of 32, and numbers of
/// rows that are no multiple of any group of rows side by side.
/// </summary>
internal static class RandomLlama
{
    public const int ContextLength = 320;
    public const int VocabularySize = 499;
    private const int Hidden = 256, Width = 512, Layers = 2, Heads = 4, KeyValueHeads = 2, HeadSize = 64;

    /// <summary>The model, with the embedding, the head and every matrix in the format.</summary>
    public static DecoderModel Create(TensorFormat format)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["hidden_size"] = Hidden,
            ["intermediate_size"] = Width,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Heads,
            ["num_key_value_heads"] = KeyValueHeads,
            ["head_dim"] = HeadSize,
            ["vocab_size"] = VocabularySize,
            ["max_position_embeddings"] = ContextLength,
            ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = 10000.0,
            ["hidden_act"] = "silu",
            ["tie_word_embeddings"] = false,
        };
        var tensors = new List<TensorData>();
        AddMatrix("model.embed_tokens.weight", VocabularySize, Hidden);
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            AddNorm(prefix + "input_layernorm.weight");
            AddMatrix(prefix + "self_attn.q_proj.weight", Heads * HeadSize, Hidden);
            AddMatrix(prefix + "self_attn.k_proj.weight", KeyValueHeads * HeadSize, Hidden);
            AddMatrix(prefix + "self_attn.v_proj.weight", KeyValueHeads * HeadSize, Hidden);
            AddMatrix(prefix + "self_attn.o_proj.weight", Hidden, Heads * HeadSize);
            AddNorm(prefix + "post_attention_layernorm.weight");
            AddMatrix(prefix + "mlp.gate_proj.weight", Width, Hidden);
            AddMatrix(prefix + "mlp.up_proj.weight", Width, Hidden);
            AddMatrix(prefix + "mlp.down_proj.weight", Hidden, Width);
        }
        AddNorm("model.norm.weight");
        AddMatrix("lm_head.weight", VocabularySize, Hidden);
        return ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, tensors));

        void AddNorm(string name)
        {
            float[] ones = new float[Hidden];
            ones.AsSpan().Fill(1);
            tensors.Add(MemoryTensor.FromValues(name, new TensorShape(Hidden), ones));
        }

        void AddMatrix(string name, int rows, int columns)
        {
            float[] values = WeightKernelTests.Normal(rows * columns, 100 + tensors.Count);
            float size = 1 / MathF.Sqrt(columns);
            foreach (ref float value in values.AsSpan())
                value *= size;
            byte[] bytes = new byte[rows * format.RowByteCount(columns)];
            RowEncoder.For(format).EncodeRows(values, columns, [], bytes);
            tensors.Add(new MemoryTensor(new TensorInfo(name, new TensorShape(rows, columns), format), bytes));
        }
    }

    /// <summary>Any ids.</summary>
    public static int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => i * 89 % VocabularySize)];
}
