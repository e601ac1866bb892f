using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>Opens whatever a path names: a GGUF file (or one file of a split), a Hugging Face folder, a safetensors or PyTorch file, a shard index.</summary>
public static class ModelSources
{
    /// <summary>Opens a model; only headers and side files are read.</summary>
    /// <param name="path">A <c>.gguf</c>, a folder (whose config.json and weights are the model where a <c>.gguf</c> lies beside them), a <c>.safetensors</c> or <c>.bin</c> beside its config.json, or the index of such files.</param>
    /// <exception cref="BadFileException">The path names no model, or a damaged or ambiguous one.</exception>
    /// <exception cref="NotSupportedModelException">The model is stored in a way Decant does not know.</exception>
    /// <exception cref="UsageException">The path is an <c>hf:</c> name, which must be fetched first.</exception>
    public static IModelSource Open(string path)
    {
        if (path.StartsWith("hf:", StringComparison.Ordinal))
            throw new UsageException($"{path}: this names a model of the Hugging Face hub, and only local files are opened here. Fetch it first, with 'decant pull' or HubModels of Decant.Hub, and open the path it gives.");
        if (Directory.Exists(path))
            return OpenFolder(path);
        if (!File.Exists(path))
            throw new BadFileException($"{path}: there is no such file or folder.");
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) || GgufFile.HasMagic(path))
            return GgufModelSource.Open(path);
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".safetensors.index.json", StringComparison.OrdinalIgnoreCase))
            return HuggingFaceModelSource.OpenFile(path);
        if (path.EndsWith(".bin", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".bin.index.json", StringComparison.OrdinalIgnoreCase))
            return PyTorchModelSource.Open(path, path);
        throw BadFileException.Expected(path, "file", "a .gguf file, a .safetensors file, a pytorch_model.bin or a Hugging Face folder", $"\"{Path.GetFileName(path)}\"",
            Path.GetFileName(path) == "config.json" ? "Name the folder instead." : null);
    }

    private static IModelSource OpenFolder(string folder)
    {
        try
        {
            string[] ggufs = [.. Directory.EnumerateFiles(folder, "*.gguf").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
            bool hasSafetensors = Directory.EnumerateFiles(folder, "*.safetensors").Any() || File.Exists(Path.Combine(folder, ShardIndex.SafetensorsName));
            // A folder with a config and weights of the usual names is that model; files converted from it may lie beside, and are opened by their names.
            if (ggufs.Length == 0 || File.Exists(Path.Combine(folder, "config.json")) && (HuggingFaceModelSource.HasNamedWeights(folder) || PyTorchModelSource.FindWeights(folder) is not null))
                // A stray .safetensors of another name, such as an adapter's, is not the model where there is a pytorch_model.bin.
                return !HuggingFaceModelSource.HasNamedWeights(folder) && PyTorchModelSource.FindWeights(folder) is { } weights ? PyTorchModelSource.Open(weights, folder) : HuggingFaceModelSource.OpenFolder(folder);
            if (ggufs.Length == 1 && !hasSafetensors)
                return GgufModelSource.Open(Path.Combine(folder, ggufs[0]));
            throw new BadFileException(hasSafetensors
                ? $"{folder}: the folder holds both .gguf and .safetensors files. Name the file to open, such as {Path.Combine(folder, ggufs[0])}."
                : $"{folder}: the folder holds {ggufs.Length} .gguf files. Name the file to open, such as {Path.Combine(folder, ggufs[0])}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{folder}: the folder cannot be read: {e.Message}", e);
        }
    }
}
