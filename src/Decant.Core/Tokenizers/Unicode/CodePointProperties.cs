using System.Globalization;

namespace Decant.Core.Tokenizers.Unicode;

/// <summary>
/// Sets of code points by the names that regular expressions have for them, as Oniguruma answers: general categories (the runtime's tables, Unicode 16), scripts and
/// derived properties (a table of the same version), POSIX brackets.
/// </summary>
internal static class CodePointProperties
{
    private const string Resource = "named-sets-16.0.txt";

    private static readonly (string Short, string Long, UnicodeCategory Category)[] categories =
    [
        ("lu", "uppercaseletter", UnicodeCategory.UppercaseLetter),
        ("ll", "lowercaseletter", UnicodeCategory.LowercaseLetter),
        ("lt", "titlecaseletter", UnicodeCategory.TitlecaseLetter),
        ("lm", "modifierletter", UnicodeCategory.ModifierLetter),
        ("lo", "otherletter", UnicodeCategory.OtherLetter),
        ("mn", "nonspacingmark", UnicodeCategory.NonSpacingMark),
        ("mc", "spacingmark", UnicodeCategory.SpacingCombiningMark),
        ("me", "enclosingmark", UnicodeCategory.EnclosingMark),
        ("nd", "decimalnumber", UnicodeCategory.DecimalDigitNumber),
        ("nl", "letternumber", UnicodeCategory.LetterNumber),
        ("no", "othernumber", UnicodeCategory.OtherNumber),
        ("pc", "connectorpunctuation", UnicodeCategory.ConnectorPunctuation),
        ("pd", "dashpunctuation", UnicodeCategory.DashPunctuation),
        ("ps", "openpunctuation", UnicodeCategory.OpenPunctuation),
        ("pe", "closepunctuation", UnicodeCategory.ClosePunctuation),
        ("pi", "initialpunctuation", UnicodeCategory.InitialQuotePunctuation),
        ("pf", "finalpunctuation", UnicodeCategory.FinalQuotePunctuation),
        ("po", "otherpunctuation", UnicodeCategory.OtherPunctuation),
        ("sm", "mathsymbol", UnicodeCategory.MathSymbol),
        ("sc", "currencysymbol", UnicodeCategory.CurrencySymbol),
        ("sk", "modifiersymbol", UnicodeCategory.ModifierSymbol),
        ("so", "othersymbol", UnicodeCategory.OtherSymbol),
        ("zs", "spaceseparator", UnicodeCategory.SpaceSeparator),
        ("zl", "lineseparator", UnicodeCategory.LineSeparator),
        ("zp", "paragraphseparator", UnicodeCategory.ParagraphSeparator),
        ("cc", "control", UnicodeCategory.Control),
        ("cf", "format", UnicodeCategory.Format),
        ("cs", "surrogate", UnicodeCategory.Surrogate),
        ("co", "privateuse", UnicodeCategory.PrivateUse),
        ("cn", "unassigned", UnicodeCategory.OtherNotAssigned),
    ];

    private static readonly (string Short, string Long)[] groups =
        [("l", "letter"), ("m", "mark"), ("n", "number"), ("p", "punctuation"), ("s", "symbol"), ("z", "separator"), ("c", "other"), ("lc", "casedletter")];

    // Four-letter names of scripts that patterns use; the table has the long ones.
    private static readonly Dictionary<string, string> aliases = new(StringComparer.Ordinal)
    {
        ["arab"] = "arabic", ["armn"] = "armenian", ["beng"] = "bengali", ["bopo"] = "bopomofo", ["cyrl"] = "cyrillic", ["deva"] = "devanagari", ["ethi"] = "ethiopic", ["geor"] = "georgian",
        ["grek"] = "greek", ["gujr"] = "gujarati", ["guru"] = "gurmukhi", ["hang"] = "hangul", ["hani"] = "han", ["hebr"] = "hebrew", ["hira"] = "hiragana", ["kana"] = "katakana",
        ["khmr"] = "khmer", ["knda"] = "kannada", ["laoo"] = "lao", ["latn"] = "latin", ["mlym"] = "malayalam", ["mong"] = "mongolian", ["mymr"] = "myanmar", ["orya"] = "oriya", ["qaai"] = "inherited",
        ["sinh"] = "sinhala", ["syrc"] = "syriac", ["taml"] = "tamil", ["telu"] = "telugu", ["thaa"] = "thaana", ["tibt"] = "tibetan", ["yiii"] = "yi", ["zinh"] = "inherited", ["zyyy"] = "common",
    };

    private static readonly Lazy<CodePointSet[]> byCategory = new(ReadCategories);
    private static readonly Lazy<Dictionary<string, CodePointSet>> table = new(() =>
        UnicodeResource.ReadSections(Resource));

    /// <summary>White space, <c>\s</c>.</summary>
    public static CodePointSet Space { get; } = CodePointSet.Of((9, 13), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000));

    /// <summary>Hexadecimal digits of ASCII, <c>\h</c>.</summary>
    public static CodePointSet HexDigit { get; } = CodePointSet.Of(('0', '9'), ('A', 'F'), ('a', 'f'));

    /// <summary>Decimal digits, <c>\d</c>.</summary>
    public static CodePointSet Digit => Categories("nd");

    /// <summary>What is alphabetic, marks, decimal digits and connectors: <c>\w</c> within brackets.</summary>
    public static CodePointSet WordInBrackets => table.Value["alphabetic"].Union(Categories("m", "nd", "pc"));

    /// <summary><c>\w</c> outside brackets, and what <c>\b</c> goes by: Oniguruma asks the Latin-1 table there, which has ², ³, ¹, ¼, ½, ¾ too.</summary>
    public static CodePointSet Word => WordInBrackets.Union(CodePointSet.Of((0xB2, 0xB3), (0xB9, 0xB9), (0xBC, 0xBE)));

    /// <summary>The set of <c>\p{NAME}</c>, or null. Case, spaces, - and _ in the name do not count.</summary>
    public static CodePointSet? Find(string name)
    {
        string plain = name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();
        foreach ((string shortName, string longName) in (ReadOnlySpan<(string, string)>)[.. groups, .. categories.Select(c => (c.Short, c.Long))])
        {
            if (plain == shortName || plain == longName)
                return Categories(shortName);
        }
        return plain switch
        {
            "any" => CodePointSet.All,
            "assigned" => Categories("cn").Complement(),
            "punct" => Categories("p"),
            "whitespace" => Space,
            "word" => Word,
            _ when aliases.TryGetValue(plain, out string? script) => table.Value[script],
            _ => table.Value.GetValueOrDefault(plain) ?? FindBracket(plain),
        };
    }

    /// <summary>The set of the POSIX bracket <c>[:NAME:]</c>, or null.</summary>
    public static CodePointSet? FindBracket(string name) => name switch
    {
        "alpha" => table.Value["alphabetic"],
        "upper" => table.Value["uppercase"],
        "lower" => table.Value["lowercase"],
        "alnum" => table.Value["alphabetic"].Union(Digit),
        "digit" => Digit,
        "punct" => Categories("p", "s"),
        "space" => Space,
        "blank" => Categories("zs").Union(CodePointSet.Of('\t')),
        "cntrl" => Categories("cc"),
        "graph" => Space.Union(Categories("cc", "cn", "cs")).Complement(),
        "print" => Categories("zs").Union(Space.Union(Categories("cc", "cn", "cs")).Complement()),
        "xdigit" => HexDigit,
        "word" => WordInBrackets,
        "ascii" => CodePointSet.Of((0, 0x7F)),
        _ => null,
    };

    private static CodePointSet Categories(params ReadOnlySpan<string> names)
    {
        var ranges = new List<(int, int)>();
        for (int i = 0; i < categories.Length; i++)
        {
            foreach (string name in names)
            {
                string category = categories[i].Short;
                if (name == "lc" ? category is "lu" or "ll" or "lt" : name.Length == 1 ? category[0] == name[0] : category == name)
                    ranges.AddRange(byCategory.Value[(int)categories[i].Category].Ranges);
            }
        }
        return CodePointSet.Of(ranges);
    }

    private static CodePointSet[] ReadCategories()
    {
        var ranges = new List<(int First, int Last)>[categories.Length];
        for (int i = 0; i < ranges.Length; i++)
            ranges[i] = [];
        for (int codePoint = 0; codePoint <= CodePointSet.MaxCodePoint; codePoint++)
        {
            List<(int First, int Last)> own = ranges[(int)CharUnicodeInfo.GetUnicodeCategory(codePoint)];
            if (own.Count > 0 && own[^1].Last == codePoint - 1)
                own[^1] = (own[^1].First, codePoint);
            else
                own.Add((codePoint, codePoint));
        }
        return [.. ranges.Select(r => CodePointSet.Of(r))];
    }
}
