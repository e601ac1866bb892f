using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>One safetensors file: tensors as views of the mapped file. Opening reads the header only.</summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly MappedFile file;
    private readonly Dictionary<string, MappedTensor> byName = new(StringComparer.Ordinal);

    private SafetensorsFile(MappedFile file, SafetensorsHeader header)
    {
        this.file = file;
        Metadata = header.Metadata;
        DataOffset = header.DataOffset;
        var tensors = new List<MappedTensor>(header.Entries.Count);
        foreach ((TensorInfo info, long start, _) in header.Entries)
        {
            var tensor = new MappedTensor(info, file, header.DataOffset + start);
            tensors.Add(tensor);
            byName.Add(info.Name, tensor);
        }
        Tensors = tensors;
    }

    /// <summary>The path as given to <see cref="Open"/>.</summary>
    public string Path => file.Path;

    /// <summary>The length of the file in bytes.</summary>
    public long ByteCount => file.Length;

    /// <summary>Where the tensor data starts, from the start of the file.</summary>
    public long DataOffset { get; }

    /// <summary>The <c>__metadata__</c> strings in file order; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<MappedTensor> Tensors { get; }

    /// <summary>The tensor of this name, or null.</summary>
    public MappedTensor? FindTensor(string name) => byName.GetValueOrDefault(name);

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="BadFileException">The file is missing, truncated, damaged or hostile.</exception>
    /// <exception cref="NotSupportedModelException">A dtype Decant does not know.</exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return new SafetensorsFile(file, SafetensorsHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
