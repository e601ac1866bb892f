using System.Text.Json.Nodes;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>A family of decoders.</summary>
public abstract class DecoderArchitecture : Architecture<DecoderSpec>
{
    /// <inheritdoc/>
    public sealed override string Kind => "decoder";

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout => GgufNames.Usual;

    internal sealed override string GgufKeyOf(ModelAxis axis) => GgufAxisKeys.Of(axis is ModelAxis.ExpertWidth && !GgufStatesExpertWidth ? ModelAxis.Width : axis);

    /// <summary>The rotary pairing that llama.cpp uses for this architecture, and its converter permutes rows for.</summary>
    internal virtual RopePairing GgufPairing => RopePairing.Half;

    /// <summary>The rotary pairing of its Hugging Face checkpoints.</summary>
    internal virtual RopePairing HuggingFacePairing => RopePairing.Half;

    /// <summary>True if llama.cpp applies the sliding window for this architecture.</summary>
    internal virtual bool GgufWindowIsHonoured => false;

    /// <summary>True if llama.cpp reads the factor on scores for this architecture.</summary>
    internal virtual bool GgufScaleIsHonoured => false;

    /// <summary>True if GGUF files of this architecture state the inner width of experts by a key of its own.</summary>
    internal virtual bool GgufStatesExpertWidth => false;

    /// <summary>The activation that models of this family have, which GGUF has no key for.</summary>
    internal virtual Activation GgufActivation => Activation.Silu;

    /// <summary>The key, after the architecture's name, by which newer versions of llama.cpp read the activation; null if none does.</summary>
    internal virtual string? GgufActivationKey => null;

    /// <summary>True if llama.cpp loads <c>rope_freqs.weight</c> for this architecture.</summary>
    internal virtual bool GgufHoldsRotaryDivisors => false;

    /// <summary>The rotation that the usual keys of a GGUF file state.</summary>
    internal virtual RopeSpec? GgufRopeOf(DecoderSpec spec) => spec.FirstRope;

    /// <summary>What llama.cpp's loader asks of the tensors of this architecture.</summary>
    internal virtual GgufLoaderLimits GgufLimits => GgufLoaderLimits.None;

    /// <summary>The rotary pairing of a Hugging Face folder made of a model.</summary>
    internal virtual RopePairing HuggingFacePairingOf(Model model) => HuggingFacePairing;

    /// <summary>The spec with what GGUF, or llama.cpp, fixes; <see cref="ForGguf(DecoderSpec, Dictionary{TensorId, TensorData})"/> makes up for it in the weights.</summary>
    internal virtual DecoderSpec ForGguf(DecoderSpec spec) => spec;

    /// <summary>Changes the tensors of a model to those that <see cref="ForGguf(DecoderSpec)"/> has.</summary>
    internal virtual void ForGguf(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors)
    {
    }

    /// <summary>The spec with what transformers fixes; <see cref="ForHuggingFace(DecoderSpec, Dictionary{TensorId, TensorData})"/> makes up for it in the weights.</summary>
    internal virtual DecoderSpec ForHuggingFace(DecoderSpec spec) => spec;

    /// <summary>Changes the tensors of a model to those that <see cref="ForHuggingFace(DecoderSpec)"/> has.</summary>
    internal virtual void ForHuggingFace(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors)
    {
    }

    /// <summary>What llama.cpp does otherwise with this model, in words, or null: beyond what every architecture is asked.</summary>
    internal virtual string? GgufDifference(DecoderSpec spec) => null;

    /// <summary>Adds or replaces metadata after the usual keys have been written from the spec.</summary>
    internal virtual void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
    }

    internal sealed override List<string> WriteGguf(ModelSpec spec, GgufMetadata metadata) => GgufSpecWriter.Write((DecoderSpec)spec, this, metadata);

    internal sealed override JsonObject WriteConfig(ModelSpec spec) => WriteConfig(RotaryDivisors.Named((DecoderSpec)spec));

    internal sealed override DecoderSpec AsGguf(ModelSpec spec) => ForGguf(RotaryRows.WithPairing((DecoderSpec)spec, GgufPairing));

    internal sealed override DecoderSpec AsHuggingFace(ModelSpec spec) => ForHuggingFace(RotaryRows.WithPairing((DecoderSpec)spec, HuggingFacePairing));

    internal sealed override DecoderSpec AsHuggingFace(Model model) => ForHuggingFace(RotaryRows.WithPairing((DecoderSpec)model.Spec, HuggingFacePairingOf(model)));

    internal sealed override string? DifferenceOf(DecoderSpec expected, DecoderSpec got) => SpecComparison.FirstDifference(expected, got);

    internal sealed override Dictionary<TensorId, TensorData> GgufTensors(Model model)
    {
        DecoderSpec spec = ((DecoderModel)model).Spec;
        Dictionary<TensorId, TensorData> tensors = RotaryRows.Reorder((DecoderModel)model, GgufPairing);
        ForGguf(spec, tensors);
        if (spec.FirstRope is { } rope)
        {
            foreach ((TensorRole role, TensorData data) in GgufRope.Tensors(rope, GgufHoldsRotaryDivisors))
                tensors[new TensorId(role)] = data;
        }
        return tensors;
    }

    internal sealed override Dictionary<TensorId, TensorData> HuggingFaceTensors(Model model)
    {
        Dictionary<TensorId, TensorData> tensors = RotaryRows.Reorder((DecoderModel)model, HuggingFacePairingOf(model));
        foreach (TensorRole role in (ReadOnlySpan<TensorRole>)[TensorRole.RopeFrequencyDivisors, TensorRole.RopeShortFactors, TensorRole.RopeLongFactors])
            tensors.Remove(new TensorId(role));
        ForHuggingFace(((DecoderModel)model).Spec, tensors);
        return tensors;
    }

    internal sealed override DecoderModel CreateModel(
        IModelSource source, ModelSpec spec, IReadOnlyDictionary<TensorId, TensorData> tensors, IReadOnlyList<string> notices, IReadOnlyList<string> unknownTensors) =>
        new(source, Name, (DecoderSpec)spec, tensors, notices, unknownTensors);
}
