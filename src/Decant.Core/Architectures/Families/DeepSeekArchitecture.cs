using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>What the families of DeepSeek's latent attention share: names, keys, and one architecture in GGUF.</summary>
public abstract class DeepSeekArchitecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string GgufName => "deepseek2";

    /// <inheritdoc/>
    internal override RopePairing HuggingFacePairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override bool GgufStatesExpertWidth => true;

    /// <inheritdoc/>
    internal override bool GgufScaleIsHonoured => true;

    /// <inheritdoc/>
    internal override ConfigKeys Keys => DeepSeekForm.Keys;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => DeepSeekForm.NarrowQueryNames;

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout => DeepSeekForm.NarrowQueryGgufNames;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(DecoderSpec spec) =>
        DeepSeekForm.HasNarrowQuery(spec) ? DeepSeekForm.NarrowQueryNames : DeepSeekForm.WideQueryNames;

    /// <inheritdoc/>
    internal override TensorLayout GgufLayoutOf(DecoderSpec spec) =>
        DeepSeekForm.HasNarrowQuery(spec) ? DeepSeekForm.NarrowQueryGgufNames : DeepSeekForm.WideQueryGgufNames;

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file) => DeepSeekForm.ReadGguf(file);

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata) => DeepSeekForm.WriteGguf(spec, metadata);

    /// <inheritdoc/>
    internal override DecoderSpec ForGguf(DecoderSpec spec) => DeepSeekForm.ForGguf(spec);

    /// <inheritdoc/>
    internal override DecoderSpec ForHuggingFace(DecoderSpec spec) => DeepSeekForm.ForHuggingFace(spec);

    /// <inheritdoc/>
    internal override void ForGguf(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) => DeepSeekForm.ForGguf(spec, tensors);

    /// <inheritdoc/>
    internal override void ForHuggingFace(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) => DeepSeekForm.ForHuggingFace(spec, tensors);

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) => DeepSeekForm.GgufDifference(spec);
}
