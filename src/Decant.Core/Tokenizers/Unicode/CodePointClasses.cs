using System.Globalization;

namespace Decant.Core.Tokenizers.Unicode;

/// <summary>What the parts of a tokenizer ask about a code point; flags.</summary>
[Flags]
internal enum CodePointClass : byte
{
    /// <summary>None of the below.</summary>
    None = 0,
    /// <summary><c>\p{L}</c> in the split patterns (Unicode 16).</summary>
    Letter = 1,
    /// <summary><c>\p{N}</c> in the split patterns (Unicode 16).</summary>
    Number = 2,
    /// <summary><c>\s</c>: the 25 code points of White_Space.</summary>
    WhiteSpace = 4,
    /// <summary>What the Digits pre-tokenizer takes for a digit (<c>\p{N}</c> of Unicode 17).</summary>
    Digit = 8,
    /// <summary><c>\w</c> of the single_word flag: alphabetic, marks, decimal digits, connectors, joiners.</summary>
    Word = 16,
}

/// <summary>
/// Classes of code points, read from the runtime's Unicode tables (16.0 in .NET 10) with the differences below. A test compares every
/// code point with what the reference tokenizers answered, so a runtime with newer tables is noticed there.
/// </summary>
internal static class CodePointClasses
{
    private const int PageBits = 8;

    // Numbers of Unicode 17: the digits of Tolong Siki and three letter numbers of Chisoi.
    private static readonly (int First, int Last)[] digitsBeyondRuntime = [(0x11DE0, 0x11DE9), (0x16FF4, 0x16FF6)];

    // Other_Alphabetic outside letters, letter numbers and marks: circled and squared Latin letters.
    private static readonly (int First, int Last)[] alphabeticSymbols = [(0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)];

    private static readonly CodePointClass[]?[] pages = new CodePointClass[]?[0x110000 >> PageBits];

    /// <summary>The classes of U+0000 to U+00FF.</summary>
    public static ReadOnlySpan<CodePointClass> Latin1 => Page(0);

    /// <summary>The classes of a code point.</summary>
    public static CodePointClass Of(int codePoint) => Page(codePoint >> PageBits)[codePoint & (1 << PageBits) - 1];

    private static CodePointClass[] Page(int index) => pages[index] ?? MakePage(index);

    private static CodePointClass[] MakePage(int index)
    {
        var page = new CodePointClass[1 << PageBits];
        for (int i = 0; i < page.Length; i++)
            page[i] = Classify(index << PageBits | i);
        // Two threads may make the same page; either copy is right.
        pages[index] = page;
        return page;
    }

    private static CodePointClass Classify(int codePoint)
    {
        CodePointClass result = CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CodePointClass.Letter | CodePointClass.Word,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber => CodePointClass.Number | CodePointClass.Digit | CodePointClass.Word,
            UnicodeCategory.OtherNumber => CodePointClass.Number | CodePointClass.Digit,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
                or UnicodeCategory.ConnectorPunctuation => CodePointClass.Word,
            _ => CodePointClass.None,
        };
        if (codePoint <= 0xFFFF && char.IsWhiteSpace((char)codePoint))
            result |= CodePointClass.WhiteSpace;
        if (Contains(digitsBeyondRuntime, codePoint))
            result |= CodePointClass.Digit;
        if (codePoint is 0x200C or 0x200D || Contains(alphabeticSymbols, codePoint))
            result |= CodePointClass.Word;
        return result;
    }

    private static bool Contains((int First, int Last)[] ranges, int codePoint)
    {
        foreach ((int first, int last) in ranges)
        {
            if (codePoint >= first && codePoint <= last)
                return true;
        }
        return false;
    }
}
