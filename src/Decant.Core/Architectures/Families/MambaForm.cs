using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>What Mamba and Mamba 2 share: the config's common keys, names, and the keys of GGUF files.</summary>
internal static class MambaForm
{
    /// <summary>The most elements of a state per channel, and positions of a convolution, that a config may state.</summary>
    public const int MaximumState = 1 << 16;

    /// <summary>What the converters of llama.cpp state as context length: a state has no longest text.</summary>
    public const int ContextLength = 1 << 20;

    /// <summary>Names outside the blocks.</summary>
    public static readonly TensorMapping[] HuggingFaceFrame =
    [
        TensorLayout.Module("{prefix}embeddings", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}norm_f", TensorRole.FinalNorm),
        TensorLayout.Module("lm_head", TensorRole.Head),
    ];

    /// <summary>GGUF files hold the rate of decay itself, −e^x.</summary>
    public static readonly ElementFunctions Rate = new(stored => (float)Math.Log(-(double)stored), canonical => (float)-Math.Exp(canonical));

    /// <summary>[channels, width] as [channels, 1, width].</summary>
    public static TensorShape WithMiddleOne(TensorShape shape) => shape.Rank == 2 ? new(shape[0], 1, shape[1]) : shape;

    /// <summary>[n] as [n, 1].</summary>
    public static TensorShape AsColumn(TensorShape shape) => new(shape.ElementCount, 1);

    /// <summary>ε of all norms.</summary>
    public static NormSpec ReadNorm(ConfigReader config) =>
        new(NormKind.RootMeanSquare, (float)(config.FindPositive("layer_norm_epsilon") ?? 1e-5));

    /// <summary>Inner channels: expand · hidden size; a stated width must be that.</summary>
    /// <param name="config">The config.</param>
    /// <param name="hidden">The hidden size.</param>
    /// <param name="usualExpansion">The family's default.</param>
    public static int ReadInnerSize(ConfigReader config, int hidden, double usualExpansion = 2)
    {
        double expansion = config.FindPositive("expand") ?? usualExpansion;
        double inner = Math.Floor(expansion * hidden);
        if (inner is < 1 or > ConfigReader.MaximumCount)
            throw config.Contradiction("expand", $"a number that makes expand × hidden_size a width from 1 to {ConfigReader.MaximumCount}");
        foreach (string key in (ReadOnlySpan<string>)["intermediate_size", "d_inner"])
        {
            if (config.FindCount(key) is { } stated && stated != (int)inner)
                throw config.Contradiction(key, $"expand × hidden_size = {inner}");
        }
        if (config.FindCount("d_model") is { } model && model != hidden)
            throw config.Contradiction("d_model", $"hidden_size = {hidden}");
        return (int)inner;
    }

    /// <summary>The convolution.</summary>
    public static ConvolutionSpec ReadConvolution(ConfigReader config) => new(
        config.FindCount("conv_kernel", MaximumState) ?? 4,
        config.GetFlag("use_conv_bias", absent: true),
        Activations.Read(config, "hidden_act", Activation.Silu));

    /// <summary>Marks what concerns initial values, speed or the precision of half-precision runs.</summary>
    public static void IgnoreHarmless(ConfigReader config)
    {
        config.Ignore(
            "residual_in_fp32", "rescale_prenorm_residual", "fused_add_norm", "pad_vocab_size_multiple", "use_mambapy", "use_associative_scan", "chunk_size",
            "time_step_scale", "time_step_init_scheme", "time_step_floor", "time_step_min", "time_step_max", "n_layer", "norm_before_gate");
        if (!config.GetFlag("rms_norm", absent: true))
            throw config.NotSupported("rms_norm", "true");
        config.FindSection("ssm_cfg");
    }

    /// <summary>The config keys that both have.</summary>
    public static JsonObject WriteConfig(RecurrentSpec spec, ConfigKeys keys, string modelType, string className, int inner, ConvolutionSpec convolution, bool projectionBias) => new()
    {
        ["architectures"] = new JsonArray(className),
        ["model_type"] = modelType,
        [keys.Vocabulary] = spec.VocabularySize,
        [keys.Hidden] = spec.HiddenSize,
        [keys.Layers] = spec.Layers.Length,
        ["expand"] = (double)inner / spec.HiddenSize,
        ["conv_kernel"] = convolution.Width,
        ["use_conv_bias"] = convolution.Bias,
        ["hidden_act"] = Activations.Write(convolution.Activation, "silu"),
        ["use_bias"] = projectionBias,
        ["layer_norm_epsilon"] = RopeConfig.Shortest(spec.FinalNorm.Epsilon),
        ["tie_word_embeddings"] = spec.Head.Tied,
    };

    /// <summary>Names of GGUF tensors that both have.</summary>
    public static TensorMapping[] GgufFrame { get; } =
    [
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.MixerNorm),
        TensorLayout.Module("blk.{layer}.ssm_conv1d", TensorRole.Convolution),
        TensorLayout.Module("blk.{layer}.ssm_out", TensorRole.MixerOutput),
        TensorLayout.Module("output_norm", TensorRole.FinalNorm),
        TensorLayout.Module("output", TensorRole.Head),
    ];

    /// <summary>Writes the keys that both have.</summary>
    /// <exception cref="NotSupportedModelException">llama.cpp has no place for something.</exception>
    public static void WriteGguf(RecurrentSpec spec, GgufMetadata metadata, string architecture, NormSpec norm, ConvolutionSpec convolution, bool projectionBias)
    {
        if (projectionBias)
            throw new NotSupportedModelException($"{metadata.Location}: GGUF files of architecture {architecture} have no place for biases of projections (use_bias: true). Write a Hugging Face folder instead.");
        if (!convolution.Bias)
            throw new NotSupportedModelException($"{metadata.Location}: GGUF files of architecture {architecture} must have biases of convolutions (use_conv_bias: false). Write a Hugging Face folder instead.");
        string prefix = architecture + ".";
        void Count(string key, int value) => metadata.Set(prefix + key, GgufValue.From((uint)value));
        metadata.Set("general.architecture", GgufValue.From(architecture));
        metadata.Set("general.type", GgufValue.From("model"));
        Count("context_length", spec.ContextLength);
        Count("embedding_length", spec.HiddenSize);
        // No meaning here, but the loader asks for them.
        Count("feed_forward_length", 0);
        Count("attention.head_count", 0);
        Count("block_count", spec.Layers.Length);
        Count("ssm.conv_kernel", convolution.Width);
        metadata.Set(prefix + "attention.layer_norm_rms_epsilon", GgufValue.From(norm.Epsilon));
        Count("vocab_size", spec.VocabularySize);
    }

    /// <summary>Refuses activations that llama.cpp does not compute: the file could not say them.</summary>
    public static void RequireSilu(GgufMetadata metadata, params ReadOnlySpan<Activation> activations)
    {
        foreach (Activation activation in activations)
        {
            if (activation != Activation.Silu)
                throw new NotSupportedModelException($"{metadata.Location}: GGUF files of this architecture have the activation silu; this model has {Activations.Write(activation, "")}. Write a Hugging Face folder instead.");
        }
    }

    /// <summary>The sizes both have in GGUF files.</summary>
    public static (int Hidden, int Layers, int Inner, int State, int TimeSteps, NormSpec Norm, ConvolutionSpec Convolution) ReadGguf(GgufSpecReader file)
    {
        // Always 0.
        file.FindCountOrZero("feed_forward_length");
        file.FindCountOrZero("attention.head_count");
        file.FindCountOrZero("attention.head_count_kv");
        return (
            file.GetCount("embedding_length"),
            file.GetCount("block_count", DecoderDimensions.MaximumLayers),
            file.GetCount("ssm.inner_size"),
            file.GetCount("ssm.state_size", MaximumState),
            file.GetCount("ssm.time_step_rank"),
            new NormSpec(NormKind.RootMeanSquare, file.GetPositive("attention.layer_norm_rms_epsilon")),
            new ConvolutionSpec(file.GetCount("ssm.conv_kernel", MaximumState), Bias: true, Activation.Silu));
    }
}
