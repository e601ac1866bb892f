using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Runs of word characters and runs of all others but white space, which is left out: <c>\w+|[^\w\s]+</c>.</summary>
internal sealed class WhitespacePreTokenizer : PreTokenizer, ISplitter
{
    private const CodePointClass Asked = CodePointClass.WhiteSpace | CodePointClass.Word;

    /// <inheritdoc/>
    public override void Apply(WordList words)
    {
        words.Split(this);
        words.Remove(WhitespaceSplitPreTokenizer.IsWhiteSpace);
    }

    /// <inheritdoc/>
    public int NextEnd(ReadOnlySpan<byte> text, int start)
    {
        CodePointClass kind = CodePointClasses.Of(Utf8.CodePointAt(text, start, out int length)) & Asked;
        int end = start + length;
        while (end < text.Length && (CodePointClasses.Of(Utf8.CodePointAt(text, end, out length)) & Asked) == kind)
            end += length;
        return end;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "Whitespace" };
}
