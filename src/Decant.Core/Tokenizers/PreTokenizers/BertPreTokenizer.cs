using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Words between white space, which is left out; every punctuation character a word of its own (Devlin et al. 2018).</summary>
internal sealed class BertPreTokenizer : PreTokenizer, ISplitter
{
    /// <inheritdoc/>
    public override void Apply(WordList words)
    {
        words.Split(this);
        words.Remove(WhitespaceSplitPreTokenizer.IsWhiteSpace);
    }

    /// <inheritdoc/>
    public int NextEnd(ReadOnlySpan<byte> text, int start)
    {
        int kind = Kind(text, start, out int length);
        int end = start + length;
        if (kind == 2)
            return end;
        while (end < text.Length && Kind(text, end, out length) == kind)
            end += length;
        return end;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "BertPreTokenizer" };

    // 0: white space, 2: punctuation, 1: the rest.
    private static int Kind(ReadOnlySpan<byte> text, int index, out int length)
    {
        int codePoint = Utf8.CodePointAt(text, index, out length);
        if ((CodePointClasses.Of(codePoint) & CodePointClass.WhiteSpace) != 0)
            return 0;
        return OlderCategories.IsPunctuation(codePoint) ? 2 : 1;
    }
}
