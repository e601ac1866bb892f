using System.Buffers.Text;
using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>
/// The small text that git keeps in place of a large file where Git LFS is not installed or was told not to fetch: <c>version</c>, <c>oid</c> and <c>size</c>, a line each
/// (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
/// </summary>
internal static class GitLfsPointer
{
    // The specification's own cap.
    private const int MostBytes = 1023;

    private static ReadOnlySpan<byte> Start => "version https://git-lfs.github.com/spec/v"u8;

    /// <summary>Refuses a pointer where the file itself is wanted.</summary>
    /// <param name="path">The file, for the message.</param>
    /// <param name="content">All of it, or its start.</param>
    /// <exception cref="BadFileException">It is a pointer.</exception>
    public static void Refuse(string path, ReadOnlySpan<byte> content)
    {
        if (!content.StartsWith(Start))
            return;
        string size = FindSize(content) is { } byteCount ? $" of {byteCount} bytes" : "";
        throw new BadFileException($"{path}: this is a Git LFS pointer, the note that git keeps in place of a large file, and the file{size} has not been fetched. "
            + "Run 'git lfs pull' in its folder, or name the model as hf:ORG/NAME and it is fetched.");
    }

    /// <summary>As <see cref="Refuse(string, ReadOnlySpan{byte})"/> for a mapped file, of which no more is read than a pointer could have.</summary>
    public static void Refuse(MappedFile file) => Refuse(file.Path, file.Slice(0, (int)Math.Min(file.Length, MostBytes)));

    private static long? FindSize(ReadOnlySpan<byte> content)
    {
        int at = content.IndexOf("\nsize "u8);
        return at >= 0 && Utf8Parser.TryParse(content[(at + "\nsize ".Length)..], out long size, out int length) && length > 0 && size >= 0 ? size : null;
    }
}
