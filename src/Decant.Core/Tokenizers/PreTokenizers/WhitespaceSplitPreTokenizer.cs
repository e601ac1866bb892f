using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Words between white space, which is left out.</summary>
internal sealed class WhitespaceSplitPreTokenizer : PreTokenizer, ISplitter
{
    /// <inheritdoc/>
    public override void Apply(WordList words)
    {
        words.Split(this);
        words.Remove(IsWhiteSpace);
    }

    /// <inheritdoc/>
    public int NextEnd(ReadOnlySpan<byte> text, int start)
    {
        bool isSpace = IsSpaceAt(text, start, out int length);
        int end = start + length;
        while (end < text.Length && IsSpaceAt(text, end, out length) == isSpace)
            end += length;
        return end;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "WhitespaceSplit" };

    /// <summary>True if a piece of text begins with white space.</summary>
    public static bool IsWhiteSpace(ReadOnlySpan<byte> piece) => IsSpaceAt(piece, 0, out _);

    private static bool IsSpaceAt(ReadOnlySpan<byte> text, int index, out int length) =>
        (CodePointClasses.Of(Utf8.CodePointAt(text, index, out length)) & CodePointClass.WhiteSpace) != 0;
}
