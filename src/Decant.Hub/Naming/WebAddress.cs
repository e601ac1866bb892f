using Decant.Core.Errors;

namespace Decant.Hub.Naming;

/// <summary>
/// What users copy from a browser: <c>https://huggingface.co/ORG/NAME</c>, <c>…/tree/REVISION</c>, <c>…/blob/REVISION/FILE.gguf</c>, <c>…/resolve/REVISION/FILE.gguf</c>.
/// The path alone, behind <c>hf:ORG/NAME</c>, is understood too.
/// </summary>
internal static class WebAddress
{
    // Pages whose address has a revision in it, and perhaps a file.
    private static readonly string[] revisionPages = ["tree", "blob", "resolve", "raw"];

    private static readonly string[] hubHosts = ["huggingface.co", "www.huggingface.co", "hf.co"];

    // First parts of paths that lead to no model; no account has such a name.
    private static readonly string[] otherPages =
        ["api", "blog", "chat", "collections", "datasets", "docs", "join", "learn", "login", "models", "organizations", "papers", "pricing", "settings", "spaces", "tasks"];

    /// <summary>True for an address of any server.</summary>
    public static bool IsAddress(string text) => text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase);

    /// <summary>Turns an address into what stands behind <c>hf:</c> in a name.</summary>
    /// <param name="address">The address.</param>
    /// <param name="endpoint">The server of HF_ENDPOINT, whose addresses are understood beside the hub's own, or null.</param>
    /// <exception cref="UsageException">It is an address of another server, or of something that is no model.</exception>
    public static string NameOf(string address, Uri? endpoint)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri))
            throw Refuse(address, "is no web address.");
        // Credentials are not repeated.
        string shown = uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
        string path = uri.AbsolutePath;
        if (endpoint is not null && uri.IdnHost == endpoint.IdnHost && uri.Port == endpoint.Port)
        {
            string root = endpoint.AbsolutePath.TrimEnd('/') + "/";
            path = path.StartsWith(root, StringComparison.Ordinal) ? path[root.Length..] : path;
        }
        else if (!hubHosts.Contains(uri.IdnHost, StringComparer.OrdinalIgnoreCase))
        {
            throw Refuse(shown, $"is no address of the Hugging Face hub ({(endpoint ?? HubOptions.DefaultEndpoint).Authority}), and models are fetched from there only. Download the file by other means and name its path.");
        }
        string[] parts = path.Trim('/').Split('/');
        if (otherPages.Contains(parts[0], StringComparer.Ordinal))
            throw Refuse(shown, "is no address of a model.");
        int nameLength = NameLength(parts);
        string name = string.Join('/', parts.Take(nameLength));
        if (name.EndsWith(".git", StringComparison.Ordinal))
            name = name[..^".git".Length];
        if (parts.Length == nameLength)
            return name;
        return revisionPages.Contains(parts[nameLength], StringComparer.Ordinal)
            ? $"{name}/{string.Join('/', parts.Skip(nameLength))}"
            : throw new UsageException($"{shown}: this is another page of the model. Write {HubReference.Prefix}{name}.");
    }

    /// <summary>Takes a name apart that may have a page's path in it.</summary>
    /// <param name="name">What stands behind <c>hf:</c>, without <c>@REVISION</c>.</param>
    /// <returns>Repository, file (or null), and the path's revision (or null).</returns>
    public static (string Repository, string? File, string? Revision) Split(string name)
    {
        string[] parts = name.Split('/');
        int nameLength = NameLength(parts);
        string repository = string.Join('/', parts.Take(nameLength));
        string[] rest = [.. parts.Skip(nameLength)];
        // A lone name of a file behind a page's is a file in a folder of that name, and no revision.
        if (rest is not [string page, string next, ..] || !revisionPages.Contains(page, StringComparer.Ordinal) || rest.Length == 2 && ModelFileNames.IsGguf(next))
            return (repository, rest.Length > 0 && rest is not [""] ? string.Join('/', rest) : null, null);
        // refs/pr/3 is one revision; the hub's own addresses write other slashes in revisions as %2F.
        int revisionLength = rest.Length > 3 && rest[1] == "refs" ? 3 : 1;
        string join(IEnumerable<string> some) => string.Join('/', some.Select(Uri.UnescapeDataString));
        string file = join(rest.Skip(1 + revisionLength)).TrimEnd('/');
        return (repository, file.Length > 0 ? file : null, join(rest.Skip(1).Take(revisionLength)));
    }

    // The oldest models have no organisation: gpt2/tree/main.
    private static int NameLength(string[] parts) =>
        parts.Length > 2 && revisionPages.Contains(parts[1], StringComparer.Ordinal) && !revisionPages.Contains(parts[2], StringComparer.Ordinal) ? 1 : Math.Min(2, parts.Length);

    private static UsageException Refuse(string address, string reason) => new($"{address}: this {reason} {HubReference.Spellings}");
}
