using System.Text;
using Decant.Core.Errors;

namespace Decant.Compression.Calibration;

/// <summary>A text to run through a model.</summary>
/// <param name="Name">What reports and importance matrices call it; a file's name without its folder.</param>
/// <param name="Text">The text.</param>
public sealed record CalibrationText(string Name, string Text)
{
    private const long MaximumByteCount = 1L << 30;

    /// <summary>The text Decant carries.</summary>
    public static CalibrationText BuiltIn => new(BuiltInText.Name, BuiltInText.Text);

    /// <summary>Reads a UTF-8 file.</summary>
    /// <exception cref="BadFileException">Missing, unreadable, empty, larger than a gigabyte, or not UTF-8.</exception>
    public static CalibrationText Read(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length is 0 or > MaximumByteCount)
                throw BadFileException.Expected(path, "text file", $"1 to {MaximumByteCount} bytes", $"{length}");
            string text = File.ReadAllText(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
            return new CalibrationText(Path.GetFileName(path), text);
        }
        catch (DecoderFallbackException e)
        {
            throw new BadFileException($"{path}: the text is not UTF-8: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{path}: the text cannot be read: {e.Message}", e);
        }
    }
}
