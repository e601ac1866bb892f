using Decant.Core.Errors;

namespace Decant.Cli.Models;

/// <summary>Text that a user names on the command line: UTF-8 files, or <c>-</c> for standard input.</summary>
internal static class TextFile
{
    /// <summary>The longest text file read at once; tokens and text are held in memory.</summary>
    public const long LargestByteCount = 1L << 30;

    private static readonly System.Text.UTF8Encoding strictText = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The whole text.</summary>
    /// <exception cref="BadFileException">There is no such file, it cannot be read, or it is too long.</exception>
    public static string Read(string path, Terminal terminal)
    {
        if (path == "-")
            return terminal.Input.ReadToEnd();
        using StreamReader reader = Open(path);
        return Guard(path, reader.ReadToEnd);
    }

    /// <summary>The lines one by one.</summary>
    /// <exception cref="BadFileException">There is no such file, or it cannot be read.</exception>
    public static IEnumerable<string> ReadLines(string path, Terminal terminal)
    {
        if (path == "-")
        {
            while (terminal.Input.ReadLine() is { } line)
                yield return line;
            yield break;
        }
        using StreamReader reader = Open(path);
        while (Guard(path, reader.ReadLine) is { } line)
            yield return line;
    }

    private static StreamReader Open(string path)
    {
        if (Directory.Exists(path))
            throw BadFileException.Expected(path, "text", "a file", "a folder");
        if (!File.Exists(path))
            throw new BadFileException($"{path}: there is no such text file.");
        return Guard(path, () =>
        {
            // No guessing by the first bytes: a byte order mark is text like any other, as llama.cpp reads it.
            var reader = new StreamReader(path, strictText, detectEncodingFromByteOrderMarks: false);
            if (reader.BaseStream.CanSeek && reader.BaseStream.Length > LargestByteCount)
            {
                reader.Dispose();
                throw BadFileException.Expected(path, "text", $"at most {LargestByteCount} bytes", $"{new FileInfo(path).Length}");
            }
            return reader;
        });
    }

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (System.Text.DecoderFallbackException error)
        {
            throw new BadFileException($"{path}: the text is not UTF-8: {error.Message} Convert it first, for example with iconv.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{path}: the text cannot be read: {error.Message}", error);
        }
    }
}
