using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Architectures;

/// <summary>
/// A family of decoders: how its config keys and tensor names map to a <see cref="DecoderSpec"/> and canonical tensors, and back.
/// One file per family, one line in <see cref="ArchitectureRegistry"/>; nothing else in the program knows a family's name.
/// </summary>
public abstract class Architecture
{
    /// <summary>The registered name.</summary>
    public abstract string Name { get; }

    /// <summary>The <c>model_type</c> values of config.json that belong to the family.</summary>
    public abstract ImmutableArray<string> ModelTypes { get; }

    /// <summary>The <c>general.architecture</c> of its GGUF files, or null if GGUF has none.</summary>
    public virtual string? GgufName => null;

    /// <summary>How config.json spells the keys that state sizes.</summary>
    internal virtual ConfigKeys Keys => ConfigKeys.Usual;

    /// <summary>Names of tensors in Hugging Face checkpoints.</summary>
    internal abstract TensorLayout HuggingFaceLayout { get; }

    /// <summary>Names of tensors in Hugging Face checkpoints of this spec, where they depend on it.</summary>
    internal virtual TensorLayout HuggingFaceLayoutOf(DecoderSpec spec) => HuggingFaceLayout;

    /// <summary>Names of tensors in GGUF files.</summary>
    internal virtual TensorLayout GgufLayout => GgufNames.Usual;

    /// <summary>Names of tensors in GGUF files of this spec, where they depend on it.</summary>
    internal virtual TensorLayout GgufLayoutOf(DecoderSpec spec) => GgufLayout;

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

    /// <summary>True if llama.cpp loads <c>rope_freqs.weight</c> for this architecture.</summary>
    internal virtual bool GgufHoldsRotaryDivisors => false;

    /// <summary>Reads config.json, every key that matters.</summary>
    internal abstract DecoderSpec ReadConfig(ConfigReader config);

    /// <summary>The config.json, in the spelling of transformers 5, that reads back as this spec. Sizes, not token ids.</summary>
    internal abstract JsonObject WriteConfig(DecoderSpec spec);

    /// <summary>
    /// True if a GGUF file of <see cref="GgufName"/> is of this family: several share one architecture there. Asked in the registry's order.
    /// </summary>
    internal virtual bool ClaimsGguf(GgufSpecReader file) => true;

    /// <summary>Reads the hyperparameters of a GGUF file.</summary>
    internal virtual DecoderSpec ReadGguf(GgufSpecReader file) =>
        throw new NotSupportedModelException($"{file.Location}: {Name} models cannot be read from GGUF.");

    /// <summary>What llama.cpp does otherwise with this model, in words, or null: beyond what every architecture is asked.</summary>
    internal virtual string? GgufDifference(DecoderSpec spec) => null;

    /// <summary>Adds or replaces metadata after the usual keys have been written from the spec.</summary>
    internal virtual void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
    }
}
