using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>A model seen as a GGUF file: keys and tensors under GGUF's names, whatever container they are read from.</summary>
/// <param name="Metadata">All keys, in order; a copy that may be changed.</param>
/// <param name="Tensors">All tensors, in order.</param>
/// <param name="Notices">What the user should know about the view.</param>
internal sealed record GgufContent(GgufMetadata Metadata, IReadOnlyList<TensorData> Tensors, IReadOnlyList<string> Notices)
{
    /// <summary>Describes a source.</summary>
    /// <exception cref="NotSupportedModelException">GGUF cannot hold the model.</exception>
    public static GgufContent Of(IModelSource source) => source.Gguf is { } metadata
        ? new GgufContent(metadata.Copy(), source.Tensors, [])
        : throw new NotSupportedModelException($"{source.Location}: only GGUF sources yet.");
}
