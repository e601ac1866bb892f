using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
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
    /// <summary>
    /// Describes a source. A GGUF file is taken as it is, known architecture or not: quantizing it needs names alone. A Hugging Face folder is
    /// converted as it is read.
    /// </summary>
    /// <exception cref="BadFileException">The source is damaged.</exception>
    /// <exception cref="NotSupportedModelException">GGUF cannot hold the model.</exception>
    public static GgufContent Of(IModelSource source)
    {
        if (source.Gguf is { } metadata)
            return new GgufContent(metadata.Copy(), source.Tensors, []);
        GgufDescription description = GgufExport.Describe(ArchitectureRegistry.Bind(source), isExact: false);
        return new GgufContent(description.Metadata, description.Tensors, description.Notices);
    }
}
