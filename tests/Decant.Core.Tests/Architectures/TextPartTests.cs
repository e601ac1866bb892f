using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Families;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>Models that read images too: their text model is the one of the plain checkpoint it was wrapped around.</summary>
public sealed class TextPartTests
{
    public static TheoryData<string, string, string> Forms =>
    [
        ("gemma3", "gemma3", "language_model."),
        ("gemma3", "gemma3", "model.language_model."),
        ("llama", "llava", "language_model."),
        ("llama", "llava_next", "model.language_model."),
        ("llama-tied", "smolvlm", "model.text_model."),
        ("mistral", "mistral3", "language_model."),
        ("qwen2", "llava_onevision", "language_model."),
    ];

    [Theory]
    [MemberData(nameof(Forms))]
    public void The_text_model_of_a_larger_one_is_that_of_the_plain_checkpoint(string folder, string type, string prefix)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        DecoderModel plain = ArchitectureRegistry.BindDecoder(source), text = ArchitectureRegistry.BindDecoder(Wrap(source, type, prefix));
        Assert.Equal(plain.ArchitectureName, text.ArchitectureName);
        Assert.Equal(plain.Spec, text.Spec);
        Assert.Contains(text.Notices, notice => notice.Contains("text part", StringComparison.Ordinal) && notice.Contains("2 tensors", StringComparison.Ordinal) && notice.Contains("vision_tower", StringComparison.Ordinal));
        Assert.Equal(plain.Tensors.Keys.ToHashSet(), text.Tensors.Keys.ToHashSet());
        Assert.All(plain.Tensors, pair => Assert.Equal(Fixtures.Bytes(pair.Value), Fixtures.Bytes(text.Tensors[pair.Key])));

        // Written again it is the plain checkpoint, and as GGUF the plain checkpoint's file.
        HuggingFaceDescription folderAgain = HuggingFaceExport.Describe(text);
        Assert.Equal((string)source.HuggingFace.Config["architectures"]![0]!, (string)folderAgain.Config["architectures"]![0]!);
        Assert.Equal(plain.Spec, ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(folderAgain.Config, folderAgain.Tensors)).Spec);
        Assert.Equal(HuggingFaceExport.Describe(plain).Tensors.Select(t => t.Info), folderAgain.Tensors.Select(t => t.Info));
        Assert.Equal(GgufExport.Describe(plain).Tensors.Select(t => t.Info), GgufExport.Describe(text).Tensors.Select(t => t.Info));
    }

    /// <summary>As published: sections that state only what differs from the defaults of transformers' classes.</summary>
    [Theory]
    [InlineData("""
        {"architectures":["Gemma3ForConditionalGeneration"],"boi_token_index":255999,"eoi_token_index":256000,"eos_token_id":[1,106],"image_token_index":262144,"initializer_range":0.02,
        "mm_tokens_per_image":256,"model_type":"gemma3","text_config":{"hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,
        "rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},"torch_dtype":"bfloat16","transformers_version":"4.50.0.dev0",
        "vision_config":{"hidden_size":1152,"image_size":896,"intermediate_size":4304,"model_type":"siglip_vision_model"}}
        """, 262208, 2560, 34, 8, 4, 256, true)]
    [InlineData("""
        {"architectures":["LlavaForConditionalGeneration"],"ignore_index":-100,"image_token_index":32000,"model_type":"llava","pad_token_id":32001,"projector_hidden_act":"gelu",
        "text_config":{"_name_or_path":"lmsys/vicuna-7b-v1.5","architectures":["LlamaForCausalLM"],"max_position_embeddings":4096,"model_type":"llama","rms_norm_eps":1e-05,"torch_dtype":"float16","vocab_size":32064},
        "tie_word_embeddings":false,"torch_dtype":"float16","transformers_version":"4.36.0.dev0","vision_config":{"hidden_size":1024,"model_type":"clip_vision_model"},
        "vision_feature_layer":-2,"vision_feature_select_strategy":"default","vocab_size":32064}
        """, 32064, 4096, 32, 32, 32, 128, false)]
    [InlineData("""
        {"architectures":["Mistral3ForConditionalGeneration"],"image_token_index":10,"model_type":"mistral3","multimodal_projector_bias":false,"projector_hidden_act":"gelu","spatial_merge_size":2,
        "text_config":{"attention_dropout":0.0,"head_dim":128,"hidden_act":"silu","hidden_size":5120,"initializer_range":0.02,"intermediate_size":32768,"max_position_embeddings":131072,"model_type":"mistral",
        "num_attention_heads":32,"num_hidden_layers":40,"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":1000000000.0,"sliding_window":null,"use_cache":true,"vocab_size":131072},
        "torch_dtype":"bfloat16","transformers_version":"4.50.0.dev0","vision_config":{"model_type":"pixtral"},"vision_feature_layer":-1}
        """, 131072, 5120, 40, 32, 8, 128, false)]
    public void Published_configs_give_the_known_sizes(string config, int vocabulary, int hidden, int layers, int heads, int keyValueHeads, int headSize, bool tied)
    {
        // Without weights, reading ends at the first tensor; the config has been read by then.
        var source = MemoryModelSource.WithConfig((JsonObject)JsonNode.Parse(config)!, []);
        TextPart text = TextPart.Of(source)!;
        var spec = (DecoderSpec)ArchitectureRegistry.ReadConfig("config.json", text.HuggingFace.Config).Spec;
        Assert.Equal((vocabulary, hidden, layers, tied), (spec.VocabularySize, spec.HiddenSize, spec.Layers.Length, spec.HeadIsTied));
        Assert.All(spec.Layers, layer => Assert.Equal((heads, keyValueHeads, headSize), (layer.Attention.HeadCount, layer.Attention.KeyValueHeadCount, layer.Attention.HeadSize)));
    }

    [Theory]
    [InlineData("text_config", "null", "text_config")]
    [InlineData("text_config", "[]", "text_config")]
    [InlineData("text_config", "{}", "text_config.model_type")]
    [InlineData("text_config", """{"model_type":"t5"}""", "t5")]
    [InlineData("text_config", """{"model_type":7}""", "text_config.model_type")]
    [InlineData("quantization_config", "{}", "quantization_config")]
    [InlineData("audio_config", "{}", "audio_config")]
    public void What_is_not_known_of_a_larger_model_is_refused_by_name(string key, string value, string named)
    {
        using HuggingFaceModelSource source = Fixtures.Open("llama");
        MemoryModelSource wrapped = Wrap(source, "llava", "language_model.");
        wrapped.HuggingFace!.Config[key] = JsonNode.Parse(value);
        Exception error = Assert.ThrowsAny<Exception>(() => ArchitectureRegistry.Bind(wrapped));
        Assert.True(error is BadFileException or NotSupportedModelException, error.ToString());
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_tensor_of_two_names_and_a_missing_one_are_named()
    {
        using HuggingFaceModelSource source = Fixtures.Open("llama");
        MemoryModelSource wrapped = Wrap(source, "llava", "language_model.");
        TensorData norm = wrapped.FindTensor("language_model.model.norm.weight")!;
        var twice = MemoryModelSource.WithConfig(wrapped.HuggingFace!.Config, [.. wrapped.Tensors, Renamed(norm, "model.language_model.norm.weight")]);
        Assert.Contains("model.norm.weight", Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(twice)).Message, StringComparison.Ordinal);
        var without = MemoryModelSource.WithConfig(wrapped.HuggingFace!.Config, [.. wrapped.Tensors.Where(t => t != norm)]);
        Assert.Contains("model.norm.weight", Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(without)).Message, StringComparison.Ordinal);
    }

    private static MemoryModelSource Wrap(HuggingFaceModelSource source, string type, string prefix)
    {
        var section = (JsonObject)source.HuggingFace.Config.DeepClone();
        section.Remove("dtype");
        section.Remove("architectures");
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("WholeModel"),
            ["model_type"] = type,
            ["dtype"] = source.HuggingFace.Config["dtype"]!.DeepClone(),
            ["image_token_index"] = 5,
            ["text_config"] = section,
            ["vision_config"] = new JsonObject { ["hidden_size"] = 12 },
        };
        TensorData[] tensors =
        [
            MemoryTensor.FromValues("vision_tower.patch.weight", new TensorShape(1), [1]),
            .. source.Tensors.Select(tensor => Renamed(tensor, NameIn(tensor.Info.Name, prefix))),
            MemoryTensor.FromValues("model.multi_modal_projector.linear.weight", new TensorShape(1), [1]),
        ];
        return MemoryModelSource.WithConfig(config, tensors);
    }

    private static string NameIn(string name, string prefix)
    {
        if (!prefix.StartsWith("model.", StringComparison.Ordinal))
            return prefix + name;
        return name.StartsWith("model.", StringComparison.Ordinal) ? prefix + name["model.".Length..] : name;
    }

    private static MemoryTensor Renamed(TensorData tensor, string name) => new(new TensorInfo(name, tensor.Info.Shape, tensor.Info.Format), Fixtures.Bytes(tensor));
}
