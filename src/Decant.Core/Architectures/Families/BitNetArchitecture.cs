using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// BitNet b1.58 (Ma et al. 2024, 2025): Llama whose projections multiply ternary weights with activations of 8 bits, with a norm before each branch's last
/// projection and squared ReLU. Hugging Face folders hold weights as they were trained; GGUF files hold them rounded, for llama.cpp rounds neither weights nor
/// activations when it runs such a model.
/// </summary>
public sealed class BitNetArchitecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "bitnet";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["bitnet"];

    /// <inheritdoc/>
    public override string GgufName => "bitnet";

    // What llama.cpp computes if a file does not say.
    /// <inheritdoc/>
    internal override Activation GgufActivation => Activation.Silu;

    /// <inheritdoc/>
    internal override string GgufActivationKey => "hidden_activation";

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = GgufNames.With(
        TensorLayout.Module("blk.{layer}.attn_sub_norm", TensorRole.AttentionOutputNorm),
        TensorLayout.Module("blk.{layer}.ffn_sub_norm", TensorRole.FeedForwardInnerNorm));

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}embed_tokens", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.attn_sub_norm", TensorRole.AttentionOutputNorm),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.ffn_sub_norm", TensorRole.FeedForwardInnerNorm));

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 2048, defaultKeyValueHeads: 5);
        ReadQuantization(config);
        NormSpec norm = LlamaForm.Norm(config, 1e-5);
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 500000)) with
        {
            OutputNorm = norm,
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.ReluSquared),
            Width = sizes.Width,
            InnerNorm = norm,
        };
        DecoderSpec spec = LlamaForm.Build(sizes, norm, config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward);
        return LlamaForm.WithLayers(spec, layer => layer with { Projections = ProjectionKind.Ternary });
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "bitnet", "BitNetForCausalLM");
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        config["quantization_config"] = new JsonObject { ["quant_method"] = "bitnet", ["linear_class"] = "autobitlinear", ["quantization_mode"] = "online" };
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        NormSpec norm = LlamaForm.Norm(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        Activation activation = file.Activation(GgufActivation, GgufActivationKey);
        RefuseScales(file, sizes.Layers);
        return AsStored(LlamaForm.BuildGguf(
            sizes,
            norm,
            tied: true,
            layer => sizes.Attention(layer) with { Rope = rope, OutputNorm = norm },
            layer => new FeedForwardSpec { Gated = true, Activation = activation, Width = sizes.Width[layer], InnerNorm = norm }));
    }

    /// <inheritdoc/>
    internal override DecoderSpec ForGguf(DecoderSpec spec) => AsStored(spec);

    /// <inheritdoc/>
    internal override void ForGguf(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) =>
        ChangeProjections(spec, ProjectionKind.Ternary, tensors, weight => new TernaryTensor(weight));

    /// <inheritdoc/>
    internal override DecoderSpec ForHuggingFace(DecoderSpec spec) => LlamaForm.WithLayers(spec, layer => layer with { Projections = ProjectionKind.Ternary });

    /// <inheritdoc/>
    internal override void ForHuggingFace(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) =>
        ChangeProjections(spec, ProjectionKind.StoredTernary, tensors, weight => new TernarySourceTensor(weight));

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        AttentionSpec attention = spec.Layers[0].Attention;
        string? reason = !spec.Head.Tied ? "llama.cpp takes the embedding for the head of these models (tie_word_embeddings); this one has a head of its own"
            : attention.QueryKeyValueBias || attention.OutputBias ? "llama.cpp has no biases in the attention of these models (attention_bias)"
            : attention.HeadCount * attention.HeadSize != spec.HiddenSize ? $"llama.cpp takes heads of hidden_size / num_attention_heads numbers for these models; this one has {attention.HeadCount} heads of {attention.HeadSize} for a hidden size of {spec.HiddenSize}"
            : null;
        if (reason is not null)
            throw new NotSupportedModelException($"{metadata.Location}: a GGUF file of architecture {GgufName} cannot hold this model: {reason}. Write a Hugging Face folder instead.");
    }

    /// <inheritdoc/>
    internal override string GgufDifference(DecoderSpec spec) => $"llama.cpp multiplies the rounded weights of {Name} models with activations as they are; this model rounds those to 8 bits";

    /// <inheritdoc/>
    internal override IEnumerable<string> AddGgufRemains(Model model, GgufMetadata metadata) =>
        ["the weights of projections are written rounded to -s, 0 and s, as llama.cpp wants them: what they were before rounding, which training on needs, is left out"];

    /// <inheritdoc/>
    internal override string? HuggingFaceLoss(ModelSpec spec) => ((DecoderSpec)spec).Layers[0].Projections == ProjectionKind.StoredTernary
        ? "the weights before rounding are lost in GGUF files of this kind of model: the folder gets weights that round to the same values, good for running, not for training on"
        : null;

    private static DecoderSpec AsStored(DecoderSpec spec) => LlamaForm.WithLayers(spec, layer => layer with { Projections = ProjectionKind.StoredTernary });

    private static void ChangeProjections(DecoderSpec spec, ProjectionKind kind, Dictionary<TensorId, TensorData> tensors, Func<TensorData, TensorData> change)
    {
        foreach ((TensorId id, TensorData data) in tensors.ToArray())
        {
            if (id.Layer is { } layer && spec.Layers[layer].Projections == kind && GgufExport.IsMatrix(id.Role, data.Info.Shape))
                tensors[id] = change(data);
        }
    }

    // llama.cpp multiplies by scales that stand beside codes of -1, 0 and 1, in files made from packed weights.
    private static void RefuseScales(GgufSpecReader file, int layers)
    {
        foreach (string name in (ReadOnlySpan<string>)["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"])
        {
            for (int layer = 0; layer < layers; layer++)
            {
                if (file.HasTensor($"blk.{layer}.{name}.scale"))
                    throw new NotSupportedModelException($"{file.Location}: tensor blk.{layer}.{name}.scale is not supported: scales apart from weights. Supported: weights of -s, 0 and s.");
            }
        }
    }

    // Weights as they were trained, rounded when they are used; packed ones are of another form.
    private static void ReadQuantization(ConfigReader config)
    {
        if (config.FindSection("quantization_config") is not { } quantization)
            return;
        if (quantization.FindText("quant_method") is { } method && method != "bitnet")
            throw quantization.NotSupported("quant_method", "bitnet");
        if (quantization.FindText("linear_class") is not "autobitlinear")
            throw quantization.NotSupported("linear_class", "autobitlinear: weights that are not packed");
        if (quantization.FindText("quantization_mode") is { } mode && mode != "online")
            throw quantization.NotSupported("quantization_mode", "online: weights that are rounded when they are used");
        quantization.RequireOff("use_rms_norm");
        // The head alone is not ternary, which is also what a missing list means.
        if (quantization.FindTexts("modules_to_not_convert") is { } kept && (kept.IsEmpty || kept.Any(name => name != "lm_head")))
            throw quantization.NotSupported("modules_to_not_convert", "null, [\"lm_head\"]");
        quantization.Ignore("rms_norm_eps");
    }
}
