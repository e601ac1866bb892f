using Decant.Core.Errors;

namespace Decant.Hub;

/// <summary>A model on the Hugging Face hub as users name it: <c>hf:ORG/NAME</c>, <c>hf:ORG/NAME/FILE.gguf</c>, either with <c>@REVISION</c> behind it.</summary>
/// <param name="Repository"><c>ORG/NAME</c>, or <c>NAME</c> alone for the oldest models.</param>
/// <param name="File">A file of the repository, or null for the model as a whole.</param>
/// <param name="Revision">A branch, a tag, <c>refs/pr/N</c> or a commit.</param>
public sealed record HubReference(string Repository, string? File, string Revision)
{
    /// <summary>What such names begin with.</summary>
    public const string Prefix = "hf:";

    private const string DefaultRevision = "main";
    private const int LongestPart = 96;
    private const int LongestPath = 255;
    private const int CommitLength = 40;

    /// <summary>True if the text names a model on the hub and no file or folder.</summary>
    public static bool IsReference(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Reads a name.</summary>
    /// <exception cref="UsageException">It is none: the hub could not have such a model, file or revision.</exception>
    public static HubReference Parse(string text)
    {
        if (!IsReference(text))
            throw Wrong(text, "it begins with hf:");
        string rest = text[Prefix.Length..];
        string revision = DefaultRevision;
        if (rest.IndexOf('@', StringComparison.Ordinal) is >= 0 and int at)
        {
            revision = rest[(at + 1)..];
            rest = rest[..at];
            if (!IsRevision(revision))
                throw Wrong(text, "behind @ stands a branch, a tag or a commit");
        }
        string[] parts = (rest.StartsWith("//", StringComparison.Ordinal) ? rest[2..] : rest).Split('/', 3);
        string[] names = [.. parts.Take(2)];
        if (!names.All(IsRepositoryPart))
            throw Wrong(text, "ORG and NAME are letters, digits, '-', '_' and '.'");
        string? file = parts.Length > 2 && parts[2].Length > 0 ? parts[2] : null;
        if (file is not null && !IsSafePath(file))
            throw Wrong(text, "a file is named by its path in the repository");
        return new HubReference(string.Join('/', names), file, revision);
    }

    /// <summary>True for the 40 hexadecimal digits of a commit, which need not be looked up.</summary>
    public static bool IsCommit(string revision) => revision.Length == CommitLength && revision.All(char.IsAsciiHexDigitLower);

    /// <summary>As it is written on the command line.</summary>
    public override string ToString() => $"{Prefix}{Repository}{(File is null ? "" : "/" + File)}{(Revision == DefaultRevision ? "" : "@" + Revision)}";

    /// <summary>True for a relative path with forward slashes that stays in its folder on every system. Paths come from servers too.</summary>
    internal static bool IsSafePath(string path) =>
        path.Length is > 0 and <= LongestPath
        && path.IndexOfAny(['\\', ':', '*', '?', '"', '<', '>', '|']) < 0
        && !path.Any(char.IsControl)
        && path.Split('/').All(part => part.Length > 0 && part is not ("." or "..") && part[^1] is not ('.' or ' '));

    private static bool IsRepositoryPart(string part) =>
        part.Length is > 0 and <= LongestPart
        && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
        && !part.Contains("--", StringComparison.Ordinal) && !part.Contains("..", StringComparison.Ordinal)
        && part[0] is not ('-' or '.') && part[^1] is not ('-' or '.');

    private static bool IsRevision(string revision) => IsSafePath(revision) && !revision.Contains("..", StringComparison.Ordinal) && !revision.Contains(' ', StringComparison.Ordinal);

    private static UsageException Wrong(string text, string reason) =>
        new($"{text}: this is no model of the Hugging Face hub: {reason}. Write hf:ORG/NAME, hf:ORG/NAME@REVISION or hf:ORG/NAME/FILE.gguf.");
}
