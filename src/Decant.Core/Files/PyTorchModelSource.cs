using Decant.Core.Errors;
using Decant.Core.Files.PyTorch;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>A model in the Hugging Face layout whose weights are PyTorch files: <c>pytorch_model.bin</c>, or the shards of its index.</summary>
public sealed class PyTorchModelSource : IModelSource
{
    /// <summary>The usual name of weights in one file.</summary>
    public const string FileName = "pytorch_model.bin";

    // As save_pretrained marks its safetensors: what a folder made from this model says too.
    private static readonly Dictionary<string, string> metadata = new() { ["format"] = "pt" };

    private readonly List<PyTorchFile> files;
    private readonly Dictionary<string, TensorData> byName;

    private PyTorchModelSource(string location, List<PyTorchFile> files, HuggingFaceFiles sideFiles)
    {
        Location = location;
        this.files = files;
        HuggingFace = sideFiles;
        Tensors = [.. files.SelectMany(f => f.Tensors)];
        byName = Tensors.ToDictionary(tensor => tensor.Info.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public GgufMetadata? Gguf => null;

    /// <inheritdoc/>
    public HuggingFaceFiles HuggingFace { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> Tensors { get; }

    /// <inheritdoc/>
    public TensorData? FindTensor(string name) => byName.GetValueOrDefault(name);

    /// <summary>The weights of a folder: <c>pytorch_model.bin</c>, else its index, else the only <c>pytorch_model*.bin</c>; null if it has none.</summary>
    public static string? FindWeights(string folder)
    {
        foreach (string name in (string[])[FileName, ShardIndex.PyTorchName])
        {
            if (File.Exists(Path.Combine(folder, name)))
                return Path.Combine(folder, name);
        }
        string[] others = [.. Directory.EnumerateFiles(folder, "pytorch_model*.bin").Order(StringComparer.Ordinal)];
        return others switch
        {
            [] => null,
            [string only] => only,
            _ => throw new BadFileException($"{folder}: {others.Length} files pytorch_model*.bin and no {ShardIndex.PyTorchName}. Download the index, or name the one file to open."),
        };
    }

    /// <summary>Opens a PyTorch file, or an index of several, with the config and side files that lie beside it.</summary>
    /// <param name="weights">The file or index.</param>
    /// <param name="location">The path as the user gave it, for messages.</param>
    /// <exception cref="BadFileException">Config or weights are missing or damaged.</exception>
    /// <exception cref="NotSupportedModelException">The weights hold more than tensors.</exception>
    public static PyTorchModelSource Open(string weights, string location)
    {
        var sideFiles = HuggingFaceFiles.Read(Path.GetDirectoryName(Path.GetFullPath(weights))!, "config.json", metadata);
        List<PyTorchFile> files = weights.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? ShardIndex.Read(weights).OpenFiles(PyTorchFile.Open, file => file.Tensors)
            : [PyTorchFile.Open(weights)];
        return new PyTorchModelSource(location, files, sideFiles);
    }

    /// <inheritdoc/>
    public void Dispose() => files.ForEach(f => f.Dispose());
}
