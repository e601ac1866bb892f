using System.Text.Json.Nodes;
using Decant.Core.Architectures;

namespace Decant.Core.Tests.Architectures;

/// <summary>config.json of encoders as published model pages have it: nothing in them may be refused, and the spec must be what is known of the model.</summary>
public sealed class PublishedEncoderConfigTests
{
    private const string Bert = """
        {"architectures":["BertForMaskedLM"],"attention_probs_dropout_prob":0.1,"gradient_checkpointing":false,"hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":768,
        "initializer_range":0.02,"intermediate_size":3072,"layer_norm_eps":1e-12,"max_position_embeddings":512,"model_type":"bert","num_attention_heads":12,
        "num_hidden_layers":12,"pad_token_id":0,"position_embedding_type":"absolute","transformers_version":"4.6.0.dev0","type_vocab_size":2,"use_cache":true,"vocab_size":30522}
        """;

    private const string MultilingualBert = """
        {"architectures":["BertForMaskedLM"],"attention_probs_dropout_prob":0.1,"directionality":"bidi","hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":768,
        "initializer_range":0.02,"intermediate_size":3072,"layer_norm_eps":1e-12,"max_position_embeddings":512,"model_type":"bert","num_attention_heads":12,
        "num_hidden_layers":12,"pad_token_id":0,"pooler_fc_size":768,"pooler_num_attention_heads":12,"pooler_num_fc_layers":3,"pooler_size_per_head":128,
        "pooler_type":"first_token_transform","type_vocab_size":2,"vocab_size":119547}
        """;

    private const string Roberta = """
        {"architectures":["RobertaForMaskedLM"],"attention_probs_dropout_prob":0.1,"bos_token_id":0,"eos_token_id":2,"hidden_act":"gelu","hidden_dropout_prob":0.1,"hidden_size":768,
        "initializer_range":0.02,"intermediate_size":3072,"layer_norm_eps":1e-05,"max_position_embeddings":514,"model_type":"roberta","num_attention_heads":12,
        "num_hidden_layers":12,"pad_token_id":1,"type_vocab_size":1,"vocab_size":50265}
        """;

    private const string XlmRoberta = """
        {"architectures":["XLMRobertaForMaskedLM"],"attention_probs_dropout_prob":0.1,"bos_token_id":0,"eos_token_id":2,"hidden_act":"gelu","hidden_dropout_prob":0.1,
        "hidden_size":768,"initializer_range":0.02,"intermediate_size":3072,"layer_norm_eps":1e-05,"max_position_embeddings":514,"model_type":"xlm-roberta",
        "num_attention_heads":12,"num_hidden_layers":12,"output_past":true,"pad_token_id":1,"position_embedding_type":"absolute","transformers_version":"4.17.0.dev0",
        "type_vocab_size":1,"use_cache":true,"vocab_size":250002}
        """;

    private const string DistilBert = """
        {"activation":"gelu","architectures":["DistilBertForMaskedLM"],"attention_dropout":0.1,"dim":768,"dropout":0.1,"hidden_dim":3072,"initializer_range":0.02,
        "max_position_embeddings":512,"model_type":"distilbert","n_heads":12,"n_layers":6,"pad_token_id":0,"qa_dropout":0.1,"seq_classif_dropout":0.2,
        "sinusoidal_pos_embds":false,"tie_weights_":true,"transformers_version":"4.10.0.dev0","vocab_size":30522}
        """;

    private const string Albert = """
        {"architectures":["AlbertForMaskedLM"],"attention_probs_dropout_prob":0,"bos_token_id":2,"classifier_dropout_prob":0.1,"down_scale_factor":1,"embedding_size":128,
        "eos_token_id":3,"gap_size":0,"hidden_act":"gelu_new","hidden_dropout_prob":0,"hidden_size":768,"initializer_range":0.02,"inner_group_num":1,"intermediate_size":3072,
        "layer_norm_eps":1e-12,"max_position_embeddings":512,"model_type":"albert","net_structure_type":0,"num_attention_heads":12,"num_hidden_groups":1,
        "num_hidden_layers":12,"num_memory_blocks":0,"pad_token_id":0,"type_vocab_size":2,"vocab_size":30000}
        """;

    private const string ModernBert = """
        {"architectures":["ModernBertForMaskedLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":50281,"classifier_activation":"gelu","classifier_bias":false,
        "classifier_dropout":0.0,"classifier_pooling":"mean","cls_token_id":50281,"decoder_bias":true,"deterministic_flash_attn":false,"embedding_dropout":0.0,
        "eos_token_id":50282,"global_attn_every_n_layers":3,"global_rope_theta":160000.0,"gradient_checkpointing":false,"hidden_activation":"gelu","hidden_size":768,
        "initializer_cutoff_factor":2.0,"initializer_range":0.02,"intermediate_size":1152,"layer_norm_eps":1e-05,"local_attention":128,"local_rope_theta":10000.0,
        "max_position_embeddings":8192,"mlp_bias":false,"mlp_dropout":0.0,"model_type":"modernbert","norm_bias":false,"norm_eps":1e-05,"num_attention_heads":12,
        "num_hidden_layers":22,"pad_token_id":50283,"position_embedding_type":"absolute","sep_token_id":50282,"tie_word_embeddings":true,"torch_dtype":"float32",
        "transformers_version":"4.47.0.dev0","vocab_size":50368}
        """;

    private const string T5Small = """
        {"architectures":["T5ForConditionalGeneration"],"d_ff":2048,"d_kv":64,"d_model":512,"decoder_start_token_id":0,"dropout_rate":0.1,"eos_token_id":1,
        "initializer_factor":1.0,"is_encoder_decoder":true,"layer_norm_epsilon":1e-06,"model_type":"t5","n_positions":512,"num_heads":8,"num_layers":6,"output_past":true,
        "pad_token_id":0,"relative_attention_num_buckets":32,"task_specific_params":{"summarization":{"early_stopping":true,"max_length":200,"prefix":"summarize: "}},
        "vocab_size":32128}
        """;

    private const string FlanT5Small = """
        {"architectures":["T5ForConditionalGeneration"],"d_ff":1024,"d_kv":64,"d_model":512,"decoder_start_token_id":0,"dense_act_fn":"gelu_new","dropout_rate":0.1,
        "eos_token_id":1,"feed_forward_proj":"gated-gelu","initializer_factor":1.0,"is_encoder_decoder":true,"is_gated_act":true,"layer_norm_epsilon":1e-06,"model_type":"t5",
        "n_positions":512,"num_decoder_layers":8,"num_heads":6,"num_layers":8,"output_past":true,"pad_token_id":0,"relative_attention_max_distance":128,
        "relative_attention_num_buckets":32,"tie_word_embeddings":false,"transformers_version":"4.23.1","use_cache":true,"vocab_size":32128}
        """;

    private const string Mt5Small = """
        {"architectures":["MT5ForConditionalGeneration"],"d_ff":1024,"d_kv":64,"d_model":512,"decoder_start_token_id":0,"dropout_rate":0.1,"eos_token_id":1,
        "feed_forward_proj":"gated-gelu","initializer_factor":1.0,"is_encoder_decoder":true,"layer_norm_epsilon":1e-06,"model_type":"mt5","num_decoder_layers":8,"num_heads":6,
        "num_layers":8,"pad_token_id":0,"relative_attention_num_buckets":32,"tie_word_embeddings":false,"tokenizer_class":"T5Tokenizer","vocab_size":250112}
        """;

    /// <summary>Sizes, and parameters of the encoder with every head the family has but classes, counted from the spec's tensors.</summary>
    [Theory]
    [InlineData(Bert, "bert", 512, 12, 110_104_890)]
    [InlineData(MultilingualBert, "bert", 512, 12, 178_565_115)]
    [InlineData(Roberta, "roberta", 512, 12, 125_288_025)]
    [InlineData(XlmRoberta, "xlm-roberta", 512, 12, 278_885_778)]
    [InlineData(DistilBert, "distilbert", 512, 6, 67_576_122)]
    [InlineData(Albert, "albert", 512, 12, 11_812_272)]
    public void Encoders_have_the_sizes_that_are_known(string json, string family, int context, int steps, long parameters)
    {
        EncoderSpec spec = Read(json, family);
        Assert.Equal((context, steps), (spec.ContextLength, spec.StepCount));
        Assert.Equal(parameters, spec.ListTensors().Sum(tensor => tensor.Shape.ElementCount));
    }

    [Fact]
    public void ModernBert_alternates_local_and_global_attention()
    {
        EncoderSpec spec = Read(ModernBert, "modernbert");
        Assert.Equal(22, spec.Layers.Length);
        Assert.All(spec.Layers.Select((layer, i) => (layer, i)), pair => Assert.Equal(pair.i % 3 == 0 ? null : 65, pair.layer.Attention.Window));
        Assert.All(spec.Layers.Select((layer, i) => (layer, i)), pair => Assert.Equal(pair.i % 3 == 0 ? 160000 : 10000, pair.layer.Attention.Rope!.Base));
        Assert.Equal((true, false), (spec.Layers[0].SkipsAttentionNorm, spec.Layers[1].SkipsAttentionNorm));
        Assert.Equal(Pooling.Mean, spec.Pooler!.Pooling);
        // 149.6 million of the model page: without a pooler, which masked language models lack.
        Assert.Equal(149_655_232, (spec with { Pooler = null }).ListTensors().Sum(tensor => tensor.Shape.ElementCount));
    }

    [Theory]
    [InlineData(T5Small, 60_506_624, true, false, 0.044194173f)]
    [InlineData(FlanT5Small, 76_961_152, false, true, 1f)]
    [InlineData(Mt5Small, 300_176_768, false, true, 1f)]
    public void T5_has_the_sizes_that_are_known(string json, long parameters, bool tied, bool gated, float scale)
    {
        var spec = (EncoderDecoderSpec)ArchitectureRegistry.ReadConfig("config.json", (JsonObject)JsonNode.Parse(json)!).Spec;
        Assert.Equal(parameters, spec.ListTensors().Sum(tensor => tensor.Shape.ElementCount));
        Assert.Equal(new HeadSpec { Tied = tied, Scale = scale }, spec.Decoder.Head);
        Assert.All(spec.Decoder.Layers.Concat(spec.Encoder.Layers), layer =>
        {
            Assert.Equal(gated, layer.FeedForward.Gated);
            Assert.Equal(gated ? Activation.GeluTanh : Activation.Relu, layer.FeedForward.Activation);
            Assert.Equal(1, layer.Attention.Scale);
            Assert.Equal(new RelativeBiasSpec(32, 128, 0), layer.Attention.RelativeBias);
        });
        Assert.All(spec.Decoder.Layers, layer => Assert.Null(layer.CrossAttention!.RelativeBias));
    }

    private static EncoderSpec Read(string json, string family)
    {
        (Architecture architecture, ModelSpec spec) = ArchitectureRegistry.ReadConfig("config.json", (JsonObject)JsonNode.Parse(json)!);
        Assert.Equal(family, architecture.Name);
        return (EncoderSpec)spec;
    }
}
