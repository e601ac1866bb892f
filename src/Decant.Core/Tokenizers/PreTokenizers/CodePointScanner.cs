using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>The steps that hand-written split patterns are made of.</summary>
internal static class CodePointScanner
{
    /// <summary>Letters, numbers and white space: what the patterns tell apart.</summary>
    public const CodePointClass Classes = CodePointClass.Letter | CodePointClass.Number | CodePointClass.WhiteSpace;

    /// <summary>The class (letter, number, white space or none) of the code point at <paramref name="index"/>.</summary>
    public static CodePointClass ClassAt(ReadOnlySpan<byte> text, int index, out int byteCount)
    {
        byte lead = text[index];
        if (lead < 0x80)
        {
            byteCount = 1;
            return CodePointClasses.Latin1[lead] & Classes;
        }
        return CodePointClasses.Of(Utf8.CodePointAt(text, index, out byteCount)) & Classes;
    }

    /// <summary>The end of the run of code points of one class that starts at <paramref name="index"/> (may be empty).</summary>
    public static int EndOfRun(ReadOnlySpan<byte> text, int index, CodePointClass ofClass)
    {
        ReadOnlySpan<CodePointClass> latin1 = CodePointClasses.Latin1;
        while (index < text.Length)
        {
            byte lead = text[index];
            if (lead < 0x80)
            {
                if ((latin1[lead] & Classes) != ofClass)
                    return index;
                index++;
                continue;
            }
            if ((CodePointClasses.Of(Utf8.CodePointAt(text, index, out int length)) & Classes) != ofClass)
                return index;
            index += length;
        }
        return index;
    }

    /// <summary>
    /// <c>\s+(?!\S)|\s+</c> for white space that starts at <paramref name="start"/> and ends at <paramref name="end"/>: all of it at the end of
    /// the text, else all but the last code point, else the one there is.
    /// </summary>
    public static int EndOfSpaces(ReadOnlySpan<byte> text, int start, int end)
    {
        if (end == text.Length)
            return end;
        Utf8.CodePointBefore(text, end, out int lastLength);
        return end - lastLength > start ? end - lastLength : end;
    }

    /// <summary>The length of the contraction ('s 't 're 've 'm 'll 'd) at an apostrophe, or 0; upper case and ſ count if asked for.</summary>
    public static int ContractionLength(ReadOnlySpan<byte> text, int apostrophe, bool ignoresCase)
    {
        ReadOnlySpan<byte> rest = text[(apostrophe + 1)..];
        if (rest.Length == 0)
            return 0;
        // (?i:s) is s, S and U+017F, the long s, whose case folding is s.
        if (ignoresCase && rest.StartsWith("\u017F"u8))
            return 3;
        byte first = Fold(rest[0], ignoresCase);
        if (first is (byte)'s' or (byte)'t' or (byte)'m' or (byte)'d')
            return 2;
        if (rest.Length < 2)
            return 0;
        byte second = Fold(rest[1], ignoresCase);
        return (first, second) is ((byte)'r' or (byte)'v', (byte)'e') or ((byte)'l', (byte)'l') ? 3 : 0;
    }

    private static byte Fold(byte letter, bool ignoresCase) => ignoresCase && letter is >= (byte)'A' and <= (byte)'Z' ? (byte)(letter + 32) : letter;
}
