using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// A model that can be read: a GGUF file, a Hugging Face folder, a compressed overlay on either, or a half-finished job. Config,
/// tokenizer and named tensors; tensors are read row by row and nothing loads a whole model. Safe to read from several threads.
/// </summary>
public interface IModelSource : IDisposable
{
    /// <summary>The path as the user gave it, for messages.</summary>
    string Location { get; }

    /// <summary>The metadata of a GGUF model, or null if this is a Hugging Face model.</summary>
    GgufMetadata? Gguf { get; }

    /// <summary>The side files of a Hugging Face model, or null if this is GGUF.</summary>
    HuggingFaceFiles? HuggingFace { get; }

    /// <summary>All tensors under their stored names, in stored order.</summary>
    IReadOnlyList<TensorData> Tensors { get; }

    /// <summary>The tensor of this stored name, or null.</summary>
    TensorData? FindTensor(string name);
}

/// <summary>The small files of a Hugging Face folder: what is not weights.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Config">config.json as read; unknown keys kept.</param>
/// <param name="GenerationConfig">generation_config.json, if there is one.</param>
/// <param name="TokenizerConfig">tokenizer_config.json, if there is one.</param>
/// <param name="SafetensorsMetadata">The <c>__metadata__</c> of the weight files.</param>
public sealed record HuggingFaceFiles(
    string Folder,
    JsonObject Config,
    JsonObject? GenerationConfig,
    JsonObject? TokenizerConfig,
    IReadOnlyDictionary<string, string> SafetensorsMetadata)
{
    /// <summary>Reads the side files of a folder.</summary>
    /// <exception cref="BadFileException">There is no config, or a file is damaged.</exception>
    internal static HuggingFaceFiles Read(string folder, string configName, IReadOnlyDictionary<string, string> metadata)
    {
        string config = Path.Combine(folder, configName);
        if (!File.Exists(config))
            throw new BadFileException($"{folder}: there is no {configName} beside the weights. A Hugging Face model needs it: download it from the model's page.");
        return new HuggingFaceFiles(
            folder,
            JsonSideFile.Read(config),
            JsonSideFile.Find(Path.Combine(folder, "generation_config.json")),
            JsonSideFile.Find(Path.Combine(folder, "tokenizer_config.json")),
            metadata);
    }

    /// <summary>The path of a side file such as <c>tokenizer.json</c>, or null if the folder has none.</summary>
    public string? FindFile(string name)
    {
        string path = Path.Combine(Folder, name);
        return File.Exists(path) ? path : null;
    }
}
