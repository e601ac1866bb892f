using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>Mamba 2 (Dao and Gu 2024): scans whose decay is one number per head, one projection for all that a block reads, a norm on the gated result.</summary>
public sealed class Mamba2Architecture : RecurrentArchitecture
{
    /// <inheritdoc/>
    public override string Name => "mamba2";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["mamba2"];

    /// <inheritdoc/>
    public override string GgufName => "mamba2";

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new() { ConvolutionChannels = "expand × hidden_size + 2 × n_groups × state_size" };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        MambaForm.HuggingFaceFrame[0],
        TensorLayout.Module("{prefix}layers.{layer}.norm", TensorRole.MixerNorm),
        TensorLayout.Whole("{prefix}layers.{layer}.mixer.dt_bias", TensorRole.TimeStepBias),
        TensorLayout.Whole("{prefix}layers.{layer}.mixer.A_log", TensorRole.StateDecay),
        TensorLayout.Whole("{prefix}layers.{layer}.mixer.D", TensorRole.SkipFactor),
        TensorLayout.Fused("{prefix}layers.{layer}.mixer.in_proj", TensorRole.ScanGate, TensorRole.ScanInput, TensorRole.TimeStep),
        TensorLayout.Module("{prefix}layers.{layer}.mixer.conv1d", TensorRole.Convolution) with { Reshape = MambaForm.WithMiddleOne },
        TensorLayout.Module("{prefix}layers.{layer}.mixer.norm", TensorRole.ScanNorm),
        TensorLayout.Module("{prefix}layers.{layer}.mixer.out_proj", TensorRole.MixerOutput),
        .. MambaForm.HuggingFaceFrame[1..],
    ])
    {
        Prefixes = ["backbone."],
    };

    /// <inheritdoc/>
    internal override TensorLayout GgufLayoutOf(RecurrentSpec spec)
    {
        int groups = ScanOf(spec).GroupCount;
        return new(
        [
            .. MambaForm.GgufFrame,
            TensorLayout.Fused("blk.{layer}.ssm_in", TensorRole.ScanGate, TensorRole.ScanInput, TensorRole.TimeStep),
            TensorLayout.Whole("blk.{layer}.ssm_dt.bias", TensorRole.TimeStepBias),
            TensorLayout.Whole("blk.{layer}.ssm_a", TensorRole.StateDecay) with { Elements = MambaForm.Rate, Reshape = MambaForm.AsColumn },
            TensorLayout.Whole("blk.{layer}.ssm_d", TensorRole.SkipFactor) with { Reshape = MambaForm.AsColumn },
            TensorLayout.Module("blk.{layer}.ssm_norm", TensorRole.ScanNorm) with { Reshape = shape => new TensorShape(groups, shape.ElementCount / groups) },
        ]);
    }

    /// <inheritdoc/>
    internal override RecurrentSpec ReadConfig(ConfigReader config)
    {
        int hidden = config.GetCount(Keys.Hidden);
        int inner = MambaForm.ReadInnerSize(config, hidden);
        int heads = config.GetCount("num_heads", DecoderDimensions.MaximumHeads);
        int headSize = config.GetCount("head_dim", DecoderDimensions.MaximumHeads);
        if ((long)heads * headSize != inner)
            throw config.Contradiction("num_heads", $"a number whose product with head_dim = {headSize} is expand × hidden_size = {inner}");
        int groups = config.FindCount("n_groups", DecoderDimensions.MaximumHeads) ?? 8;
        if (heads % groups != 0)
            throw config.Contradiction("n_groups", $"a divisor of num_heads = {heads}");
        NormSpec norm = MambaForm.ReadNorm(config);
        (double least, double largest) = config.FindRange("time_step_limit") ?? (0, double.PositiveInfinity);
        config.Ignore("time_step_rank");
        var scan = new HeadScanSpec
        {
            HeadCount = heads,
            HeadSize = headSize,
            StateSize = config.FindCount("state_size", MambaForm.MaximumState) ?? 128,
            GroupCount = groups,
            Convolution = MambaForm.ReadConvolution(config),
            // Whatever the activation of the convolution.
            GateActivation = Activation.Silu,
            Norm = norm,
            LeastTimeStep = (float)least,
            LargestTimeStep = (float)largest,
            ProjectionBias = config.GetFlag("use_bias", absent: false),
        };
        MambaForm.IgnoreHarmless(config);
        return Build(
            config.GetCount(Keys.Vocabulary), hidden, MambaForm.ContextLength, config.GetCount(Keys.Layers, DecoderDimensions.MaximumLayers), norm, scan,
            config.GetFlag("tie_word_embeddings", absent: false));
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(RecurrentSpec spec)
    {
        HeadScanSpec scan = ScanOf(spec);
        JsonObject config = MambaForm.WriteConfig(spec, Keys, "mamba2", "Mamba2ForCausalLM", scan.InnerSize, scan.Convolution, scan.ProjectionBias);
        config["num_heads"] = scan.HeadCount;
        config["head_dim"] = scan.HeadSize;
        config["n_groups"] = scan.GroupCount;
        config["state_size"] = scan.StateSize;
        config["time_step_limit"] = new JsonArray(
            RopeConfig.Shortest(scan.LeastTimeStep),
            float.IsInfinity(scan.LargestTimeStep) ? new JsonObject { ["__float__"] = "Infinity" } : RopeConfig.Shortest(scan.LargestTimeStep));
        return config;
    }

    /// <inheritdoc/>
    internal override RecurrentSpec ReadGguf(GgufSpecReader file)
    {
        (int hidden, int layers, int inner, int state, int heads, NormSpec norm, ConvolutionSpec convolution) = MambaForm.ReadGguf(file);
        if (inner % heads != 0)
            throw BadFileException.Expected(file.Location, $"metadata key {file.KeyOf("ssm.time_step_rank")}", $"a divisor of ssm.inner_size {inner}", $"{heads}");
        int groups = file.GetCount("ssm.group_count");
        if (heads % groups != 0)
            throw BadFileException.Expected(file.Location, $"metadata key {file.KeyOf("ssm.group_count")}", $"a divisor of ssm.time_step_rank {heads}", $"{groups}");
        var scan = new HeadScanSpec
        {
            HeadCount = heads,
            HeadSize = inner / heads,
            StateSize = state,
            GroupCount = groups,
            Convolution = convolution,
            GateActivation = Activation.Silu,
            Norm = norm,
            LeastTimeStep = (float)(file.FindDecantNumber(DecantKeys.LeastTimeStep) ?? 0),
            LargestTimeStep = (float)(file.FindDecantNumber(DecantKeys.LargestTimeStep) ?? double.PositiveInfinity),
        };
        return Build(file.Vocabulary(), hidden, file.GetCount("context_length"), layers, norm, scan, tied: !file.HasTensor("output.weight"));
    }

    internal override List<string> WriteGguf(ModelSpec spec, GgufMetadata metadata)
    {
        var recurrent = (RecurrentSpec)spec;
        HeadScanSpec scan = ScanOf(recurrent);
        MambaForm.WriteGguf(recurrent, metadata, GgufName, recurrent.FinalNorm, scan.Convolution, scan.ProjectionBias);
        MambaForm.RequireSilu(metadata, scan.Convolution.Activation, scan.GateActivation);
        metadata.Set("mamba2.ssm.inner_size", GgufValue.From((uint)scan.InnerSize));
        metadata.Set("mamba2.ssm.state_size", GgufValue.From((uint)scan.StateSize));
        metadata.Set("mamba2.ssm.time_step_rank", GgufValue.From((uint)scan.HeadCount));
        metadata.Set("mamba2.ssm.group_count", GgufValue.From((uint)scan.GroupCount));
        var notices = new List<string>();
        if (scan.LeastTimeStep > 0)
            metadata.Set(DecantKeys.LeastTimeStep, GgufValue.From(scan.LeastTimeStep));
        if (!float.IsInfinity(scan.LargestTimeStep))
            metadata.Set(DecantKeys.LargestTimeStep, GgufValue.From(scan.LargestTimeStep));
        if (scan.LeastTimeStep > 0 || !float.IsInfinity(scan.LargestTimeStep))
            notices.Add($"llama.cpp does not limit time steps; this model limits them to {scan.LeastTimeStep:0.######} to {scan.LargestTimeStep:0.######}");
        return notices;
    }

    private static HeadScanSpec ScanOf(RecurrentSpec spec) => (HeadScanSpec)spec.Layers[0].Mixer;

    private static RecurrentSpec Build(int vocabulary, int hidden, int context, int layers, NormSpec norm, HeadScanSpec scan, bool tied)
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
