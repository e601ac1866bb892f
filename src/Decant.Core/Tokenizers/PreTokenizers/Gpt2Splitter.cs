using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>
/// GPT-2's pattern: contractions; letters, numbers or other signs, each with one space in front; white space, of which the last one is left
/// for what follows.
/// </summary>
internal sealed class Gpt2Splitter : ISplitter
{
    /// <inheritdoc/>
    public int NextEnd(ReadOnlySpan<byte> text, int start)
    {
        byte lead = text[start];
        if (lead == (byte)'\'' && CodePointScanner.ContractionLength(text, start, ignoresCase: false) is > 0 and int length)
            return start + length;
        int content = lead == (byte)' ' && start + 1 < text.Length ? start + 1 : start;
        CodePointClass kind = CodePointScanner.ClassAt(text, content, out int byteCount);
        if (kind != CodePointClass.WhiteSpace)
            return CodePointScanner.EndOfRun(text, content + byteCount, kind);
        return CodePointScanner.EndOfSpaces(text, start, CodePointScanner.EndOfRun(text, start, CodePointClass.WhiteSpace));
    }
}
