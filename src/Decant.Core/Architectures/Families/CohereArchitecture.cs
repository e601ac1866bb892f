using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Cohere's Command R and Aya (Cohere 2024): both branches read one norm without bias, neighbours are rotated together, logits are scaled; large ones
/// normalise queries and keys, each head with a weight of its own.
/// </summary>
public sealed class CohereArchitecture : DecoderArchitecture
{
    private const double DefaultLogitScale = 0.0625;

    /// <inheritdoc/>
    public override string Name => "cohere";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["cohere"];

    /// <inheritdoc/>
    public override string GgufName => "command-r";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { HeadsFillHidden = true, TiedHead = true, OutputBias = false };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => LlamaForm.Names;

    /// <inheritdoc/>
    internal override RopePairing HuggingFacePairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 8192);
        NormSpec norm = LlamaForm.LayerNorm(config, "layer_norm_eps", bias: false);
        bool bias = config.GetFlag("attention_bias", absent: false);
        // Versions of the reference differ in what a missing base means: 10000, 500000.
        ConfigReader? section = config.FindSection("rope_parameters");
        if (!config.Has("rope_theta") && section?.Has("rope_theta") != true)
            throw (section ?? config).Contradiction("rope_theta", "a number above 1, here or in rope_parameters, for versions of the reference differ in its default");
        RopeSpec rope = RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000) with { Pairing = RopePairing.Interleaved };
        AttentionSpec attention = LlamaForm.Attention(sizes, rope) with
        {
            QueryKeyNorm = config.GetFlag("use_qk_norm", absent: false) ? new QueryKeyNormSpec(norm, QueryKeyNormSpan.HeadWithOwnWeight) : null,
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        var feedForward = new FeedForwardSpec { Gated = true, Activation = Activations.Read(config, "hidden_act", Activation.Silu), Width = sizes.Width };
        bool tied = config.GetFlag("tie_word_embeddings", absent: true);
        return Finish(LlamaForm.Build(sizes, norm, tied, _ => attention, feedForward), (float)(config.FindPositive("logit_scale") ?? DefaultLogitScale));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "cohere", "CohereForCausalLM");
        config.Remove("rms_norm_eps");
        config["layer_norm_eps"] = RopeConfig.Shortest(spec.FinalNorm!.Epsilon);
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        config["use_qk_norm"] = spec.Layers[0].Attention.QueryKeyNorm is not null;
        config["logit_scale"] = RopeConfig.Shortest(spec.Head.Scale);
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        NormSpec norm = LlamaForm.LayerNorm(file, bias: false);
        Activation activation = file.Activation(GgufActivation);
        return Finish(
            LlamaForm.BuildGguf(
                sizes,
                norm,
                tied: !file.HasTensor("output.weight"),
                layer => sizes.Attention(layer) with
                {
                    Rope = rope,
                    QueryKeyNorm = file.HasTensor($"blk.{layer}.attn_q_norm.weight") ? new QueryKeyNormSpec(norm, QueryKeyNormSpan.HeadWithOwnWeight) : null,
                    QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_q.bias"),
                    OutputBias = file.HasTensor($"blk.{layer}.attn_output.bias"),
                },
                layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer] }),
            file.FindPositive("logit_scale") ?? 1);
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata) => metadata.Set("command-r.logit_scale", GgufValue.From(spec.Head.Scale));

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) =>
        spec.Layers[0].Attention.QueryKeyNorm is not null && spec.Layers.Length < 64
            ? "llama.cpp loads norms of queries and keys of cohere models from 64 blocks on only: it refuses this file"
            : null;

    private static DecoderSpec Finish(DecoderSpec spec, float logitScale) => LlamaForm.WithLayers(
        spec with { Head = spec.Head with { Scale = logitScale } },
        layer => layer with { Form = BlockForm.Parallel, SharedNorm = true });
}
