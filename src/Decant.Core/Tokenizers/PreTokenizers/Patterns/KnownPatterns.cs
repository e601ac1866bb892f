namespace Decant.Core.Tokenizers.PreTokenizers.Patterns;

/// <summary>
/// Split patterns of published tokenizers that llama.cpp knows by name, exactly as their tokenizer.json spells them (or, for those that come without one, as llama.cpp does).
/// Several are applied one after another.
/// </summary>
internal static class KnownPatterns
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string LineBreaksAndSpaces = @"|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
    private const string MostlyUpper = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+";
    private const string MostlyLower = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*";
    private const string CasedWords = MostlyUpper + Contractions + "?|" + MostlyLower + Contractions + "?";
    private const string SignsThenLetters = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+";
    private const string HanAndKana = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
    private const string HanToHangul = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";

    // Every letter that has case, as far as Unicode went at the time.
    private const string CasedLetters =
        "A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481"
        + "\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57"
        + "\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D"
        + "\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787"
        + "\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3\U000104D8-\U000104FB\U00010C80-\U00010CB2\U00010CC0-\U00010CF2\U000118A0-\U000118DF"
        + "\U0001E900-\U0001E943";

    /// <summary>BLOOM's, where nested brackets make one set.</summary>
    public static IReadOnlyList<string> Bloom { get; } = [@" ?[^(\s|[.,!?…。，、।۔،])]+"];

    /// <summary>DeepSeek V3's.</summary>
    public static IReadOnlyList<string> DeepSeekV3 { get; } =
        [@"\p{N}{1,3}", HanAndKana, SignsThenLetters + "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"];

    /// <summary>DeepSeek LLM's, with single digits behind it.</summary>
    public static IReadOnlyList<string> DeepSeekLlm { get; } =
        ["[\r\n]", "\\s?[" + CasedLetters + "]+", "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+", @"\s+$", HanToHangul];

    /// <summary>DeepSeek Coder's, with single digits behind it.</summary>
    public static IReadOnlyList<string> DeepSeekCoder { get; } = ["[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", HanToHangul];

    /// <summary>Mistral Nemo's.</summary>
    public static IReadOnlyList<string> Tekken { get; } = [MostlyUpper + "|" + MostlyLower + @"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + LineBreaksAndSpaces];

    /// <summary>GPT-4o's (o200k) and Llama 4's.</summary>
    public static IReadOnlyList<string> Gpt4o { get; } = [CasedWords + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + LineBreaksAndSpaces];

    /// <summary>Kimi K2's: GPT-4o's with Chinese apart.</summary>
    public static IReadOnlyList<string> KimiK2 { get; } =
    [
        @"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+" + Contractions
        + @"?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*" + Contractions
        + @"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + LineBreaksAndSpaces,
    ];

    /// <summary>Qwen 3.5's: marks belong to letters.</summary>
    public static IReadOnlyList<string> Qwen35 { get; } =
        [Contractions + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + LineBreaksAndSpaces];

    /// <summary>Bailing MoE's.</summary>
    public static IReadOnlyList<string> BailingMoe { get; } =
        [@"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"];

    /// <summary>Seed Coder's.</summary>
    public static IReadOnlyList<string> SeedCoder { get; } =
        [Contractions + "|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"];

    /// <summary>EXAONE MoE's: several words can be one.</summary>
    public static IReadOnlyList<string> ExaoneMoe { get; } =
        [Contractions + @"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"];

    /// <summary>SuperBPE's: numbers in threes from the right.</summary>
    public static IReadOnlyList<string> SuperBpe { get; } = [@"\p{N}+", @"(?=(\d{3})+(?!\d))"];

    /// <summary>Jais 2's: white space in powers of two.</summary>
    public static IReadOnlyList<string> Jais2 { get; } =
    [
        Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        + @"|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}",
    ];

    /// <summary>Youtu's.</summary>
    public static IReadOnlyList<string> Youtu { get; } =
    [
        "[\uAC00-\uD7A3\u3131-\u318E]+|[\uFF01\u2026\u201C\u201D\u2018\u2019\u2014\uFF1A\uFF1B\uFF0C\u3001-\u303F\uFE30-\uFE4F]+|[\u3105-\u312F]+|" + HanAndKana,
        CasedWords + @"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + LineBreaksAndSpaces,
    ];

    /// <summary>Tiny Aya's: numbers in threes from the right.</summary>
    public static IReadOnlyList<string> TinyAya { get; } = [@"\d{1,3}(?=(?:\d{3})*\b)", .. Gpt4o];

    /// <summary>MiniCPM 5's.</summary>
    public static IReadOnlyList<string> MiniCpm5 { get; } =
        [@"\p{N}{1,3}", Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*" + LineBreaksAndSpaces];

    /// <summary>Spark's.</summary>
    public static IReadOnlyList<string> Spark { get; } =
        [@"\p{N}{1,3}", HanAndKana, SignsThenLetters + "| ?[\\p{P}\\p{S}]+|[\r\n]|\\s+(?!\\S)|\\s+", @"\p{N}"];

    /// <summary>Laguna's: lines, then Qwen 2's.</summary>
    public static IReadOnlyList<string> Laguna { get; } = [@"[^\n]+|[\n]+", SplitPatterns.Qwen2.Regex];

    /// <summary>Ufakzeka's: Qwen 2's without contractions.</summary>
    public static IReadOnlyList<string> Ufakzeka { get; } = [@"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + LineBreaksAndSpaces];

    /// <summary>Chameleon's.</summary>
    public static IReadOnlyList<string> Chameleon { get; } =
        ["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", @"([\t\n]|    |  )", @"\p{N}", @"[\p{P}!-/:-@\[-`{-~]", Gpt2];

    /// <summary>What llama.cpp falls back on.</summary>
    public static IReadOnlyList<string> LlamaCppDefault { get; } = [@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"];
}
