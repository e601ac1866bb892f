using Decant.Core.Errors;

namespace Decant.Hub.Naming;

/// <summary>Which files of a repository are needed: those that are read, and no more.</summary>
/// <param name="Files">Paths to fetch, side files first.</param>
/// <param name="Index">An index among them whose shards are needed too, or null.</param>
internal sealed record FileSelection(IReadOnlyList<string> Files, string? Index)
{
    private const int MostListed = 40;

    /// <summary>Chooses from all files of a repository.</summary>
    /// <exception cref="UsageException">The file named is not there, or several would do.</exception>
    /// <exception cref="NotSupportedModelException">The repository holds no weights that can be read.</exception>
    public static FileSelection Choose(HubReference reference, IReadOnlyCollection<string> all)
    {
        if (reference.File is { } file)
            return new FileSelection(Named(reference, file, all), null);
        if (all.Contains(ModelFileNames.Config))
        {
            foreach ((string single, string index, _) in ModelFileNames.Weights)
            {
                if (all.Contains(single))
                    return new FileSelection([.. Side(all), single], null);
                if (all.Contains(index))
                    return new FileSelection([.. Side(all), index], index);
            }
            // One safetensors file of another name is the model too; beside one of the usual names it is an adapter or the like.
            string[] others = [.. all.Where(path => path.EndsWith(".safetensors", StringComparison.Ordinal) && !path.Contains('/', StringComparison.Ordinal))];
            if (others is [string only])
                return new FileSelection([.. Side(all), only], null);
        }
        IReadOnlyList<IReadOnlyList<string>> models = ModelFileNames.GgufModels(all);
        return models switch
        {
            [var one] => new FileSelection(RequireAll(reference, one, all), null),
            [] => throw NoWeights(reference, all),
            _ => throw new UsageException($"{reference}: the repository holds {models.Count} GGUF models. Name one of them:{Listing(reference, models.Select(model => model[0]))}"),
        };
    }

    private static IReadOnlyList<string> Named(HubReference reference, string file, IReadOnlyCollection<string> all)
    {
        if (!ModelFileNames.IsGguf(file))
            throw new UsageException($"{reference}: a file is named only where a repository holds several .gguf files. Leave out /{file}.");
        if (all.Contains(file))
            return RequireAll(reference, ModelFileNames.SplitOf(file), all);
        string[] known = [.. ModelFileNames.GgufModels(all).Select(model => model[0])];
        throw new UsageException($"{reference}: the repository has no file {file}." + (known.Length == 0 ? " It holds no .gguf files." : " It holds:" + Listing(reference, known)));
    }

    private static IReadOnlyList<string> RequireAll(HubReference reference, IReadOnlyList<string> files, IReadOnlyCollection<string> all) =>
        files.FirstOrDefault(file => !all.Contains(file)) is { } missing
            ? throw new BadFileException($"{reference}: the repository lacks {missing}, a part of the split that {files[0]} belongs to.")
            : files;

    private static IEnumerable<string> Side(IReadOnlyCollection<string> all)
    {
        IEnumerable<string> wanted = all.Contains(ModelFileNames.TokenizerJson) ? ModelFileNames.SideFiles : [.. ModelFileNames.SideFiles, .. ModelFileNames.OlderTokenizerFiles];
        return wanted.Where(all.Contains)
            .Concat(all.Where(path => path.StartsWith(ModelFileNames.TemplateFolder, StringComparison.Ordinal) && path.EndsWith(".jinja", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    private static NotSupportedModelException NoWeights(HubReference reference, IReadOnlyCollection<string> all)
    {
        string[] weights = [.. all.Where(path => Path.GetExtension(path) is ".h5" or ".msgpack" or ".onnx" or ".ot" or ".pt" or ".pth" or ".bin" or ".safetensors").Order(StringComparer.Ordinal).Take(5)];
        string found = weights.Length > 0 ? $"it has {string.Join(", ", weights)}" : $"none of its {all.Count} files";
        string config = all.Contains(ModelFileNames.Config) ? "" : " and there is no config.json";
        return new NotSupportedModelException($"{reference}: the repository holds no weights that Decant reads (model.safetensors, pytorch_model.bin, their shards, or .gguf): {found}{config}.");
    }

    private static string Listing(HubReference reference, IEnumerable<string> files)
    {
        string[] names = [.. files.Select(file => $"\n  {reference with { File = file }}")];
        return string.Concat(names.Take(MostListed)) + (names.Length > MostListed ? $"\n  and {names.Length - MostListed} more" : "");
    }
}
