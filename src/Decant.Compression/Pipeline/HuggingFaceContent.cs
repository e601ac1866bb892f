using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>A model seen as a Hugging Face folder, whatever container it is read from.</summary>
/// <param name="Config">config.json.</param>
/// <param name="GenerationConfig">generation_config.json, or null.</param>
/// <param name="Tensors">All tensors under their Hugging Face names, in the format they are stored in.</param>
/// <param name="Notices">What the user should know about the view.</param>
internal sealed record HuggingFaceContent(
    JsonObject Config, JsonObject? GenerationConfig, IReadOnlyList<TensorData> Tensors, IReadOnlyList<string> Notices)
{
    /// <summary>Says in the weight files that their numbers were rounded to a coarser type, and to which.</summary>
    internal const string RoundedKey = "decant.rounded_to";

    /// <summary>The <c>__metadata__</c> of the weight files.</summary>
    public Dictionary<string, string> WeightMetadata { get; init; } = new() { ["format"] = "pt" };

    /// <summary>Describes a source.</summary>
    /// <param name="source">The model.</param>
    /// <param name="format">F32, F16 or BF16 for all tensors, or null to keep plain ones.</param>
    /// <exception cref="BadFileException">The source is damaged.</exception>
    /// <exception cref="NotSupportedModelException">No config describes the model.</exception>
    public static HuggingFaceContent Of(IModelSource source, TensorFormat? format = null) => Of(ArchitectureRegistry.Bind(source), format);

    /// <summary>Describes a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">F32, F16 or BF16 for all tensors, or null to keep plain ones.</param>
    /// <exception cref="NotSupportedModelException">No config describes the model.</exception>
    public static HuggingFaceContent Of(Model model, TensorFormat? format = null)
    {
        HuggingFaceDescription description = HuggingFaceExport.Describe(model, format);
        return new HuggingFaceContent(description.Config, description.GenerationConfig, description.Tensors, description.Notices);
    }
}
