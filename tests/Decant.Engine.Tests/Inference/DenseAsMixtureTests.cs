using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>Qwen2-MoE's dense blocks become mixtures in GGUF: the same logits here and in llama.cpp, and the same folder on the way back.</summary>
public sealed class DenseAsMixtureTests
{
    private const int Hidden = 32, Vocabulary = 64, Layers = 4, Experts = 4, ExpertWidth = 20;

    // As a share of the largest logit, or of 1.
    private const double Tolerance = 1e-4;

    public static TheoryData<int, int, int, string> Shapes =>
    [
        (40, 24, 1, "[1]"),
        (24, 40, 1, "[0,3]"),
        (24, 24, 2, "[]"),
        (24, 28, 1, "[0,1,2,3]"),
        (33, 28, 5, "[]"),
    ];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_converted_model_computes_the_same(int denseWidth, int sharedWidth, int step, string denseLayers)
    {
        DecoderModel model = Make(denseWidth, sharedWidth, step, denseLayers, TensorFormats.F32);
        int[] ids = [.. Enumerable.Range(0, 20).Select(i => (i * 37 + 5) % Vocabulary)];
        float[] expected = Logits(model, ids);
        Assert.True(expected.Max() - expected.Min() > 0.1);
        double tolerance = Tolerance * Math.Max(1, expected.Max(MathF.Abs));

        using var files = new TemporaryFolder();
        GgufDescription description = GgufExport.Describe(model, TensorFormats.F32);
        Assert.Contains(description.Notices, notice => notice.Contains("bytes before quantization", StringComparison.Ordinal));
        string path = ConvertedFile.Write(files, description);
        using (IModelSource file = ModelSources.Open(path))
            Closeness.Assert(expected, Logits(ArchitectureRegistry.BindDecoder(file), ids), tolerance, "logits from the file");

        Peer.RequireProgram();
        Closeness.Assert(expected, Peer.Logits(files, path, ids.Select(id => (long)id)), tolerance, "logits of llama.cpp");
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_way_back_gives_equal_tensors_and_the_same_config(int denseWidth, int sharedWidth, int step, string denseLayers)
    {
        foreach (TensorFormat format in (TensorFormat[])[TensorFormats.F32, TensorFormats.FindByName("BF16")!, TensorFormats.FindByName("F16")!])
        {
            DecoderModel model = Make(denseWidth, sharedWidth, step, denseLayers, format);
            GgufDescription description = GgufExport.Describe(model);
            HuggingFaceDescription back = HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)));
            Assert.True(JsonNode.DeepEquals(model.Source.HuggingFace!.Config, back.Config), back.Config.ToJsonString());
            Assert.Equal(model.Source.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal), back.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal));
            Assert.All(back.Tensors, tensor =>
            {
                TensorData original = model.Source.FindTensor(tensor.Info.Name)!;
                Assert.Equal(original.Info, tensor.Info);
                Assert.Equal(Bytes(original), Bytes(tensor));
            });
        }
    }

    [Fact]
    public void The_bytes_of_zeros_that_a_notice_states_are_in_the_file()
    {
        DecoderModel model = Make(40, 24, 1, "[1]", TensorFormats.F32);
        GgufDescription description = GgufExport.Describe(model, TensorFormats.F32);
        // The experts of one block, its two routers, and 16 more units in the shared experts of the three others.
        int bytes = 4 * (Experts * 3 * ExpertWidth * Hidden + Experts * Hidden + Hidden + 3 * 3 * 16 * Hidden);
        Assert.Contains(description.Notices, notice => notice.Contains($"{bytes.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)} bytes", StringComparison.Ordinal));
        Assert.Equal(description.Tensors.Sum(t => t.Info.ByteCount) - model.Source.Tensors.Sum(t => t.Info.ByteCount), bytes);
    }

    private static DecoderModel Make(int denseWidth, int sharedWidth, int step, string denseLayers, TensorFormat format)
    {
        var random = new Random(5);
        var config = (JsonObject)JsonNode.Parse($$"""
            {"model_type":"qwen2_moe","hidden_size":{{Hidden}},"num_hidden_layers":{{Layers}},"num_attention_heads":4,"num_key_value_heads":2,"intermediate_size":{{denseWidth}},
             "moe_intermediate_size":{{ExpertWidth}},"shared_expert_intermediate_size":{{sharedWidth}},"num_experts":{{Experts}},"num_experts_per_tok":2,"vocab_size":{{Vocabulary}},
             "max_position_embeddings":64,"rms_norm_eps":1e-5,"decoder_sparse_step":{{step}},"mlp_only_layers":{{denseLayers}},"norm_topk_prob":false,"tie_word_embeddings":false,
             "dtype":"{{(format.Name == "F32" ? "float32" : format.Name == "F16" ? "float16" : "bfloat16")}}"}
            """)!;
        var tensors = new List<TensorData>();
        void Add(string name, params long[] shape)
        {
            var tensorShape = new TensorShape(shape);
            TensorData tensor = MemoryTensor.FromValues(name, tensorShape, [.. Enumerable.Range(0, (int)tensorShape.ElementCount).Select(_ => (float)(random.NextDouble() - 0.4) * 0.5f)]);
            tensors.Add(format == TensorFormats.F32 ? tensor : Rounded(tensor, format));
        }
        void AddFeedForward(string prefix, int width)
        {
            Add(prefix + ".gate_proj.weight", width, Hidden);
            Add(prefix + ".up_proj.weight", width, Hidden);
            Add(prefix + ".down_proj.weight", Hidden, width);
        }
        Add("model.embed_tokens.weight", Vocabulary, Hidden);
        HashSet<int> dense = [.. JsonNode.Parse(denseLayers)!.AsArray().Select(node => (int)node!)];
        for (int layer = 0; layer < Layers; layer++)
        {
            string block = $"model.layers.{layer}.";
            Add(block + "input_layernorm.weight", Hidden);
            Add(block + "post_attention_layernorm.weight", Hidden);
            foreach ((string name, int rows) in ((string, int)[])[("q", Hidden), ("k", Hidden / 2), ("v", Hidden / 2)])
            {
                Add($"{block}self_attn.{name}_proj.weight", rows, Hidden);
                Add($"{block}self_attn.{name}_proj.bias", rows);
            }
            Add(block + "self_attn.o_proj.weight", Hidden, Hidden);
            if (dense.Contains(layer) || (layer + 1) % step != 0)
            {
                AddFeedForward(block + "mlp", denseWidth);
                continue;
            }
            Add(block + "mlp.gate.weight", Experts, Hidden);
            Add(block + "mlp.shared_expert_gate.weight", 1, Hidden);
            AddFeedForward(block + "mlp.shared_expert", sharedWidth);
            for (int expert = 0; expert < Experts; expert++)
                AddFeedForward($"{block}mlp.experts.{expert}", ExpertWidth);
        }
        Add("model.norm.weight", Hidden);
        Add("lm_head.weight", Vocabulary, Hidden);
        return ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, tensors));
    }

    private static MemoryTensor Rounded(TensorData tensor, TensorFormat format)
    {
        byte[] bytes = new byte[format.RowByteCount(tensor.Info.Shape.RowLength) * tensor.Info.Shape.RowCount];
        float[] row = new float[tensor.Info.Shape.RowLength];
        int rowBytes = bytes.Length / (int)tensor.Info.Shape.RowCount;
        for (int i = 0; i < tensor.Info.Shape.RowCount; i++)
        {
            tensor.ReadRows(i, 1, row);
            format.EncodeRow(row, default, bytes.AsSpan(i * rowBytes, rowBytes));
        }
        return new MemoryTensor(new TensorInfo(tensor.Info.Name, tensor.Info.Shape, format), bytes);
    }

    private static byte[] Bytes(TensorData tensor)
    {
        byte[] bytes = new byte[tensor.Info.ByteCount];
        tensor.CopyRows(0, (int)tensor.Info.Shape.RowCount, bytes);
        return bytes;
    }

    private static float[] Logits(DecoderModel model, int[] ids)
    {
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { ThreadCount = 1 }, TestContext.Current.CancellationToken);
        using DecoderSession session = decoder.StartSession(ids.Length);
        float[] logits = new float[ids.Length * Vocabulary];
        session.Score(ids, 0, (position, values) => values.CopyTo(logits.AsSpan(position * Vocabulary)), TestContext.Current.CancellationToken);
        return logits;
    }
}
