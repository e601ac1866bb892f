using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>Mamba (Gu and Dao 2023): blocks of a selective scan alone, time steps and B, C computed from the convolved channels.</summary>
public sealed class MambaArchitecture : RecurrentArchitecture
{
    /// <inheritdoc/>
    public override string Name => "mamba";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["mamba"];

    /// <inheritdoc/>
    public override string GgufName => "mamba";

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        MambaForm.HuggingFaceFrame[0],
        TensorLayout.Module("{prefix}layers.{layer}.norm", TensorRole.MixerNorm),
        TensorLayout.Whole("{prefix}layers.{layer}.mixer.A_log", TensorRole.StateDecay),
        TensorLayout.Whole("{prefix}layers.{layer}.mixer.D", TensorRole.SkipFactor),
        TensorLayout.Fused("{prefix}layers.{layer}.mixer.in_proj", TensorRole.ScanInput, TensorRole.ScanGate),
        TensorLayout.Module("{prefix}layers.{layer}.mixer.conv1d", TensorRole.Convolution) with { Reshape = MambaForm.WithMiddleOne },
        TensorLayout.Fused("{prefix}layers.{layer}.mixer.x_proj", TensorRole.TimeStepDown, TensorRole.StateInput, TensorRole.StateOutput),
        TensorLayout.Module("{prefix}layers.{layer}.mixer.dt_proj", TensorRole.TimeStep),
        TensorLayout.Module("{prefix}layers.{layer}.mixer.out_proj", TensorRole.MixerOutput),
        .. MambaForm.HuggingFaceFrame[1..],
    ])
    {
        Prefixes = ["backbone."],
    };

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = new(
    [
        .. MambaForm.GgufFrame,
        TensorLayout.Fused("blk.{layer}.ssm_in", TensorRole.ScanInput, TensorRole.ScanGate),
        TensorLayout.Fused("blk.{layer}.ssm_x", TensorRole.TimeStepDown, TensorRole.StateInput, TensorRole.StateOutput),
        TensorLayout.Module("blk.{layer}.ssm_dt", TensorRole.TimeStep),
        TensorLayout.Whole("blk.{layer}.ssm_a", TensorRole.StateDecay) with { Elements = MambaForm.Rate },
        TensorLayout.Whole("blk.{layer}.ssm_d", TensorRole.SkipFactor),
    ]);

    /// <inheritdoc/>
    internal override RecurrentSpec ReadConfig(ConfigReader config)
    {
        int hidden = config.GetCount(Keys.Hidden);
        NormSpec norm = MambaForm.ReadNorm(config);
        var scan = new SelectiveScanSpec
        {
            InnerSize = MambaForm.ReadInnerSize(config, hidden),
            StateSize = config.FindCount("state_size", MambaForm.MaximumState) ?? 16,
            TimeStepRank = ReadRank(config, hidden),
            Convolution = MambaForm.ReadConvolution(config),
            GateActivation = Activations.Read(config, "hidden_act", Activation.Silu),
            ProjectionBias = config.GetFlag("use_bias", absent: false),
        };
        MambaForm.IgnoreHarmless(config);
        return Build(config.GetCount(Keys.Vocabulary), hidden, MambaForm.ContextLength, config.GetCount(Keys.Layers, DecoderDimensions.MaximumLayers), norm, scan, config.GetFlag("tie_word_embeddings", absent: true));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(RecurrentSpec spec)
    {
        var scan = (SelectiveScanSpec)spec.Layers[0].Mixer;
        JsonObject config = MambaForm.WriteConfig(spec, Keys, "mamba", "MambaForCausalLM", scan.InnerSize, scan.Convolution, scan.ProjectionBias);
        config["intermediate_size"] = scan.InnerSize;
        config["state_size"] = scan.StateSize;
        config["time_step_rank"] = scan.TimeStepRank;
        return config;
    }

    /// <inheritdoc/>
    internal override RecurrentSpec ReadGguf(GgufSpecReader file)
    {
        (int hidden, int layers, int inner, int state, int rank, NormSpec norm, ConvolutionSpec convolution) = MambaForm.ReadGguf(file);
        if (file.GetFlag("ssm.dt_b_c_rms", absent: false))
            throw file.NotSupported("ssm.dt_b_c_rms", "true", "false");
        var scan = new SelectiveScanSpec
        {
            InnerSize = inner,
            StateSize = state,
            TimeStepRank = rank,
            Convolution = convolution,
            GateActivation = Activation.Silu,
        };
        return Build(file.Vocabulary(), hidden, file.GetCount("context_length"), layers, norm, scan, tied: !file.HasTensor("output.weight"));
    }

    internal override List<string> WriteGguf(ModelSpec spec, GgufMetadata metadata)
    {
        var recurrent = (RecurrentSpec)spec;
        var scan = (SelectiveScanSpec)recurrent.Layers[0].Mixer;
        MambaForm.WriteGguf(recurrent, metadata, GgufName, recurrent.FinalNorm, scan.Convolution, scan.ProjectionBias);
        MambaForm.RequireSilu(metadata, scan.Convolution.Activation, scan.GateActivation);
        metadata.Set("mamba.ssm.inner_size", GgufValue.From((uint)scan.InnerSize));
        metadata.Set("mamba.ssm.state_size", GgufValue.From((uint)scan.StateSize));
        metadata.Set("mamba.ssm.time_step_rank", GgufValue.From((uint)scan.TimeStepRank));
        metadata.Set("mamba.ssm.dt_b_c_rms", GgufValue.From(false));
        return scan.InnerSize == 2 * spec.HiddenSize
            ? []
            : [$"llama.cpp loads only Mamba models with expand 2; this one has {scan.InnerSize} inner channels for a hidden size of {spec.HiddenSize}"];
    }

    private static int ReadRank(ConfigReader config, int hidden)
    {
        int automatic = (hidden + 15) / 16;
        if (config.FindWord("time_step_rank") is { } word)
            return word == "auto" ? automatic : throw config.NotSupported("time_step_rank", "a whole number, \"auto\"");
        return config.FindCount("time_step_rank") ?? automatic;
    }

    private static RecurrentSpec Build(int vocabulary, int hidden, int context, int layers, NormSpec norm, SelectiveScanSpec scan, bool tied)
    {
        var layer = new RecurrentLayerSpec { Norm = norm, Mixer = scan };
        return new RecurrentSpec
        {
            VocabularySize = vocabulary,
            HiddenSize = hidden,
            ContextLength = context,
            Layers = [.. Enumerable.Repeat(layer, layers)],
            FinalNorm = norm,
            Head = new HeadSpec { Tied = tied },
        };
    }
}
