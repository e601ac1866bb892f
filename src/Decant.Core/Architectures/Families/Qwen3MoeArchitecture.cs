using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Families;

/// <summary>Qwen3-MoE (Yang et al. 2025): Qwen3 with a mixture of experts in most blocks.</summary>
public sealed class Qwen3MoeArchitecture : DecoderArchitecture
{
    private const int DefaultContext = 32768;

    /// <inheritdoc/>
    public override string Name => "qwen3_moe";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["qwen3_moe"];

    /// <inheritdoc/>
    public override string GgufName => "qwen3moe";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { OutputBias = false };

    /// <inheritdoc/>
    internal override bool GgufStatesExpertWidth => true;

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new() { Experts = "num_experts", OtherExperts = "num_local_experts", ExpertWidth = "moe_intermediate_size" };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = Qwen2MoeArchitecture.Names();

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, DefaultContext, defaultKeyValueHeads: 4);
        NormSpec norm = LlamaForm.Norm(config);
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with
        {
            QueryKeyNorm = new QueryKeyNormSpec(norm, QueryKeyNormSpan.Head),
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        // One window for all blocks, unlike the dense models.
        int? stated = config.FindCountOrNone("sliding_window");
        int? window = config.GetFlag("use_sliding_window", absent: false) ? stated ?? 4096 : null;
        config.Ignore("max_window_layers");
        Func<int, FeedForwardSpec> feedForward = Qwen2MoeArchitecture.ReadFeedForward(
            config, sizes, config.FirstOf(Keys.Experts, "num_local_experts"), (128, 8, 768), sharedWidth: null);
        bool tied = config.GetFlag("tie_word_embeddings", absent: false);
        return LlamaForm.Build(sizes, norm, tied, _ => attention with { Window = window }, feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "qwen3_moe", "Qwen3MoeForCausalLM");
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        config["use_sliding_window"] = spec.FirstWindow is not null;
        config["sliding_window"] = spec.FirstWindow;
        Qwen2MoeArchitecture.WriteFeedForward(spec, config, Keys.Experts);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        int?[] windows = sizes.Windows(file, _ => true);
        NormSpec norm = LlamaForm.Norm(file);
        ExpertsSpec experts = sizes.Experts(file, renormalise: true);
        int width = file.FindCount("expert_feed_forward_length") ?? sizes.Width[0] / experts.UsedCount;
        Activation activation = file.Activation(GgufActivation);
        return LlamaForm.BuildGguf(
            sizes,
            norm,
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with
            {
                Rope = rope,
                Window = windows[layer],
                QueryKeyNorm = new QueryKeyNormSpec(norm, QueryKeyNormSpan.Head),
                QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_q.bias"),
                OutputBias = file.HasTensor($"blk.{layer}.attn_output.bias"),
            },
            _ => new FeedForwardSpec { Gated = true, Activation = activation, Width = width, Experts = experts });
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        int dense = Array.FindIndex([.. spec.Layers], layer => layer.FeedForward.Experts is null);
        if (dense >= 0)
        {
            throw new NotSupportedModelException(
                $"{metadata.Location}: a GGUF file of architecture {GgufName} cannot hold this model: there every block has experts, and block {dense} has none (mlp_only_layers, decoder_sparse_step). Write a Hugging Face folder instead.");
        }
        if (!spec.Layers[0].FeedForward.Experts!.Renormalise)
            metadata.Set("qwen3moe.expert_weights_norm", GgufValue.From(false));
    }

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) =>
        spec.Layers.Any(layer => layer.FeedForward.Experts is { Renormalise: false } experts && experts.UsedCount < experts.Count)
            ? $"llama.cpp divides the weights of chosen experts by their sum in {Name} models; this one does not (norm_topk_prob)"
            : null;
}
