using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Configuration;

/// <summary>How a family spells the config keys that state sizes.</summary>
internal sealed record ConfigKeys
{
    /// <summary>The spelling of Llama and most families after it.</summary>
    public static ConfigKeys Usual { get; } = new();

    /// <summary>Width of the residual stream.</summary>
    public string Hidden { get; init; } = "hidden_size";

    /// <summary>Inner width of the feed-forward part.</summary>
    public string Width { get; init; } = "intermediate_size";

    /// <summary>Blocks.</summary>
    public string Layers { get; init; } = "num_hidden_layers";

    /// <summary>Query heads.</summary>
    public string Heads { get; init; } = "num_attention_heads";

    /// <summary>Key-value heads.</summary>
    public string KeyValueHeads { get; init; } = "num_key_value_heads";

    /// <summary>Elements of a head.</summary>
    public string HeadSize { get; init; } = "head_dim";

    /// <summary>Token ids.</summary>
    public string Vocabulary { get; init; } = "vocab_size";

    /// <summary>Positions.</summary>
    public string Context { get; init; } = "max_position_embeddings";

    /// <summary>Experts.</summary>
    public string Experts { get; init; } = "num_local_experts";

    /// <summary>Another spelling of <see cref="Experts"/> that some configs have, or null.</summary>
    public string? OtherExperts { get; init; }

    /// <summary>Inner width of an expert where it is a matter of its own, or null.</summary>
    public string? ExpertWidth { get; init; }

    /// <summary>Inner width of the shared expert.</summary>
    public string SharedWidth { get; init; } = "shared_expert_intermediate_size";

    /// <summary>Width of the token embedding where it is a matter of its own.</summary>
    public string Embedding { get; init; } = "word_embed_proj_dim";

    /// <summary>Inner channels of a scan.</summary>
    public string Inner { get; init; } = "expand × hidden_size";

    /// <summary>Channels that are convolved.</summary>
    public string ConvolutionChannels { get; init; } = "expand × hidden_size";

    /// <summary>The keys that determine an axis, for messages.</summary>
    public string Of(ModelAxis axis) => axis switch
    {
        ModelAxis.Vocabulary => Vocabulary,
        ModelAxis.Hidden => Hidden,
        ModelAxis.Positions => Context,
        ModelAxis.Queries or ModelAxis.AttentionOutputs => $"{Heads} × {HeadSize}",
        ModelAxis.Keys or ModelAxis.Values => $"{KeyValueHeads} × {HeadSize}",
        ModelAxis.QueryHeads => Heads,
        ModelAxis.KeyValueHeads => KeyValueHeads,
        ModelAxis.HeadSize => HeadSize,
        ModelAxis.Width => Width,
        ModelAxis.ExpertWidth => ExpertWidth ?? Width,
        ModelAxis.Experts => OtherExperts is null ? Experts : $"{Experts} ({OtherExperts})",
        ModelAxis.Embedding => Embedding,
        ModelAxis.QueryRank => "q_lora_rank",
        ModelAxis.KeyValueRank => "kv_lora_rank",
        ModelAxis.KeyValueDown => "kv_lora_rank + qk_rope_head_dim",
        ModelAxis.KeyUp => $"{Heads} × qk_nope_head_dim",
        ModelAxis.ValueUp => $"{Heads} × v_head_dim",
        ModelAxis.SharedWidth => SharedWidth,
        ModelAxis.TokenTypes => "type_vocab_size",
        ModelAxis.Buckets => "relative_attention_num_buckets",
        ModelAxis.Classes => "id2label",
        ModelAxis.Inner => Inner,
        ModelAxis.ConvolutionChannels => ConvolutionChannels,
        ModelAxis.ConvolutionWidth => "conv_kernel",
        ModelAxis.State => "state_size",
        ModelAxis.TimeStepRank => "time_step_rank",
        ModelAxis.ScanHeads => "num_heads",
        ModelAxis.TimeMixing => "attention_hidden_size",
        ModelAxis.RowPositions => "axial_pos_shape[0]",
        ModelAxis.ColumnPositions => "axial_pos_shape[1]",
        ModelAxis.RowPositionWidth => "axial_pos_embds_dim[0]",
        ModelAxis.ColumnPositionWidth => "axial_pos_embds_dim[1]",
        ModelAxis.TwoStreams => $"2 × {Hidden}",
        ModelAxis.One => "always",
        _ => "rotary size / 2",
    };
}
