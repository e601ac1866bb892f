using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// The index of a model split over several files (<c>model.safetensors.index.json</c>, <c>pytorch_model.bin.index.json</c>): which file holds which tensor.
/// Files lie in the index's own folder; a name that leads elsewhere is refused.
/// </summary>
public sealed class ShardIndex
{
    /// <summary>The usual file name for safetensors.</summary>
    public const string SafetensorsName = "model.safetensors.index.json";

    /// <summary>The usual file name for PyTorch files.</summary>
    public const string PyTorchName = "pytorch_model.bin.index.json";

    private const int MaximumShardCount = 100_000;

    private ShardIndex(string path, OrderedDictionary<string, string> fileOfTensor)
    {
        Path = path;
        FileOfTensor = fileOfTensor;
        FileNames = [.. fileOfTensor.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>The path of the index.</summary>
    public string Path { get; }

    /// <summary>Tensor name to file name, in the order of the index.</summary>
    public IReadOnlyDictionary<string, string> FileOfTensor { get; }

    /// <summary>The files named, in ordinal order.</summary>
    public IReadOnlyList<string> FileNames { get; }

    /// <summary>Reads an index.</summary>
    /// <exception cref="BadFileException">The index is missing or damaged, names a tensor twice, or a file outside its folder.</exception>
    public static ShardIndex Read(string path)
    {
        JsonObject index = JsonSideFile.Read(path);
        string extension = path.EndsWith(".bin.index.json", StringComparison.OrdinalIgnoreCase) ? ".bin" : ".safetensors";
        if (index["weight_map"] is not JsonObject map)
            throw BadFileException.Expected(path, "weight_map", "an object of tensor names and file names", "none");
        var fileOfTensor = new OrderedDictionary<string, string>(map.Count, StringComparer.Ordinal);
        foreach ((string tensor, JsonNode? node) in map)
        {
            if (node is not JsonValue value || !value.TryGetValue(out string? file))
                throw BadFileException.Expected(path, $"weight_map {tensor}", "a file name", node?.ToJsonString() ?? "null");
            if (!IsPlainName(file, extension))
            {
                throw BadFileException.Expected(path, $"weight_map {tensor}", $"the name of a {extension} file in the same folder", $"\"{file}\"",
                    "Decant opens no file outside a model's own folder.");
            }
            fileOfTensor.Add(tensor, file);
        }
        var result = new ShardIndex(path, fileOfTensor);
        if (result.FileNames.Count is 0 or > MaximumShardCount)
            throw BadFileException.Expected(path, "weight_map", $"1 to {MaximumShardCount} files", $"{result.FileNames.Count}");
        return result;
    }

    /// <summary>Opens every file of the index and checks that together they hold each tensor once, where the index says.</summary>
    /// <returns>The open files in the order of <see cref="FileNames"/>; the caller disposes them.</returns>
    /// <exception cref="BadFileException">A file is missing or damaged, lacks a tensor, or holds one that another file holds too.</exception>
    public IReadOnlyList<SafetensorsFile> OpenFiles() => OpenFiles(SafetensorsFile.Open, file => file.Tensors);

    internal List<T> OpenFiles<T>(Func<string, T> open, Func<T, IReadOnlyList<TensorData>> tensorsOf)
        where T : IDisposable
    {
        string folder = System.IO.Path.GetDirectoryName(Path) ?? "";
        var files = new List<T>();
        try
        {
            var holder = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (string name in FileNames)
            {
                string path = System.IO.Path.Combine(folder, name);
                if (!File.Exists(path))
                    throw BadFileException.Expected(Path, "weight_map", $"the file {name} beside the index", "no such file", "Download the missing shard.");
                T file = open(path);
                files.Add(file);
                foreach (TensorData tensor in tensorsOf(file))
                {
                    if (!holder.TryAdd(tensor.Info.Name, name))
                        throw BadFileException.Expected(path, $"tensor {tensor.Info.Name}", "each tensor in one file", $"a copy in {holder[tensor.Info.Name]} too");
                }
            }
            foreach ((string tensor, string name) in FileOfTensor)
            {
                if (!holder.TryGetValue(tensor, out string? actual) || actual != name)
                    throw BadFileException.Expected(Path, $"tensor {tensor}", $"it in {name}", actual is null ? "no such tensor in any file" : $"it in {actual}");
            }
            return files;
        }
        catch
        {
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    private static bool IsPlainName(string name, string extension) =>
        name.EndsWith(extension, StringComparison.Ordinal) && name.Length <= 255 && name.IndexOfAny(['/', '\\', ':', '\0']) < 0;
}
