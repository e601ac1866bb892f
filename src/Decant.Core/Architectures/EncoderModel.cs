using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>An encoder's checkpoint understood.</summary>
/// <param name="source">Where the tensors come from.</param>
/// <param name="architectureName">The registered name of the family, for reports and converters.</param>
/// <param name="spec">The encoder as data.</param>
/// <param name="tensors">Canonical tensors.</param>
/// <param name="notices">What the user should know although the model can be used.</param>
/// <param name="unknownTensors">Stored tensors that no part of the spec accounts for.</param>
public sealed class EncoderModel(
    IModelSource source,
    string architectureName,
    EncoderSpec spec,
    IReadOnlyDictionary<TensorId, TensorData> tensors,
    IReadOnlyList<string>? notices = null,
    IReadOnlyList<string>? unknownTensors = null) : Model<EncoderSpec>(source, architectureName, spec, tensors, notices, unknownTensors);

/// <summary>An encoder–decoder's checkpoint understood.</summary>
/// <param name="source">Where the tensors come from.</param>
/// <param name="architectureName">The registered name of the family, for reports and converters.</param>
/// <param name="spec">The model as data.</param>
/// <param name="tensors">Canonical tensors.</param>
/// <param name="notices">What the user should know although the model can be used.</param>
/// <param name="unknownTensors">Stored tensors that no part of the spec accounts for.</param>
public sealed class EncoderDecoderModel(
    IModelSource source,
    string architectureName,
    EncoderDecoderSpec spec,
    IReadOnlyDictionary<TensorId, TensorData> tensors,
    IReadOnlyList<string>? notices = null,
    IReadOnlyList<string>? unknownTensors = null) : Model<EncoderDecoderSpec>(source, architectureName, spec, tensors, notices, unknownTensors)
{
    /// <summary>The encoder as a model of its own.</summary>
    public EncoderModel Encoder => new(Source, ArchitectureName, Spec.Encoder, TensorsOf(StackKind.Encoder));

    /// <summary>The decoder as a model of its own; its blocks attend to the encoder's outputs.</summary>
    public DecoderModel Decoder => new(Source, ArchitectureName, Spec.Decoder, TensorsOf(StackKind.Main));

    private Dictionary<TensorId, TensorData> TensorsOf(StackKind stack)
    {
        var part = new Dictionary<TensorId, TensorData>();
        foreach ((TensorId id, TensorData data) in Tensors)
        {
            if (id.Stack == stack || id.Role == TensorRole.TokenEmbedding)
                part.Add(id with { Stack = StackKind.Main }, data);
        }
        return part;
    }
}
