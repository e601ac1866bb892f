using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>A decoder's checkpoint understood.</summary>
/// <param name="source">Where the tensors come from.</param>
/// <param name="architectureName">The registered name of the family, for reports and converters.</param>
/// <param name="spec">The decoder as data.</param>
/// <param name="tensors">Canonical tensors: matrices as [outputs, inputs], norms with their offset resolved, experts apart.</param>
/// <param name="notices">What the user should know although the model can be used.</param>
/// <param name="unknownTensors">Stored tensors that no part of the spec accounts for.</param>
public sealed class DecoderModel(
    IModelSource source,
    string architectureName,
    DecoderSpec spec,
    IReadOnlyDictionary<TensorId, TensorData> tensors,
    IReadOnlyList<string>? notices = null,
    IReadOnlyList<string>? unknownTensors = null) : Model<DecoderSpec>(source, architectureName, spec, tensors, notices, unknownTensors);
