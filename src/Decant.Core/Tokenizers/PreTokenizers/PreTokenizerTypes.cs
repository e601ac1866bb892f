using Decant.Core.Tokenizers.HuggingFace;
using Decant.Core.Tokenizers.PreTokenizers.Patterns;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>The pre-tokenizers that tokenizer.json may name. A new one is a file and a line here.</summary>
internal static class PreTokenizerTypes
{
    private static readonly (string Type, Func<JsonPart, PreTokenizer> Read)[] all =
    [
        ("Sequence", ReadSequence),
        ("ByteLevel", ReadByteLevel),
        ("Split", ReadSplit),
        ("Digits", ReadDigits),
        ("Metaspace", ReadMetaspace),
        ("CharDelimiterSplit", ReadDelimiter),
        ("WhitespaceSplit", part => { part.RefuseKeysExcept("type"); return new WhitespaceSplitPreTokenizer(); }),
        ("Whitespace", part => { part.RefuseKeysExcept("type"); return new WhitespacePreTokenizer(); }),
        ("Punctuation", ReadPunctuation),
        ("BertPreTokenizer", part => { part.RefuseKeysExcept("type"); return new BertPreTokenizer(); }),
    ];

    /// <summary>Reads a pre-tokenizer; null if the file has none.</summary>
    public static PreTokenizer? Read(JsonPart part) => part.IsNull ? null : ReadOne(part);

    private static PreTokenizer ReadOne(JsonPart part)
    {
        string type = part["type"].GetString();
        foreach ((string name, Func<JsonPart, PreTokenizer> read) in all)
        {
            if (name == type)
                return read(part);
        }
        throw part.NotSupported($"the pre-tokenizer '{type}'");
    }

    private static SequencePreTokenizer ReadSequence(JsonPart part)
    {
        part.RefuseKeysExcept("type", "pretokenizers");
        PreTokenizer[] parts = [.. part["pretokenizers"].GetItems().Select(ReadOne)];
        // What stands behind ByteLevel sees its alphabet in place of bytes.
        int first = Array.FindIndex(parts, p => p is ByteLevelPreTokenizer);
        for (int i = first + 1; first >= 0 && i < parts.Length; i++)
        {
            if (parts[i] is not (DigitsPreTokenizer or SplitPreTokenizer or PatternSplitPreTokenizer or DigitGroupsPreTokenizer or PunctuationPreTokenizer))
                throw part.NotSupported($"the pre-tokenizer '{parts[i].ToJson()["type"]}' behind ByteLevel");
            parts[i] = new StandInPreTokenizer(parts[i]);
        }
        return new SequencePreTokenizer(parts);
    }

    private static ByteLevelPreTokenizer ReadByteLevel(JsonPart part)
    {
        part.RefuseKeysExcept("type", "add_prefix_space", "trim_offsets", "use_regex");
        return new ByteLevelPreTokenizer(
            part.Find("add_prefix_space").GetBoolean(true), part.Find("trim_offsets").GetBoolean(true), part.Find("use_regex").GetBoolean(true));
    }

    private static PreTokenizer ReadSplit(JsonPart part)
    {
        part.RefuseKeysExcept("type", "pattern", "behavior", "invert");
        JsonPart pattern = part["pattern"];
        SplitBehavior behavior = ReadBehavior(part["behavior"]);
        bool isInverted = part.Find("invert").GetBoolean(false);
        bool isRegex = !pattern.Find("Regex").IsNull;
        string text = pattern[isRegex ? "Regex" : "String"].GetString();
        if (text.Length == 0)
            throw pattern.Wrong("a string to split at", "an empty one");
        if (isRegex && behavior == SplitBehavior.Isolated && !isInverted && SplitPatterns.Find(text) is { } known)
            return new SplitPreTokenizer(known);
        if (isRegex && behavior == SplitBehavior.Isolated && !isInverted && DigitGroupsPreTokenizer.Find(text) is { } groups)
            return groups;
        if (!isRegex && behavior == SplitBehavior.MergedWithPrevious && !isInverted)
            return new LiteralSplitPreTokenizer(text);
        try
        {
            return new PatternSplitPreTokenizer(text, isRegex, behavior, isInverted);
        }
        catch (FormatException e)
        {
            throw pattern.NotSupported($"the split pattern {PatternExcerpt.Of(text)}: {e.Message}");
        }
    }

    private static PatternSplitPreTokenizer ReadDelimiter(JsonPart part)
    {
        part.RefuseKeysExcept("type", "delimiter");
        string delimiter = part["delimiter"].GetString();
        return delimiter.EnumerateRunes().Count() == 1
            ? new PatternSplitPreTokenizer(delimiter, isRegex: false, SplitBehavior.Removed)
            : throw part.Wrong("one character as delimiter", $"'{delimiter}'");
    }

    private static PunctuationPreTokenizer ReadPunctuation(JsonPart part)
    {
        part.RefuseKeysExcept("type", "behavior");
        return new PunctuationPreTokenizer(part.Find("behavior").IsNull ? SplitBehavior.Isolated : ReadBehavior(part["behavior"]));
    }

    private static SplitBehavior ReadBehavior(JsonPart part)
    {
        string name = part.GetString();
        foreach (SplitBehavior behavior in Enum.GetValues<SplitBehavior>())
        {
            if (behavior.ToString() == name)
                return behavior;
        }
        throw part.NotSupported($"Split with the behavior '{name}'");
    }

    private static DigitsPreTokenizer ReadDigits(JsonPart part)
    {
        part.RefuseKeysExcept("type", "individual_digits");
        return new DigitsPreTokenizer(part.Find("individual_digits").GetBoolean(false));
    }

    private static MetaspacePreTokenizer ReadMetaspace(JsonPart part)
    {
        part.RefuseKeysExcept("type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
        string replacement = part["replacement"].GetString();
        if (replacement.Length == 0 || char.IsWhiteSpace(replacement[0]))
            throw part.Wrong("a replacement that is not white space", $"'{replacement}'");
        return new MetaspacePreTokenizer(replacement, ReadScheme(part), part.Find("split").GetBoolean(true));
    }

    /// <summary>The prepend_scheme of a Metaspace, or what older files say instead: add_prefix_space, which means always or never.</summary>
    public static PrependScheme ReadScheme(JsonPart part)
    {
        JsonPart scheme = part.Find("prepend_scheme");
        if (scheme.IsNull)
            return part.Find("add_prefix_space").GetBoolean(true) ? PrependScheme.Always : PrependScheme.Never;
        return scheme.GetString() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw scheme.NotSupported($"the prepend_scheme '{other}'"),
        };
    }
}
