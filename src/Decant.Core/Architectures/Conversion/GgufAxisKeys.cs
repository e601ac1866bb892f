namespace Decant.Core.Architectures.Conversion;

/// <summary>The GGUF keys that state the lengths of tensors' axes, for messages.</summary>
internal static class GgufAxisKeys
{
    /// <summary>The key without the architecture's prefix.</summary>
    public static string Of(ModelAxis axis) => axis switch
    {
        ModelAxis.Vocabulary => "vocab_size",
        ModelAxis.Hidden => "embedding_length",
        ModelAxis.Positions => "context_length",
        ModelAxis.Queries => "attention.head_count × key_length",
        ModelAxis.AttentionOutputs => "attention.head_count × value_length",
        ModelAxis.Keys => "attention.head_count_kv × key_length",
        ModelAxis.Values => "attention.head_count_kv × value_length",
        ModelAxis.QueryHeads => "attention.head_count",
        ModelAxis.KeyValueHeads => "attention.head_count_kv",
        ModelAxis.HeadSize => "attention.key_length",
        ModelAxis.Width => "feed_forward_length",
        ModelAxis.ExpertWidth => "expert_feed_forward_length",
        ModelAxis.Experts => "expert_count",
        ModelAxis.QueryRank => "attention.q_lora_rank",
        ModelAxis.KeyValueRank => "attention.kv_lora_rank",
        ModelAxis.KeyValueDown => "attention.kv_lora_rank + rope.dimension_count",
        ModelAxis.KeyUp => "attention.head_count × (key_length_mla − rope.dimension_count)",
        ModelAxis.ValueUp => "attention.head_count × value_length_mla",
        ModelAxis.SharedWidth => "expert_shared_feed_forward_length",
        ModelAxis.TokenTypes => "tokenizer.ggml.token_type_count",
        ModelAxis.Buckets => "attention.relative_buckets_count",
        ModelAxis.Classes => "classifier.output_labels",
        ModelAxis.Inner => "ssm.inner_size",
        ModelAxis.ConvolutionChannels => "ssm.inner_size + 2 × group_count × state_size",
        ModelAxis.ConvolutionWidth => "ssm.conv_kernel",
        ModelAxis.State => "ssm.state_size",
        ModelAxis.TimeStepRank or ModelAxis.ScanHeads => "ssm.time_step_rank",
        _ => "rope.dimension_count / 2",
    };
}
