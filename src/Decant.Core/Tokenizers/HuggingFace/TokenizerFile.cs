using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>Reads the JSON files of a tokenizer whole, below a cap.</summary>
internal static class TokenizerFile
{
    /// <summary>The largest file that is read; the largest tokenizer.json known has 35 MB.</summary>
    public const long MaxByteCount = 256L << 20;

    /// <summary>Reads a file.</summary>
    /// <exception cref="BadFileException">Missing, unreadable, too large, or a Git LFS pointer.</exception>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
            if (stream.Length > MaxByteCount)
                throw BadFileException.Expected(path, "the file", $"at most {MaxByteCount} bytes", $"{stream.Length}");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            GitLfsPointer.Refuse(path, bytes);
            return bytes;
        }
        catch (FileNotFoundException e)
        {
            throw new BadFileException($"{path}: there is no such file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Parses JSON, with or without a byte order mark. The caller disposes the document.</summary>
    /// <exception cref="BadFileException">Not JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json, string path)
    {
        if (json.Span.StartsWith("\uFEFF"u8))
            json = json[3..];
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new BadFileException($"{path}: not valid JSON: {e.Message}", e);
        }
    }
}
