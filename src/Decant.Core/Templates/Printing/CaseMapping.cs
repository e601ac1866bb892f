using System.Globalization;
using System.Text;
using Decant.Core.Text;

namespace Decant.Core.Templates.Printing;

/// <summary>
/// Upper, lower and title case as Python has them: Unicode's full mappings, in which one letter can become several and a sigma depends on
/// its place. <see cref="SimpleCase"/> maps one letter to one; the tables carry the rest (Unicode Character Database, SpecialCasing.txt and UnicodeData.txt).
/// </summary>
internal static class CaseMapping
{
    private const string upperTable =
        "0131=0049;017F=0053;1E9E=1E9E;" +
        "00DF=0053 0053;0149=02BC 004E;01F0=004A 030C;0390=0399 0308 0301;03B0=03A5 0308 0301;0587=0535 0552;" +
        "1E96=0048 0331;1E97=0054 0308;1E98=0057 030A;1E99=0059 030A;1E9A=0041 02BE;1F50=03A5 0313;" +
        "1F52=03A5 0313 0300;1F54=03A5 0313 0301;1F56=03A5 0313 0342;1FB2=1FBA 0399;1FB3=0391 0399;1FB4=0386 0399;" +
        "1FB6=0391 0342;1FB7=0391 0342 0399;1FBC=0391 0399;1FC2=1FCA 0399;1FC3=0397 0399;1FC4=0389 0399;" +
        "1FC6=0397 0342;1FC7=0397 0342 0399;1FCC=0397 0399;1FD2=0399 0308 0300;1FD3=0399 0308 0301;1FD6=0399 0342;" +
        "1FD7=0399 0308 0342;1FE2=03A5 0308 0300;1FE3=03A5 0308 0301;1FE4=03A1 0313;1FE6=03A5 0342;" +
        "1FE7=03A5 0308 0342;1FF2=1FFA 0399;1FF3=03A9 0399;1FF4=038F 0399;1FF6=03A9 0342;1FF7=03A9 0342 0399;" +
        "1FFC=03A9 0399;FB00=0046 0046;FB01=0046 0049;FB02=0046 004C;FB03=0046 0046 0049;FB04=0046 0046 004C;" +
        "FB05=0053 0054;FB06=0053 0054;FB13=0544 0546;FB14=0544 0535;FB15=0544 053B;FB16=054E 0546;FB17=0544 053D";

    private const string titleTable =
        "00DF=0053 0073;01C4=01C5;01C5=01C5;01C6=01C5;01C7=01C8;01C8=01C8;01C9=01C8;01CA=01CB;01CB=01CB;01CC=01CB;" +
        "01F1=01F2;01F2=01F2;01F3=01F2;0587=0535 0582;1FB2=1FBA 0345;1FB3=1FBC;1FB4=0386 0345;1FB7=0391 0342 0345;" +
        "1FBC=1FBC;1FC2=1FCA 0345;1FC3=1FCC;1FC4=0389 0345;1FC7=0397 0342 0345;1FCC=1FCC;1FF2=1FFA 0345;1FF3=1FFC;" +
        "1FF4=038F 0345;1FF7=03A9 0342 0345;1FFC=1FFC;FB00=0046 0066;FB01=0046 0069;FB02=0046 006C;" +
        "FB03=0046 0066 0069;FB04=0046 0066 006C;FB05=0053 0074;FB06=0053 0074;FB13=0544 0576;FB14=0544 0565;" +
        "FB15=0544 056B;FB16=054E 0576;FB17=0544 056D";

    private const char capitalSigma = '\u03a3';
    private const char finalSigma = '\u03c2';
    private const string capitalIota = "\u0399";

    private static readonly Dictionary<int, string> upperExceptions = Read(upperTable);
    private static readonly Dictionary<int, string> titleExceptions = Read(titleTable);

    public static string Upper(string text) => Map(text, Upper);

    public static string Lower(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
            AppendLower(result, text, ref i);
        return result.ToString();
    }

    /// <summary>The first letter of every run of letters in title case, the rest in lower case (<c>str.title</c>).</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        bool afterLetter = false;
        for (int i = 0; i < text.Length; i++)
        {
            Rune rune = RuneAt(text, i);
            if (afterLetter)
                AppendLower(result, text, ref i);
            else
            {
                result.Append(Title(rune));
                i += rune.Utf16SequenceLength - 1;
            }
            afterLetter = IsCased(rune);
        }
        return result.ToString();
    }

    /// <summary>The first letter in title case, the rest in lower case (<c>str.capitalize</c>).</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        Rune first = RuneAt(text, 0);
        var result = new StringBuilder(Title(first), text.Length + 2);
        for (int i = first.Utf16SequenceLength; i < text.Length; i++)
            AppendLower(result, text, ref i);
        return result.ToString();
    }

    public static string SwapCase(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            Rune rune = RuneAt(text, i);
            if (IsUpper(rune))
            {
                AppendLower(result, text, ref i);
                continue;
            }
            result.Append(IsLower(rune) ? Upper(rune) : rune.ToString());
            i += rune.Utf16SequenceLength - 1;
        }
        return result.ToString();
    }

    /// <summary>Unicode's full case folding: the lower case of the upper case, but for a few letters.</summary>
    public static string Fold(string text) => Map(text, rune => rune.Value switch
    {
        0x131 => "\u0131",
        0x1E9E => "ss",
        // Cherokee folds to its capitals.
        >= 0x13A0 and <= 0x13F5 => rune.ToString(),
        >= 0x13F8 and <= 0x13FD => new Rune(rune.Value - 8).ToString(),
        >= 0xAB70 and <= 0xABBF => new Rune(rune.Value - 0xAB70 + 0x13A0).ToString(),
        _ => string.Concat(Upper(rune).EnumerateRunes().Select(Lower)),
    });

    public static bool IsUpper(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.UppercaseLetter || rune.Value is >= 0x2160 and <= 0x216F or >= 0x24B6 and <= 0x24CF;

    public static bool IsLower(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.LowercaseLetter
        || rune.Value is 0xAA or 0xBA or >= 0x2B0 and <= 0x2B8 or >= 0x2170 and <= 0x217F or >= 0x24D0 and <= 0x24E9;

    public static bool IsCased(Rune rune) => IsUpper(rune) || IsLower(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter;

    /// <summary>Python's <c>istitle</c>: capitals only at the start of a run of letters, small letters only behind it.</summary>
    public static bool IsTitle(string text)
    {
        bool afterLetter = false;
        bool any = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isSmall = IsLower(rune);
            bool isCased = IsCased(rune);
            if (isCased && isSmall != afterLetter)
                return false;
            any |= isCased;
            afterLetter = isCased;
        }
        return any;
    }

    private static string Map(string text, Func<Rune, string> map)
    {
        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            result.Append(map(rune));
        return result.ToString();
    }

    private static string Upper(Rune rune)
    {
        if (upperExceptions.TryGetValue(rune.Value, out string? mapped))
            return mapped;
        return rune.Value is >= 0x1F80 and <= 0x1FAF ? (char)IotaBase(rune.Value) + capitalIota : new Rune(SimpleCase.Upper(rune.Value)).ToString();
    }

    private static string Title(Rune rune)
    {
        if (titleExceptions.TryGetValue(rune.Value, out string? mapped))
            return mapped;
        return rune.Value switch
        {
            >= 0x1F80 and <= 0x1FAF => ((char)(rune.Value | 8)).ToString(),
            // Georgian has capitals, but titles are not written with them.
            >= 0x10D0 and <= 0x10FF => rune.ToString(),
            _ => Upper(rune),
        };
    }

    private static string Lower(Rune rune) => rune.Value == 0x130 ? "i\u0307" : new Rune(SimpleCase.Lower(rune.Value)).ToString();

    /// <summary>The Greek capital below a letter with iota subscript, U+1F80–U+1FAF.</summary>
    private static int IotaBase(int letter) => ((letter - 0x1F80) >> 4) switch { 0 => 0x1F08, 1 => 0x1F28, _ => 0x1F68 } + (letter & 7);

    private static void AppendLower(StringBuilder result, string text, ref int index)
    {
        if (text[index] == capitalSigma)
        {
            result.Append(IsFinalSigma(text, index) ? finalSigma : '\u03c3');
            return;
        }
        Rune rune = RuneAt(text, index);
        result.Append(Lower(rune));
        index += rune.Utf16SequenceLength - 1;
    }

    /// <summary>A letter in front and none behind, marks and apostrophes not counted.</summary>
    private static bool IsFinalSigma(string text, int index)
    {
        int before = index - 1;
        while (before >= 0 && IsIgnorable(text[before]))
            before--;
        int after = index + 1;
        while (after < text.Length && IsIgnorable(text[after]))
            after++;
        bool letterBefore = before >= 0 && IsCased(RuneAt(text, char.IsLowSurrogate(text[before]) && before > 0 ? before - 1 : before));
        return letterBefore && !(after < text.Length && IsCased(RuneAt(text, after)));
    }

    private static bool IsIgnorable(char c) => c is '\'' or '.' or ':' or '\u00b7' or '\u2018' or '\u2019' or '\u2024' or '\u2027'
        || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static Rune RuneAt(string text, int index) => Rune.TryGetRuneAt(text, index, out Rune rune) ? rune : Rune.ReplacementChar;

    private static Dictionary<int, string> Read(string table) => table.Split(';').Select(row => row.Split('=')).ToDictionary(
        row => Hex(row[0]),
        row => string.Concat(row[1].Split(' ').Select(code => (char)Hex(code))));

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
