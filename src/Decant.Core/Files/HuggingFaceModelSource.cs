using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>A model in the Hugging Face layout: <c>config.json</c> and side files, weights in one or several safetensors files.</summary>
public sealed class HuggingFaceModelSource : IModelSource
{
    private readonly List<SafetensorsFile> files;
    private readonly Dictionary<string, TensorData> byName = new(StringComparer.Ordinal);

    private HuggingFaceModelSource(string location, List<SafetensorsFile> files, HuggingFaceFiles sideFiles)
    {
        Location = location;
        this.files = files;
        HuggingFace = sideFiles;
        Tensors = [.. files.SelectMany(f => f.Tensors)];
        foreach (TensorData tensor in Tensors)
            byName.Add(tensor.Info.Name, tensor);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public GgufMetadata? Gguf => null;

    /// <inheritdoc/>
    public HuggingFaceFiles HuggingFace { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> Tensors { get; }

    /// <summary>The files the weights lie in, in order.</summary>
    public IReadOnlyList<SafetensorsFile> Files => files;

    /// <inheritdoc/>
    public TensorData? FindTensor(string name) => byName.GetValueOrDefault(name);

    /// <summary>Opens a folder: <c>model.safetensors</c> if there is one, else the index, else the only .safetensors file.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="configName">The name of the config file in it.</param>
    /// <exception cref="BadFileException">Config or weights are missing, damaged or ambiguous.</exception>
    /// <exception cref="NotSupportedModelException">Weights only as PyTorch files, or of an unknown dtype.</exception>
    public static HuggingFaceModelSource OpenFolder(string folder, string configName = "config.json") =>
        OpenWeights(FindWeights(folder), folder, folder, configName);

    /// <summary>Opens a single .safetensors file, or a shard index, with the config and side files that lie beside it.</summary>
    /// <exception cref="BadFileException">Config or weights are missing or damaged.</exception>
    /// <exception cref="NotSupportedModelException">Weights of an unknown dtype.</exception>
    public static HuggingFaceModelSource OpenFile(string path) =>
        OpenWeights(path, Path.GetDirectoryName(Path.GetFullPath(path))!, path, "config.json");

    /// <inheritdoc/>
    public void Dispose() => files.ForEach(f => f.Dispose());

    private static HuggingFaceModelSource OpenWeights(string weights, string folder, string location, string configName)
    {
        HuggingFaceFiles sideFiles = HuggingFaceFiles.Read(folder, configName, new Dictionary<string, string>());
        List<SafetensorsFile> files = weights.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? [.. ShardIndex.Read(weights).OpenFiles()]
            : [SafetensorsFile.Open(weights)];
        return new HuggingFaceModelSource(location, files, sideFiles with { SafetensorsMetadata = files[0].Metadata });
    }

    /// <summary>True if a folder holds weights under the usual names.</summary>
    internal static bool HasNamedWeights(string folder) =>
        File.Exists(Path.Combine(folder, "model.safetensors")) || File.Exists(Path.Combine(folder, ShardIndex.SafetensorsName));

    private static string FindWeights(string folder)
    {
        string single = Path.Combine(folder, "model.safetensors");
        if (File.Exists(single))
            return single;
        string index = Path.Combine(folder, ShardIndex.SafetensorsName);
        if (File.Exists(index))
            return index;
        string[] files = [.. Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal)];
        return files switch
        {
            [string only] => only,
            [] => throw MissingWeights(folder),
            _ => throw new BadFileException($"{folder}: {files.Length} .safetensors files and no {ShardIndex.SafetensorsName}. "
                + "Download the index, or name the one file to open."),
        };
    }

    private static DecantException MissingWeights(string folder)
    {
        bool hasOther = Directory.EnumerateFiles(folder, "*.pth").Any() || Directory.EnumerateFiles(folder, "*.h5").Any() || Directory.EnumerateFiles(folder, "*.msgpack").Any();
        return hasOther
            ? new NotSupportedModelException($"{folder}: the weights are in a form that is not read (.pth, .h5 or .msgpack). Save the model as safetensors (transformers: save_pretrained).")
            : new BadFileException($"{folder}: there are no weights: expected model.safetensors, {ShardIndex.SafetensorsName}, {PyTorchModelSource.FileName}, its index or a .gguf file.");
    }
}
