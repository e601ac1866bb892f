using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>Falcon-RW: BLOOM's blocks and names under Falcon's keys, with biases scaled and rounded otherwise.</summary>
public sealed class FalconAlibiTests
{
    [Fact]
    public void A_sequential_Falcon_with_alibi_is_BLOOM_but_for_its_biases_and_embedding_norm()
    {
        using HuggingFaceModelSource source = Fixtures.Open("bloom");
        DecoderModel bloom = ArchitectureRegistry.BindDecoder(source), falcon = Make(source);
        var expected = new AlibiSpec { Scale = bloom.Spec.Layers[0].Attention.Scale, RoundsToBfloat16 = true };
        Assert.All(falcon.Spec.Layers, layer => Assert.Equal(expected, layer.Attention.Alibi));
        Assert.Equal(bloom.Spec with { Embedding = new EmbeddingSpec() }, falcon.Spec with { Layers = [.. falcon.Spec.Layers.Select(layer => layer with { Attention = layer.Attention with { Alibi = new AlibiSpec() } })] });
        Assert.All(falcon.Tensors, pair => Assert.Equal(Fixtures.Bytes(bloom.Tensors[pair.Key]), Fixtures.Bytes(pair.Value)));
        Assert.Equal(bloom.Tensors.Count - 2, falcon.Tensors.Count);
    }

    [Fact]
    public void It_is_written_as_a_folder_and_refused_as_GGUF()
    {
        using HuggingFaceModelSource source = Fixtures.Open("bloom");
        DecoderModel falcon = Make(source);
        JsonObject written = ArchitectureRegistry.FindByName("falcon")!.WriteConfig((ModelSpec)falcon.Spec);
        Assert.Equal(falcon.Spec, ArchitectureRegistry.ReadConfig("config.json", written).Spec);
        Assert.Contains("alibi", Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(falcon)).Message, StringComparison.Ordinal);
    }

    private static DecoderModel Make(HuggingFaceModelSource bloom)
    {
        JsonObject from = bloom.HuggingFace.Config;
        var config = new JsonObject
        {
            ["model_type"] = "falcon",
            ["activation"] = "gelu_pytorch_tanh",
            ["alibi"] = true,
            ["apply_residual_connection_post_layernorm"] = false,
            ["bias"] = true,
            ["hidden_size"] = (int)from["hidden_size"]!,
            ["layer_norm_epsilon"] = (double)from["layer_norm_epsilon"]!,
            ["multi_query"] = false,
            ["new_decoder_architecture"] = false,
            ["num_attention_heads"] = (int)from["n_head"]!,
            ["num_hidden_layers"] = (int)from["n_layer"]!,
            ["parallel_attn"] = false,
            ["vocab_size"] = (int)from["vocab_size"]!,
            // Stated by transformers whatever alibi is.
            ["rope_theta"] = 10000.0,
            ["rope_scaling"] = null,
        };
        return ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, [.. bloom.Tensors.Where(t => !t.Info.Name.Contains("word_embeddings_layernorm", StringComparison.Ordinal))]));
    }
}
