using System.Text;

namespace Decant.Compression.Calibration;

/// <summary>
/// The text Decant carries, for verifying and calibrating where the user names none: the opening of Kenneth Grahame's
/// <i>The Wind in the Willows</i> (1908), 59,820 bytes of plain ASCII. The author died in 1932 and the book is in the public domain; taken from
/// the GITenberg copy of the book, commit 9032846214f6, with hard line breaks inside paragraphs joined.
/// </summary>
public static class BuiltInText
{
    /// <summary>The name that reports give.</summary>
    public const string Name = "built-in: The Wind in the Willows (Kenneth Grahame, 1908; public domain), first 59,820 bytes";

    private static readonly Lazy<string> text = new(Read);

    /// <summary>The text.</summary>
    public static string Text => text.Value;

    private static string Read()
    {
        using Stream stream = typeof(BuiltInText).Assembly.GetManifestResourceStream("Decant.BuiltInText")
            ?? throw new InvalidOperationException("The assembly was built without its text resource.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
