using System.Text.Json;

namespace Decant.Hub.Download;

/// <summary>Reads what the hub says of a revision: <c>sha</c>, and <c>siblings</c> with <c>rfilename</c>, <c>size</c>, <c>blobId</c> and <c>lfs.sha256</c>.</summary>
internal static class ListingJson
{
    private const int MostFiles = 100_000;

    /// <summary>Reads a listing. Files whose names could lead out of a folder are left out; nothing asks for them.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static RepositoryListing Read(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || Text(root, "sha") is not { } commit || !HubReference.IsCommit(commit))
            throw new JsonException("it names no commit (sha).");
        if (!root.TryGetProperty("siblings", out JsonElement siblings) || siblings.ValueKind != JsonValueKind.Array || siblings.GetArrayLength() > MostFiles)
            throw new JsonException("it lists no files (siblings).");
        var files = new Dictionary<string, HubFile?>(StringComparer.Ordinal);
        foreach (JsonElement sibling in siblings.EnumerateArray())
        {
            if (sibling.ValueKind == JsonValueKind.Object && Text(sibling, "rfilename") is { } path && HubReference.IsSafePath(path))
                files[path] = Describe(sibling, path);
        }
        return new RepositoryListing(commit, files);
    }

    private static HubFile? Describe(JsonElement sibling, string path)
    {
        bool isLarge = sibling.TryGetProperty("lfs", out JsonElement large) && large.ValueKind == JsonValueKind.Object;
        string? hash = isLarge ? Text(large, "sha256") : Text(sibling, "blobId");
        long? size = Number(sibling, "size") ?? (isLarge ? Number(large, "size") : null);
        return hash is not null && HubFile.IsHash(hash) && size is >= 0 ? new HubFile(path, size.Value, hash) : null;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : null;
}
