using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// StableLM 2 (Bellagente et al. 2024): LayerNorm with biases, a quarter of each head rotated, biases on queries, keys and values if switched on; some read
/// both branches from one norm.
/// </summary>
public sealed class StableLmArchitecture : DecoderArchitecture
{
    private const double DefaultFraction = 0.25;

    /// <inheritdoc/>
    public override string Name => "stablelm";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["stablelm"];

    /// <inheritdoc/>
    public override string GgufName => "stablelm";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { TiedHead = false };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => LlamaForm.Names;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 4096, defaultKeyValueHeads: 32);
        // A norm per head with tensors of its own each: StableLM 2 12B.
        config.RequireOff("qk_layernorm");
        config.RequireOne("rotary_scaling_factor");
        AttentionSpec attention = LlamaForm.Attention(
            sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000, partial: true, defaultFraction: DefaultFraction)) with
        {
            QueryKeyValueBias = config.GetFlag("use_qkv_bias", absent: false),
        };
        var feedForward = new FeedForwardSpec { Gated = true, Activation = Activations.Read(config, "hidden_act", Activation.Silu), Width = sizes.Width };
        NormSpec norm = LlamaForm.LayerNorm(config, "layer_norm_eps");
        bool parallel = config.GetFlag("use_parallel_residual", absent: false);
        return Finish(LlamaForm.Build(sizes, norm, config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward), parallel);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "stablelm", "StableLmForCausalLM");
        config.Remove("rms_norm_eps");
        config["layer_norm_eps"] = RopeConfig.Shortest(spec.FinalNorm!.Epsilon);
        config["use_qkv_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        config["use_parallel_residual"] = spec.Layers[0].Form == BlockForm.Parallel;
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        Activation activation = file.Activation(GgufActivation);
        // llama.cpp goes by the tensors; its converter writes the key too.
        file.GetFlag("use_parallel_residual", absent: false);
        return Finish(
            LlamaForm.BuildGguf(
                sizes,
                LlamaForm.LayerNorm(file),
                tied: !file.HasTensor("output.weight"),
                layer => sizes.Attention(layer) with { Rope = rope, QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_q.bias") },
                layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] }),
            parallel: !file.HasTensor("blk.0.ffn_norm.weight"));
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata) =>
        metadata.Set("stablelm.use_parallel_residual", GgufValue.From(spec.Layers[0].Form == BlockForm.Parallel));

    private static DecoderSpec Finish(DecoderSpec spec, bool parallel) =>
        parallel ? LlamaForm.WithLayers(spec, layer => layer with { Form = BlockForm.Parallel, SharedNorm = true }) : spec;
}
