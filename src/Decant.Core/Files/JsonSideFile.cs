using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>
/// Reads the small JSON files of a model folder. Python's <c>json</c> module writes infinite numbers as <c>Infinity</c>, which is
/// no JSON but stands in real configs; they are read as 1e999, which both worlds take for infinity.
/// </summary>
internal static class JsonSideFile
{
    /// <summary>The largest file read: configs are a few kilobytes, shard indexes a few megabytes.</summary>
    public const long MaximumByteCount = 64L << 20;

    private static readonly JsonDocumentOptions options = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>The object in the file.</summary>
    /// <exception cref="BadFileException">The file is missing, too large, or holds no JSON object.</exception>
    public static JsonObject Read(string path)
    {
        byte[] bytes = ReadBytes(path);
        try
        {
            ReadOnlySpan<byte> json = bytes;
            if (json.StartsWith("\uFEFF"u8))
                json = json[3..];
            json = WithoutInfinities(json);
            CheckStrings(json);
            return JsonNode.Parse(json, null, options) as JsonObject
                ?? throw BadFileException.Expected(path, "file", "a JSON object", "another JSON value");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new BadFileException($"{path}: this is no valid JSON: {e.Message}", e);
        }
    }

    /// <summary>The object in the file, or null if there is no such file.</summary>
    public static JsonObject? Find(string path) => File.Exists(path) ? Read(path) : null;

    /// <summary>
    /// Decodes every string once. A node decodes its strings when asked, and would throw then, far from here, at bytes that are no
    /// UTF-8 and at halves of surrogate pairs.
    /// </summary>
    private static void CheckStrings(ReadOnlySpan<byte> json)
    {
        if (!System.Text.Unicode.Utf8.IsValid(json))
            throw new JsonException("The text is not valid UTF-8.");
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.ValueIsEscaped)
                reader.GetString();
        }
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
            if (stream.Length > MaximumByteCount)
                throw BadFileException.Expected(path, "file", $"at most {MaximumByteCount} bytes", $"{stream.Length}");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            GitLfsPointer.Refuse(path, bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw e is FileNotFoundException or DirectoryNotFoundException
                ? new BadFileException($"{path}: there is no such file.", e)
                : new BadFileException($"{path}: the file cannot be read: {e.Message}", e);
        }
    }

    private static ReadOnlySpan<byte> WithoutInfinities(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("Infinity"u8) < 0)
            return json;
        var result = new List<byte>(json.Length);
        bool inString = false;
        for (int i = 0; i < json.Length; i++)
        {
            if (!inString && json[i..].StartsWith("Infinity"u8))
            {
                result.AddRange("1e999"u8);
                i += "Infinity".Length - 1;
                continue;
            }
            result.Add(json[i]);
            if (inString && json[i] == (byte)'\\' && i + 1 < json.Length)
                result.Add(json[++i]);
            else if (json[i] == (byte)'"')
                inString = !inString;
        }
        return result.ToArray();
    }
}
