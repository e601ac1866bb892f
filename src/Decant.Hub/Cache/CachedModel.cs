using System.Text.Json;
using Decant.Hub.Naming;

namespace Decant.Hub.Cache;

/// <summary>What of a model lies in the cache, without asking anyone.</summary>
/// <param name="Commit">The commit.</param>
/// <param name="Files">The model's files that are there; side files first, then weights.</param>
/// <param name="IsUsable">True if configuration and weights are all there.</param>
/// <param name="IsComplete">True if nothing of it can be missing: every side file is there or known not to exist, and no better weights can.</param>
internal sealed record CachedModel(string Commit, IReadOnlyList<string> Files, bool IsUsable, bool IsComplete)
{
    /// <summary>Looks for a model, or returns null if nothing of the revision is there.</summary>
    public static CachedModel? Find(RepositoryCache cache, HubReference reference)
    {
        if (cache.FindCommit(reference.Revision) is not { } commit || !Directory.Exists(cache.SnapshotFolder(commit)))
            return null;
        IReadOnlyList<string> present = cache.ListFiles(commit);
        if (reference.File is { } file)
        {
            IReadOnlyList<string> split = ModelFileNames.SplitOf(file);
            bool whole = split.All(present.Contains);
            return new CachedModel(commit, whole ? split : [], whole, whole);
        }
        bool isKnown(string path) => present.Contains(path) || cache.IsKnownMissing(commit, path);
        if (present.Contains(ModelFileNames.Config))
        {
            IEnumerable<string> side = [.. ModelFileNames.SideFiles, .. present.Contains(ModelFileNames.TokenizerJson) ? [] : ModelFileNames.OlderTokenizerFiles];
            bool sideKnown = side.All(isKnown);
            bool betterKnownMissing = true;
            foreach ((string single, string index, string extension) in ModelFileNames.Weights)
            {
                if (FindWeights(cache, commit, present, single, index, extension) is { } weights)
                    return new CachedModel(commit, [.. side.Where(present.Contains), .. weights], IsUsable: true, sideKnown && betterKnownMissing);
                betterKnownMissing &= cache.IsKnownMissing(commit, single) && cache.IsKnownMissing(commit, index);
            }
        }
        // Whether the repository has further GGUF files, only the hub knows.
        return ModelFileNames.GgufModels(present) is [var one] && one.All(present.Contains)
            ? new CachedModel(commit, one, IsUsable: true, IsComplete: false)
            : new CachedModel(commit, [], IsUsable: false, IsComplete: false);
    }

    /// <summary>The file names that an index lists.</summary>
    /// <exception cref="JsonException">It is no index.</exception>
    public static IReadOnlyList<string> ShardsOf(string indexPath)
    {
        using FileStream stream = File.OpenRead(indexPath);
        using JsonDocument document = JsonDocument.Parse(stream);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            throw new JsonException("there is no weight_map");
        string[] shards = [.. map.EnumerateObject().Select(entry => entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "").Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return shards.FirstOrDefault(shard => !HubReference.IsSafePath(shard)) is { } wrong ? throw new JsonException($"weight_map names \"{wrong}\"") : shards;
    }

    private static IReadOnlyList<string>? FindWeights(RepositoryCache cache, string commit, IReadOnlyList<string> present, string single, string index, string extension)
    {
        if (present.Contains(single))
            return [single];
        if (present.Contains(index))
        {
            try
            {
                IReadOnlyList<string> shards = ShardsOf(cache.FindFile(commit, index)!);
                return shards.All(present.Contains) ? [index, .. shards] : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
        // One file of another name is the model only if the usual names are known not to be there.
        string[] others = [.. present.Where(path => extension == ".safetensors" && path.EndsWith(extension, StringComparison.Ordinal) && !path.Contains('/', StringComparison.Ordinal))];
        bool othersKnownMissing = ModelFileNames.Weights.All(names => cache.IsKnownMissing(commit, names.Single) && cache.IsKnownMissing(commit, names.Index));
        return others is [string only] && othersKnownMissing ? [only] : null;
    }
}
