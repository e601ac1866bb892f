using System.Text.Json.Nodes;
using Decant.Compression.Pipeline;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Verification;

/// <summary>What an output should hold, seen in the output's own container.</summary>
/// <param name="Tensors">The source's tensors under the names of the output's container.</param>
/// <param name="Formats">The formats they should have there, or null if any will do.</param>
/// <param name="CheckMetadata">Compares keys or config.</param>
internal sealed record Expectation(IReadOnlyList<TensorData> Tensors, IReadOnlyList<TensorFormat>? Formats, Func<IModelSource, VerifyCheck> CheckMetadata)
{
    /// <summary>Keys of config.json that say how weights are stored or who wrote the file, not what the model computes.</summary>
    private static readonly string[] storageKeys = ["dtype", "torch_dtype", "transformers_version", "quantization_config", "_name_or_path"];

    /// <summary>A GGUF file with these keys and, rounded to these formats, these tensors.</summary>
    public static Expectation Of(GgufContent content, IReadOnlyList<TensorFormat> formats) =>
        new(content.Tensors, formats, candidate => MetadataComparison.Check(content.Metadata, candidate.Gguf!, ignoreFileKeys: false));

    /// <summary>A folder with this config and these tensors.</summary>
    public static Expectation Of(HuggingFaceContent content) => new(
        content.Tensors, [.. content.Tensors.Select(t => t.Info.Format)], candidate => CheckConfig(content.Config, candidate.HuggingFace!.Config, sameContainer: true));

    /// <summary>Derives the expectation from the source alone: any types will do.</summary>
    public static Expectation Of(VerifyRequest request)
    {
        if (request.Candidate.Gguf is null)
        {
            HuggingFaceContent folder = HuggingFaceContent.Of(request.Reference);
            bool sameContainer = request.Reference.HuggingFace is not null;
            return new Expectation(folder.Tensors, null, candidate => CheckConfig(folder.Config, candidate.HuggingFace!.Config, sameContainer));
        }
        GgufContent file = GgufContent.Of(request.Reference);
        bool isConverted = request.Reference.Gguf is null;
        return new Expectation(
            file.Tensors, null,
            candidate => isConverted
                ? MetadataComparison.CheckShared(file.Metadata, candidate.Gguf!)
                : MetadataComparison.Check(file.Metadata, candidate.Gguf!, ignoreFileKeys: true));
    }

    /// <summary>
    /// Every key the source determines has an equal value. Between folders both must have the same keys; a folder made from GGUF may know more.
    /// </summary>
    private static VerifyCheck CheckConfig(JsonObject expected, JsonObject got, bool sameContainer)
    {
        foreach ((string key, JsonNode? value) in expected)
        {
            if (storageKeys.Contains(key))
                continue;
            if (!got.TryGetPropertyValue(key, out JsonNode? other))
            {
                if (sameContainer)
                    return new VerifyCheck("metadata", false, $"config.json: {key} is missing");
                continue;
            }
            if (!JsonNode.DeepEquals(value, other))
                return new VerifyCheck("metadata", false, $"config.json: {key}: expected {value?.ToJsonString() ?? "null"}, got {other?.ToJsonString() ?? "null"}");
        }
        string? extra = sameContainer ? got.Select(p => p.Key).FirstOrDefault(key => !expected.ContainsKey(key) && !storageKeys.Contains(key)) : null;
        return extra is null
            ? new VerifyCheck("metadata", true, $"{expected.Count} config values are equal")
            : new VerifyCheck("metadata", false, $"config.json: {extra} is not in the source");
    }
}
