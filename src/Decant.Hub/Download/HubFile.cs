namespace Decant.Hub.Download;

/// <summary>A file as the hub describes it.</summary>
/// <param name="Path">Its path in the repository.</param>
/// <param name="ByteCount">Its size.</param>
/// <param name="Hash">40 hexadecimal digits: the id git gives the content (SHA-1 of a header and the content). 64: its SHA-256, of large files.</param>
internal sealed record HubFile(string Path, long ByteCount, string Hash)
{
    /// <summary>True if the text can be checked and be a file's name.</summary>
    public static bool IsHash(string text) => text.Length is 40 or 64 && text.All(char.IsAsciiHexDigitLower);
}

/// <summary>What a revision holds.</summary>
/// <param name="Commit">The commit it stands for.</param>
/// <param name="Files">Its files by path; null where the listing does not describe one.</param>
internal sealed record RepositoryListing(string Commit, IReadOnlyDictionary<string, HubFile?> Files);
