using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files.PyTorch;

/// <summary>
/// One file of weights as <c>torch.save</c> writes it since version 1.6: a zip archive of a pickle that describes tensors and of the storages they are views of
/// (https://docs.pytorch.org/docs/stable/notes/serialization.html). Tensors are views of the mapped file; nothing of the pickle is executed.
/// </summary>
public sealed class PyTorchFile : IDisposable
{
    // What the format before 1.6 begins with, behind the protocol and the length of a frame: a pickle of the number 0x1950a86a20f9469cfc6c, in ten bytes or in decimal digits.
    private const int LegacyStartByteCount = 40;

    private static ReadOnlySpan<byte> LegacyNumber => [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    private static ReadOnlySpan<byte> LegacyDigits => "L119547037146038801333356L"u8;

    private readonly MappedFile file;

    private PyTorchFile(MappedFile file, IReadOnlyList<TensorData> tensors)
    {
        this.file = file;
        Tensors = tensors;
    }

    /// <summary>The path as given to <see cref="Open"/>.</summary>
    public string Path => file.Path;

    /// <summary>The tensors in the order of the file's dictionary.</summary>
    public IReadOnlyList<TensorData> Tensors { get; }

    /// <summary>Opens a file and reads its pickle.</summary>
    /// <exception cref="BadFileException">The file is missing, truncated, damaged or hostile.</exception>
    /// <exception cref="NotSupportedModelException">It is in the format before 1.6, holds more than tensors, or tensors that are no plain matrices.</exception>
    public static PyTorchFile Open(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return new PyTorchFile(file, ReadTensors(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static List<TensorData> ReadTensors(MappedFile file)
    {
        ReadOnlySpan<byte> start = file.Slice(0, (int)Math.Min(file.Length, LegacyStartByteCount));
        if (start.IndexOf(LegacyNumber) >= 0 || start.IndexOf(LegacyDigits) >= 0)
        {
            throw new NotSupportedModelException($"{file.Path}: the file is in PyTorch's format before version 1.6, which is not read. "
                + "Load it with a newer torch and save it again, as safetensors best (transformers: save_pretrained).");
        }
        IReadOnlyDictionary<string, ZipEntry> entries = ZipDirectory.Read(file);
        string[] pickles = [.. entries.Keys.Where(name => name == "data.pkl" || name.EndsWith("/data.pkl", StringComparison.Ordinal))];
        if (pickles is not [string pickle])
            throw BadFileException.Expected(file.Path, "archive", "one data.pkl, as torch.save writes it", pickles.Length == 0 ? "none" : $"{pickles.Length}");
        string root = pickle[..^"data.pkl".Length];
        if (entries.ContainsKey(root + "constants.pkl"))
            throw new NotSupportedModelException($"{file.Path}: this is a TorchScript program (torch.jit.save), not a file of weights. Save the model's state_dict(), or as safetensors.");
        if (entries.TryGetValue(root + "byteorder", out ZipEntry order) && !(order.ByteCount <= 16 && file.Slice(order.Offset, (int)order.ByteCount).SequenceEqual("little"u8)))
            throw new NotSupportedModelException($"{file.Path}: the numbers are in the byte order of another kind of processor (byteorder is not \"little\"). Save the model as safetensors.");
        if (PickleReader.Read(file, entries[pickle]) is not PickleDictionary dictionary)
            throw new NotSupportedModelException($"{file.Path}: the file holds something else than a dictionary of tensors. Save the model's state_dict(), or as safetensors.");
        var tensors = new OrderedDictionary<string, TensorData>(StringComparer.Ordinal);
        foreach ((object? key, object? value) in dictionary.Entries)
        {
            string name = key as string ?? throw new NotSupportedModelException($"{file.Path}: the dictionary has a key that is no name. Save the model's state_dict(), or as safetensors.");
            // As in Python, the last of several values under one name counts.
            tensors[name] = value is PickleTensor tensor ? PyTorchTensors.Create(file, entries, root, name, tensor) : throw new NotSupportedModelException(
                $"{file.Path}: '{name}' is no tensor{(value is PickleDictionary ? " but a dictionary: this looks like a training checkpoint" : "")}. Save the model's state_dict() alone, or as safetensors.");
        }
        return [.. tensors.Values];
    }
}
