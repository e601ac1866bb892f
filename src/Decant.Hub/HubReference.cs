using Decant.Core.Errors;
using Decant.Hub.Naming;

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

    internal const string Spellings = "Write hf:ORG/NAME, hf:ORG/NAME@REVISION or hf:ORG/NAME/FILE.gguf.";

    /// <summary>True if the text names a model on the hub, or is a web address, and no file or folder.</summary>
    public static bool IsReference(string text) => text.StartsWith(Prefix, StringComparison.Ordinal) || WebAddress.IsAddress(text);

    /// <summary>
    /// Reads a name, or what a browser shows of a model: <c>https://huggingface.co/ORG/NAME/tree/REVISION</c>, with or without <c>hf:</c> before it,
    /// and <c>hf:ORG/NAME/tree/REVISION</c>.
    /// </summary>
    /// <param name="text">The name or address.</param>
    /// <param name="endpoint">The server whose addresses are understood beside those of huggingface.co, or null.</param>
    /// <exception cref="UsageException">It is none: the hub could not have such a model, file or revision; or it is an address of something else.</exception>
    public static HubReference Parse(string text, Uri? endpoint = null)
    {
        if (!IsReference(text))
            throw Wrong(text, "the names of such models begin with hf:");
        string rest = text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..] : text;
        if (WebAddress.IsAddress(rest))
        {
            rest = WebAddress.NameOf(rest, endpoint);
            // Messages repeat no credentials of the address.
            text = Prefix + rest;
        }
        string? revision = null;
        if (rest.IndexOf('@', StringComparison.Ordinal) is >= 0 and int at)
        {
            revision = rest[(at + 1)..];
            rest = rest[..at];
        }
        (string repository, string? file, string? pathRevision) = WebAddress.Split(rest.StartsWith("//", StringComparison.Ordinal) ? rest[2..] : rest);
        if (!repository.Split('/').All(IsRepositoryPart))
            throw Wrong(text, "ORG and NAME are letters, digits, '-', '_' and '.'");
        if (revision is not null && pathRevision is not null && revision != pathRevision)
            throw Wrong(text, $"it names two revisions, '{pathRevision}' and '{revision}'");
        revision ??= pathRevision ?? DefaultRevision;
        if (!IsRevision(revision))
            throw Wrong(text, "behind @ stands a branch, a tag or a commit");
        if (file is not null && !IsSafePath(file))
            throw Wrong(text, "a file is named by its path in the repository");
        return new HubReference(repository, file, revision);
    }

    /// <summary>
    /// The name with <c>hf:</c> before it if a text is written like a model of the hub (<c>ORG/NAME</c>, <c>huggingface.co/ORG/NAME</c>) and could be meant as one, else null.
    /// </summary>
    public static string? Suggest(string text)
    {
        string rest = text.StartsWith("huggingface.co/", StringComparison.OrdinalIgnoreCase) ? text[(text.IndexOf('/', StringComparison.Ordinal) + 1)..] : text;
        try
        {
            bool isShort = rest.Count(c => c == '/') == 1 && !rest.EndsWith('/') && Path.GetExtension(rest) is not (".gguf" or ".safetensors" or ".bin" or ".json");
            return isShort || rest != text ? Parse(Prefix + rest).ToString() : null;
        }
        catch (UsageException)
        {
            return null;
        }
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
        new($"{text}: this is no model of the Hugging Face hub: {reason}. {Spellings}");
}
