using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>
/// The pattern of Llama 3 and, with one digit, of Qwen 2: contractions in any case; letters with one sign or space in front; a few digits;
/// signs with a space in front and line breaks behind; white space up to the last line break; other white space, of which the last one is
/// left for what follows.
/// </summary>
/// <param name="maxDigits">How many digits stay together.</param>
internal sealed class Llama3Splitter(int maxDigits) : ISplitter
{
    /// <inheritdoc/>
    public int NextEnd(ReadOnlySpan<byte> text, int start)
    {
        byte lead = text[start];
        if (lead == (byte)'\'' && CodePointScanner.ContractionLength(text, start, ignoresCase: true) is > 0 and int length)
            return start + length;
        CodePointClass kind = CodePointScanner.ClassAt(text, start, out int byteCount);
        int next = start + byteCount;
        if (kind == CodePointClass.Letter)
            return CodePointScanner.EndOfRun(text, next, CodePointClass.Letter);
        if (kind == CodePointClass.Number)
            return EndOfDigits(text, next);
        CodePointClass nextKind = next < text.Length ? CodePointScanner.ClassAt(text, next, out _) : CodePointClass.WhiteSpace;
        if (nextKind == CodePointClass.Letter && !IsLineBreak(lead))
            return CodePointScanner.EndOfRun(text, next, CodePointClass.Letter);
        if (kind == CodePointClass.None || lead == (byte)' ' && nextKind == CodePointClass.None)
        {
            int end = CodePointScanner.EndOfRun(text, next, CodePointClass.None);
            while (end < text.Length && IsLineBreak(text[end]))
                end++;
            return end;
        }
        int endOfSpaces = CodePointScanner.EndOfRun(text, next, CodePointClass.WhiteSpace);
        int lastBreak = text[start..endOfSpaces].LastIndexOfAny((byte)'\r', (byte)'\n');
        return lastBreak >= 0 ? start + lastBreak + 1 : CodePointScanner.EndOfSpaces(text, start, endOfSpaces);
    }

    private int EndOfDigits(ReadOnlySpan<byte> text, int index)
    {
        for (int count = 1; count < maxDigits && index < text.Length; count++)
        {
            if (CodePointScanner.ClassAt(text, index, out int byteCount) != CodePointClass.Number)
                break;
            index += byteCount;
        }
        return index;
    }

    private static bool IsLineBreak(byte character) => character is (byte)'\r' or (byte)'\n';
}
