using System.Globalization;
using System.Text.RegularExpressions;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// A model in one GGUF file, or in several as llama.cpp splits it (<c>NAME-00001-of-00003.gguf</c>, keys <c>split.no</c>,
/// <c>split.count</c>, <c>split.tensors.count</c>). Any file of a split opens the whole; its <c>split.*</c> keys are dropped from
/// the metadata, for they describe files and not the model.
/// </summary>
public sealed partial class GgufModelSource : IModelSource
{
    private readonly List<GgufFile> files;
    private readonly Dictionary<string, TensorData> byName = new(StringComparer.Ordinal);

    private GgufModelSource(string location, List<GgufFile> files, GgufMetadata metadata)
    {
        Location = location;
        this.files = files;
        Gguf = metadata;
        Tensors = [.. files.SelectMany(f => f.Tensors)];
        foreach (TensorData tensor in Tensors)
        {
            if (!byName.TryAdd(tensor.Info.Name, tensor))
                throw BadFileException.Expected(location, $"tensor {tensor.Info.Name}", "each tensor in one file of the split", "a second one");
        }
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public GgufMetadata Gguf { get; }

    /// <inheritdoc/>
    public HuggingFaceFiles? HuggingFace => null;

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> Tensors { get; }

    /// <summary>The files the model lies in, in order.</summary>
    public IReadOnlyList<GgufFile> Files => files;

    /// <inheritdoc/>
    public TensorData? FindTensor(string name) => byName.GetValueOrDefault(name);

    /// <summary>Opens a file and, if it is one of a split, the others.</summary>
    /// <exception cref="BadFileException">A file is missing, damaged, or does not belong to the others.</exception>
    /// <exception cref="NotSupportedModelException">A version or tensor type Decant does not know.</exception>
    public static GgufModelSource Open(string path)
    {
        var files = new List<GgufFile>();
        try
        {
            GgufFile opened = GgufFile.Open(path);
            files.Add(opened);
            long count = opened.Metadata.FindInteger("split.count") ?? 1;
            if (count is < 0 or > GgufLimits.SplitCount)
                throw BadFileException.Expected(path, "metadata key split.count", $"0 to {GgufLimits.SplitCount}", $"{count}");
            if (count > 1)
                OpenOthers(path, files, count);
            GgufMetadata metadata = files[0].Metadata.Copy();
            foreach (string key in (string[])["split.no", "split.count", "split.tensors.count"])
                metadata.Remove(key);
            return new GgufModelSource(path, files, metadata);
        }
        catch
        {
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => files.ForEach(f => f.Dispose());

    /// <summary>The path of file <paramref name="number"/> (from 1) of a split, as llama.cpp names it.</summary>
    internal static string SplitPath(string prefix, int number, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{prefix}-{number:D5}-of-{count:D5}.gguf");

    private static void OpenOthers(string path, List<GgufFile> files, long count)
    {
        Match match = SplitName().Match(Path.GetFileName(path));
        if (!match.Success || int.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture) != count)
        {
            throw BadFileException.Expected(path, "file name", $"NAME-00001-of-{count:D5}.gguf, for split.count is {count}", Path.GetFileName(path),
                "Give the files of a split the names they were made with.");
        }
        GgufFile opened = files[0];
        files.Clear();
        string prefix = Path.Combine(Path.GetDirectoryName(path) ?? "", match.Groups["prefix"].Value);
        try
        {
            for (int number = 1; number <= count; number++)
            {
                string shard = SplitPath(prefix, number, (int)count);
                if (!File.Exists(shard))
                    throw BadFileException.Expected(path, "split", $"{count} files", $"no {Path.GetFileName(shard)}", "Download the missing file.");
                bool isOpened = number == int.Parse(match.Groups["number"].ValueSpan, CultureInfo.InvariantCulture);
                GgufFile file = isOpened ? opened : GgufFile.Open(shard);
                files.Add(file);
                CheckKey(file, "split.no", number - 1);
                CheckKey(file, "split.count", count);
            }
        }
        finally
        {
            if (!files.Contains(opened))
                opened.Dispose();
        }
        if (files[0].Metadata.FindInteger("split.tensors.count") is { } expected && expected != files.Sum(f => (long)f.Tensors.Count))
            throw BadFileException.Expected(path, "metadata key split.tensors.count", $"{files.Sum(f => (long)f.Tensors.Count)}, as many as the files hold", $"{expected}");
    }

    private static void CheckKey(GgufFile file, string key, long expected)
    {
        long? got = file.Metadata.FindInteger(key);
        if (got != expected)
            throw BadFileException.Expected(file.Path, $"metadata key {key}", $"{expected}", got?.ToString(CultureInfo.InvariantCulture) ?? "no such key", "The files do not belong together.");
    }

    [GeneratedRegex(@"^(?<prefix>.+)-(?<number>[0-9]{5})-of-(?<count>[0-9]{5})\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex SplitName();
}
